"""Exchange rates: amounts of several currencies in one (`convert`), and rates from a person or a file (`enter`)."""
