"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

#: How long an event may wait for the next run of `renew` before it is reported.
GRACE = timedelta(days=1)

#: Called with the number of rows that were checked since the last call.
Advance = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction: the row, by typed ID and by name, what is wrong, and what to do about it.

    If it was repaired, `mended` describes the repair and replaces `remedy`. `can_be_mended` is set if a ledger entry can
    repair it.
    """

    row: str
    name: str
    what: str
    remedy: str
    can_be_mended: bool = False
    mended: str = ""

    def __str__(self) -> str:
        return f"{self.row} ({self.name}): {self.what}. {self.mended or self.remedy}"
