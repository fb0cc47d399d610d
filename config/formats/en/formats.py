"""How Django itself writes days and moments: in columns and read-only fields of the admin, as `customers.formats` does."""

DATE_FORMAT = "M j, Y"
DATETIME_FORMAT = "M j, Y, H:i"
