"""Customers as rows of a spreadsheet: the columns, the two formats, and exports that are written piece by piece."""
