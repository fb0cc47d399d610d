"""Lists of customers and of what they have: one component, declared once for each kind of row."""
