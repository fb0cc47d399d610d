"""Lists of companies and people, in the style of the CRM document."""
