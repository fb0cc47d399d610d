"""What a check has found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

#: How long what falls due may wait for the next run of `renew`.
GRACE = timedelta(days=1)

#: Told how many more rows were looked at.
Advance = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is amiss: of which row, by its typed id and its name for people; what; and what to do about it.

    `mended` says what was done about it already, in place of `remedy`. With `can_be_mended`, a ledger entry would.
    """

    row: str
    name: str
    what: str
    remedy: str
    can_be_mended: bool = False
    mended: str = ""

    def __str__(self) -> str:
        return f"{self.row} ({self.name}): {self.what}. {self.mended or self.remedy}"


def day(moment: datetime) -> str:
    """A moment as findings name it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
