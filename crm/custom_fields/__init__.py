"""Custom fields of customers: their types, their values from all sources, and the verbs that define and enter them."""
