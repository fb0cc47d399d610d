"""A database of an earlier version, and what it has to show after it was migrated."""
