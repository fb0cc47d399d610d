"""Explain a balance: where its figures come from, what usage would deduct, and how long it lasts."""
