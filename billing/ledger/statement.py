"""What the latest ledger entries did to a balance, each with what remained after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Subquery

from billing.ledger.past_figures import PastFigures
from billing.models import Balance, LedgerEntry, Posting
from billing.rules.exact import EXACT, ZERO

_Figure = LedgerEntry.Figure
#: What a rise of each figure does to what remains. A rollover is counted by what is left of it.
_SIGNS = {_Figure.INCLUDED_GRANT: 1, _Figure.PREPAID_GRANT: 1, _Figure.USAGE: -1, _Figure.LEFT: 1}


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A ledger entry. `change` is what it added to the grants and rollovers of the balance, negative for a deduction.

    `remaining` is what remained of the balance after it, None while that was unlimited. `reversed_by` is the ID of the
    entry that reverses it.
    """

    posting: Posting
    change: Decimal
    remaining: Decimal | None
    reversed_by: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """The last ledger entries of a balance by posting, latest first, in the order in which they were recorded."""

    entries: list[list[LedgerEntry]]

    @classmethod
    def of(cls, balance: Balance, limit: int) -> Statement:
        """The entries of the last `limit` postings. Two queries."""
        of_posting: dict[str, list[LedgerEntry]] = defaultdict(list)
        for line in _latest_lines(balance, limit):
            of_posting[str(line.posting_id)].append(line)
        return cls([of_posting[key] for key in sorted(of_posting, reverse=True)[:limit]])

    def since(self, otherwise: datetime) -> datetime:
        """When the earliest was recorded; `otherwise` without any."""
        return min((lines[0].posting.recorded_at for lines in self.entries), default=otherwise)

    def lines(self, figures: PastFigures) -> list[StatementLine]:
        """What each did, by undoing them one after the other. `figures` are the present ones, of what counted `since`."""
        found = []
        for entries in self.entries:
            annotated: Any = entries[0]
            posting = annotated.posting
            remaining = figures.remaining(posting.recorded_at)
            change = _undo(entries, figures)
            found.append(StatementLine(posting, change, remaining, str(annotated.reversed_by or "")))
        return found


def _latest_lines(balance: Balance, limit: int) -> list[LedgerEntry]:
    found: list[LedgerEntry] = []
    reversal = Posting.objects.filter(reverses=OuterRef("posting")).order_by().values("pk")
    for owner in ("grant", "rollover"):
        lines = LedgerEntry.objects.filter(
            # Each row counts its lines, so its last ones are found without reading a long ledger.
            number__gt=F(f"{owner}__entries") - limit * len(_SIGNS),
            **{f"{owner}__balance": balance},
        )
        lines = lines.annotate(reversed_by=Subquery(reversal))
        found += lines.select_related("posting").order_by("-posting_id", "-number")[: limit * len(_SIGNS)]
    return found


def _undo(lines: Iterable[LedgerEntry], figures: PastFigures) -> Decimal:
    """Take the lines of an entry back, and return what they added together."""
    change = ZERO
    for line in lines:
        figures.undo(str(line.grant_id or line.rollover_id), line.figure, line.amount)
        change = EXACT.add(change, line.amount * _SIGNS.get(_Figure(line.figure), 0))
    return change
