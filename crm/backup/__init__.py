"""Backups: one archive of the whole database, verified, and restored all or nothing."""
