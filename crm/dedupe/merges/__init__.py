"""Making one customer of several: what it would do, doing it, and undoing it."""
