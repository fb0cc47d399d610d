"""Notifications that a job makes: digests, what time makes due, and what happened to customers."""
