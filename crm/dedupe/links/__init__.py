"""Linking source records to customers one by one, and taking them out."""
