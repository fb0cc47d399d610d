"""The catalog: rules for features and plans, versions of plans, what is in use."""
