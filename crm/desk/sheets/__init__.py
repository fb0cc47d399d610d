"""The acts on a customer's account: who manages it, and what is to do."""
