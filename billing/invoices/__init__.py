"""Invoices: raise, number, pay, credit, void."""
