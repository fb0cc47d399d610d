"""What ledger entries add up to over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, F, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.timezone import localdate, make_aware

from billing.ledger.past_figures import PastFigures
from billing.models import Balance, LedgerEntry, Posting
from billing.rules.exact import EXACT, ZERO
from customers.formats import local
from customers.models import Customer

#: How many days of a balance's history are shown.
HISTORY_DAYS = 90

_USES = (Posting.Kind.USAGE, Posting.Kind.REFUND)


@dataclass(frozen=True, slots=True)
class DailyFigures:
    """The figures of a balance at the end of a day; `remaining` is None while it was unlimited."""

    day: date
    granted: Decimal
    usage: Decimal
    remaining: Decimal | None


def customer_ids_with_merged(*customer_ids: str) -> list[str]:
    """The customers and those merged into them: their postings keep the customer that they were made for."""
    merged = Customer.objects.filter(merged_into__id__in=customer_ids).values_list("pk", flat=True)
    return [*customer_ids, *map(str, merged)]


def used_between(
    customer_ids: Iterable[str], balance_ids: Iterable[str], since: datetime, until: datetime
) -> dict[str, Decimal]:
    """Usage less refunds of each balance after `since` up to `until`. In two queries."""
    balance_ids = list(balance_ids)
    entries = _uses_between(customer_ids, since, until)
    used: dict[str, Decimal] = dict.fromkeys(balance_ids, ZERO)
    drawn = entries.filter(figure=LedgerEntry.Figure.USAGE, grant__balance_id__in=balance_ids)
    for (balance_id,), amount in _sums(drawn, "grant__balance"):
        used[str(balance_id)] = EXACT.add(used[str(balance_id)], amount)
    taken = entries.filter(figure=LedgerEntry.Figure.LEFT, rollover__balance_id__in=balance_ids)
    for (balance_id,), amount in _sums(taken, "rollover__balance"):
        used[str(balance_id)] = EXACT.subtract(used[str(balance_id)], amount)
    return used


def first_uses_between(
    customer_ids: Iterable[str], balance_ids: Iterable[str], since: datetime, until: datetime
) -> dict[str, datetime]:
    """When a grant of each balance was first used after `since`, up to `until`. In one query."""
    entries = _uses_between(customer_ids, since, until).filter(grant__balance_id__in=list(balance_ids))
    firsts = entries.order_by().values_list("grant__balance").annotate(first=Min("posting__occurred_at"))
    return {str(balance_id): first for balance_id, first in firsts}


def history_begins(at: datetime) -> datetime:
    """The end of the first day of a balance's history."""
    return _end_of(localdate(at) - timedelta(days=HISTORY_DAYS))


def daily_figures(balance: Balance, at: datetime, past: PastFigures) -> list[DailyFigures]:
    """The figures of a balance at the end of each of the last `HISTORY_DAYS` days, or of fewer if it is younger.

    The last figures are those at `at`. Earlier ones are computed by undoing the ledger entries day by day: `past` are the
    present figures, of what counted since `history_begins`. If a grant was imported, the figures of its first import
    count from the day of its creation or first entry. In two queries.
    """
    last, since = localdate(at), history_begins(at)
    days = [last - timedelta(days=back) for back in range(HISTORY_DAYS, -1, -1)]
    changes: dict[str, dict[date, dict[str, Decimal]]] = defaultdict(lambda: defaultdict(dict))
    key = balance.customer_id
    theirs = Customer.objects.filter(Q(pk=key) | Q(merged_into=key)).order_by().values("pk")
    entries = LedgerEntry.objects.filter(
        posting__customer_id__in=theirs,
        posting__occurred_at__gt=since,
    ).annotate(day=TruncDate("posting__occurred_at"))
    found_by_import = LedgerEntry.objects.filter(
        number=1, grant=OuterRef("grant"), posting=OuterRef("posting"), posting__kind=Posting.Kind.IMPORT
    )
    for (row_id, figure, day), amount in [
        *_sums(entries.filter(~Exists(found_by_import), grant__balance=balance), "grant", "figure", "day"),
        *_sums(entries.filter(rollover__balance=balance), "rollover", "figure", "day"),
    ]:
        changes[str(row_id)][day][figure] = amount
    begins = {
        str(grant.pk): min([local(grant.created_at).date(), *changes.get(str(grant.pk), ())])
        for grant in past.grants
    }
    found: list[DailyFigures] = []
    for day in reversed(days):
        not_begun = {key for key, began in begins.items() if began > day}
        figures = past.at(at if day == last else _end_of(day), without=not_begun)
        remaining = None if figures.unlimited else figures.remaining
        found.append(DailyFigures(day, figures.granted, figures.usage, remaining))
        for row_id, of_row in changes.items():
            for figure, amount in of_row.pop(day, {}).items():
                past.undo(row_id, figure, amount)
    began = min(begins.values(), default=last)
    return [each for each in reversed(found) if each.day >= min(began, last)]


def _uses_between(customer_ids: Iterable[str], since: datetime, until: datetime) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(
        posting__customer_id__in=list(customer_ids),
        posting__kind__in=_USES,
        posting__occurred_at__gt=since,
        posting__occurred_at__lte=until,
    )


def _sums(entries: QuerySet[LedgerEntry], *keys: str) -> list[tuple[tuple[Any, ...], Decimal]]:
    """The exact sums of the amounts by `keys`. On SQLite, which adds in floating point, they are computed in Python."""
    entries = entries.order_by()
    if connection.vendor != "sqlite":
        rows: Any = entries.values_list(*keys).annotate(total=Sum(F("amount")))
        return [(tuple(row[:-1]), row[-1]) for row in rows]
    totals: dict[tuple[Any, ...], Decimal] = defaultdict(Decimal)
    for *key, amount in entries.values_list(*keys, "amount").iterator():
        totals[tuple(key)] = EXACT.add(totals[tuple(key)], amount)
    return list(totals.items())


def _end_of(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.max))
