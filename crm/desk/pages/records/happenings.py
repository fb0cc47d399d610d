"""What happened to a record: the entries of its timeline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened: `actor` did `words`."""

    at: datetime
    icon: str
    actor: str
    words: str
    body: str = ""
