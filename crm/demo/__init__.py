"""Believable customers that do not exist, as the documents that the three platforms would send."""
