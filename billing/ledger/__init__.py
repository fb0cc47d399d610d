"""The ledger: how figures change, and what its entries add up to."""
