"""Idempotency keys: repeating a usage with its key returns the first result; any other use of the key is a conflict."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

LONGEST_KEY = 255


class KeyConflict(Exception):
    """The key was used before, for something else. The message is a sentence that says what to do."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The key {key!r} was used before for something else. A key is for one use only: repeat that use exactly, or"
            " choose another key."
        )


def key_problem(key: str) -> str | None:
    """Why `key` cannot be stored, as a sentence; None if it can."""
    if not key:
        return "Enter a key, or leave it out."
    if len(key) > LONGEST_KEY:
        return f"Enter a key of at most {LONGEST_KEY} characters; this one has {len(key)}."
    if "\0" in key or (not key.isascii() and any("\ud800" <= character <= "\udfff" for character in key)):
        return "Enter a key without null characters and without halves of surrogate pairs."
    return None


def digest_of(feature_id: str, entity_id: str | None, amount: Decimal, at: datetime | None, cap: bool) -> str:
    """SHA-256 of what a usage request asks for.

    The customer is not part of it: the posting's customer is compared instead, so that a repetition after a merge is
    still recognized.
    """
    content = (
        feature_id,
        entity_id,
        f"{amount.normalize():f}",
        None if at is None else at.astimezone(UTC).isoformat(),
        cap,
    )
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()
