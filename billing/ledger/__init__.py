"""The ledger: the one way in which a figure changes, and what its entries add up to."""
