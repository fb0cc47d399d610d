"""The catalogue: features and plans, how they are taken in, what they must keep to, and their versions."""
