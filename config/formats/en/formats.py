"""Formats of days and times that Django writes itself, the same as in `customers.formats`."""

DATE_FORMAT = "M j, Y"
DATETIME_FORMAT = "M j, Y, H:i"
