"""The acts on subscriptions, balances and invoices."""
