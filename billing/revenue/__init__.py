"""What customers bring in month after month: MRR and ARR."""
