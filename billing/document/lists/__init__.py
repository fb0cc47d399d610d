"""Lists of what customers have at the billing platform (invoices, subscriptions, balances), and of the catalog."""
