"""The desk: our own pages, in the admin's look, where account managers spend the day."""
