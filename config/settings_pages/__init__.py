"""The pages of settings: an index of groups, and a page for each group of `customers.configuration.table`."""
