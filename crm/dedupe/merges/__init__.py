"""Merging customers: the plan, the merge, and its undo."""
