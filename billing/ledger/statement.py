"""What the latest ledger entries did to a balance, each with what remained after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F

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


def statement(balance: Balance, limit: int) -> list[StatementLine]:
    """The last `limit` ledger entries of the balance, latest first, in the order in which they were recorded.

    Computed from the present figures by undoing the entries one after the other. In five queries.
    """
    lines = _latest_lines(balance, limit)
    of_posting: dict[str, list[LedgerEntry]] = defaultdict(list)
    for line in lines:
        of_posting[str(line.posting_id)].append(line)
    newest: list[Any] = sorted(of_posting, reverse=True)[:limit]
    if not newest:
        return []
    since = min(of_posting[key][0].posting.recorded_at for key in newest)
    figures = PastFigures.of(balance, since)
    reversals = {
        str(row.reverses_id): str(row.pk)
        for row in Posting.objects.filter(reverses__in=newest).only("reverses")
    }
    found = []
    for key in newest:
        posting = of_posting[key][0].posting
        remaining = figures.remaining(posting.recorded_at)
        change = _undo(of_posting[key], figures)
        found.append(StatementLine(posting, change, remaining, reversals.get(key, "")))
    return found


def _latest_lines(balance: Balance, limit: int) -> list[LedgerEntry]:
    found: list[LedgerEntry] = []
    for owner in ("grant", "rollover"):
        lines = LedgerEntry.objects.filter(
            # Each row counts its lines, so its last ones are found without reading a long ledger.
            number__gt=F(f"{owner}__entries") - limit * len(_SIGNS),
            **{f"{owner}__balance": balance},
        )
        found += lines.select_related("posting").order_by("-posting_id", "-number")[: limit * len(_SIGNS)]
    return found


def _undo(lines: Iterable[LedgerEntry], figures: PastFigures) -> Decimal:
    """Take the lines of an entry back, and return what they added together."""
    change = ZERO
    for line in lines:
        figures.undo(str(line.grant_id or line.rollover_id), line.figure, line.amount)
        change = EXACT.add(change, line.amount * _SIGNS.get(_Figure(line.figure), 0))
    return change
