"""The home page: what the figures are, what needs attention, who owes money, and what changed since the last visit."""
