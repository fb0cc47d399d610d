"""The desk: the pages of our own that account managers spend the day in, inside the admin's look."""
