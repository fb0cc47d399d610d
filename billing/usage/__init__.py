"""Uses of features: what they draw from, one at a time or many at once, once for each idempotency key."""
