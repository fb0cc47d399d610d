"""Recurring revenue of customers: MRR and ARR."""
