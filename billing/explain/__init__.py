"""Explaining a balance: where its figures come from, what a use would draw, how long it lasts."""
