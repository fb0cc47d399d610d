"""Granting and adjusting balances by hand."""
