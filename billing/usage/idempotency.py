"""Idempotency keys: a use that comes again under its key is answered as the first time, another one is a conflict."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

LONGEST_KEY = 255


class KeyConflict(Exception):
    """The key was used before, for something else; the message says so and what to do."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The key {key!r} was used before, for something else. A key stands for one use for ever: repeat that use"
            " exactly as it was, or give this one a key of its own."
        )


def key_problem(key: str) -> str | None:
    """Why no database could keep `key`, in a sentence; None for a good one."""
    if not key:
        return "A key is not empty: leave it out, or give each use one of its own."
    if len(key) > LONGEST_KEY:
        return f"A key has at most {LONGEST_KEY} characters, but this one has {len(key)}."
    if "\0" in key or (not key.isascii() and any("\ud800" <= character <= "\udfff" for character in key)):
        return "A key is text without NUL and without halves of surrogate pairs."
    return None


def digest_of(feature_id: str, entity_id: str | None, amount: Decimal, at: datetime | None, cap: bool) -> str:
    """SHA-256 of what a use says.

    Whose use it is, is not in it: the posting's customer says that, whoever it became part of since.
    """
    said = (
        feature_id,
        entity_id,
        f"{amount.normalize():f}",
        None if at is None else at.astimezone(UTC).isoformat(),
        cap,
    )
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()
