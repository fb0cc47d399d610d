"""The pages of one invoice, subscription, balance, company or person."""
