"""Usage of features, recorded one at a time or many at once, once per idempotency key."""
