"""The audit log: writing entries (`record`), sealing and verifying the chain (`chain`)."""
