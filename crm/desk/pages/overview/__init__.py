"""The sections of a customer's page. Empty sections aren't shown.

Each module builds the sections of one subject in a number of queries that doesn't depend on the amount of data: of a
long list the first rows are shown, with a link to all of them.
"""
