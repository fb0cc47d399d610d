"""Outgoing webhooks: queueing, signing and sending deliveries."""
