"""The figures of the home page: what the customers bring in and how that moved, and who needs attention."""
