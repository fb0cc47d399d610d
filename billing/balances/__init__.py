"""Balances: their figures, how they are granted, adjusted by hand and renewed, and how fast they are used."""
