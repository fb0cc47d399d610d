"""What was used of one balance: by day, entity and feature, and entry by entry with what remained after each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Greatest, TruncDate

from billing.ledger.past_figures import PastFigures
from billing.models import Balance, LedgerEntry, Posting
from billing.models.figures import FigureField
from billing.rules.exact import EXACT, ZERO

USES = (Posting.Kind.USAGE, Posting.Kind.REFUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfUse:
    """Usage less refunds on a day, of what one entity used of one feature. `over` of it exceeded its grant."""

    day: date
    entity_id: str | None
    feature_id: str | None
    used: Decimal
    over: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """A posting: how much it changed what remains of the balance, and what remained after it (None: unlimited).

    `change` is None where an import found the balance: what was there before isn't known.
    """

    posting: Posting
    change: Decimal | None
    remaining: Decimal | None


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Postings, newest first. There are older ones if `has_more`."""

    rows: Sequence[LedgerRow]
    has_more: bool = False


def days_of_use(
    balance: Balance, customer_ids: Sequence[str], since: datetime, until: datetime
) -> list[DayOfUse]:
    """What was used of the balance from `since` until before `until`, by day in the current time zone.

    `customer_ids` are the balance's customer and those merged into it. Overage is measured by what a grant holds now:
    earlier amounts of it aren't known. One query, by the index of the customers' postings.
    """
    entries = (
        LedgerEntry.objects.filter(
            _of(balance),
            posting__customer_id__in=list(customer_ids),
            posting__kind__in=USES,
            posting__occurred_at__gte=since,
            posting__occurred_at__lt=until,
            figure__in=(LedgerEntry.Figure.USAGE, LedgerEntry.Figure.LEFT),
        )
        .order_by()
        .annotate(day=TruncDate("posting__occurred_at"))
    )
    sums: dict[tuple[date, Any, Any], list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for day, entity_id, feature_id, used, over in _sums(entries):
        key = day, entity_id and str(entity_id), feature_id and str(feature_id)
        sums[key][0] = EXACT.add(sums[key][0], used)
        sums[key][1] = EXACT.add(sums[key][1], over)
    return [
        DayOfUse(day=day, entity_id=entity_id, feature_id=feature_id, used=used, over=over)
        for (day, entity_id, feature_id), (used, over) in sorted(sums.items(), key=lambda pair: pair[0][0])
    ]


def ledger_page(
    balance: Balance,
    customer_ids: Sequence[str],
    since: datetime,
    until: datetime,
    limit: int,
    before: tuple[datetime, Any] | None = None,
) -> LedgerPage:
    """The newest postings that changed the balance from `since` until before `until`, after the position `before`.

    A position is the moment and the key of a posting. At most five queries.
    """
    customers = list(customer_ids)
    theirs = LedgerEntry.objects.filter(_of(balance), posting=OuterRef("pk"))
    postings: Any = Posting.objects.filter(
        Exists(theirs), customer_id__in=customers, occurred_at__gte=since, occurred_at__lt=until
    ).select_related("feature", "entity")
    if before is not None:
        postings = postings.filter(_after(*before))
    found: list[Posting] = list(postings.defer("answer").order_by("-occurred_at", "-pk")[: limit + 1])
    if not found:
        return LedgerPage(())
    figures = PastFigures.of(balance, since)
    later = LedgerEntry.objects.filter(
        _of(balance), posting__customer_id__in=customers, posting__occurred_at__gte=found[0].occurred_at
    ).exclude(posting__in=[each.pk for each in found])
    # What is later than the first posting is undone at once, and the postings of the page one by one.
    is_later = Q(posting__occurred_at__gt=found[0].occurred_at) | Q(posting__gt=found[0].pk)
    for key, figure, amount in _amounts(_changes(later.filter(is_later))):
        figures.undo(key, figure, amount)
    lines: dict[Any, list[tuple[str, str, Decimal]]] = defaultdict(list)
    of_page = LedgerEntry.objects.filter(_of(balance), posting__in=[each.pk for each in found[:limit]])
    for posting_id, grant_id, rollover_id, figure, amount in _changes(of_page).values_list(
        "posting_id", "grant_id", "rollover_id", "figure", "amount"
    ):
        lines[posting_id].append((str(grant_id or rollover_id), figure, amount))
    rows_of_page = []
    for posting in found[:limit]:
        change = ZERO if lines[posting.pk] else None
        remaining = figures.remaining(posting.occurred_at)
        for key, figure, amount in lines[posting.pk]:
            figures.undo(key, figure, amount)
            signed = EXACT.minus(amount) if figure == LedgerEntry.Figure.USAGE else amount
            # What is carried over is left at the same moment.
            change = EXACT.add(change or ZERO, ZERO if figure == LedgerEntry.Figure.GRANTED else signed)
        rows_of_page.append(LedgerRow(posting=posting, change=change, remaining=remaining))
    return LedgerPage(rows_of_page, len(found) > limit)


def _of(balance: Balance) -> Q:
    return Q(grant__balance=balance) | Q(rollover__balance=balance)


def _after(at: datetime, key: Any) -> Q:
    return Q(occurred_at__lt=at) | Q(occurred_at=at, pk__lt=key)


def _changes(entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
    """Those of the entries that changed a figure: what the first import of a grant found was there before."""
    found = LedgerEntry.objects.filter(
        number=1, grant=OuterRef("grant"), posting=OuterRef("posting"), posting__kind=Posting.Kind.IMPORT
    )
    return entries.filter(~Exists(found)).order_by()


def _sums(entries: QuerySet[LedgerEntry]) -> Iterable[tuple[date, Any, Any, Decimal, Decimal]]:
    """The sums of what was used, and of how much of it exceeded its grant, by day, entity and feature."""
    keys = ("day", "posting__entity_id", "posting__feature_id")
    if connection.vendor != "sqlite":
        holds = F("grant__included_grant") + F("grant__prepaid_grant")
        zero = Value(ZERO, output_field=FigureField())
        over = Greatest(F("after") - holds, zero) - Greatest(F("after") - F("amount") - holds, zero)
        drawn = Q(figure=LedgerEntry.Figure.USAGE)
        rows: Any = entries.values_list(*keys).annotate(
            used=Sum(Case(When(drawn, then=F("amount")), default=-F("amount"))),
            over=Sum(
                Case(
                    When(drawn & Q(grant__unlimited=False), then=over),
                    default=zero,
                    output_field=FigureField(),
                )
            ),
        )
        return list(rows)
    # SQLite adds in floating point.
    names = ("figure", "amount", "after", "grant__included_grant", "grant__prepaid_grant", "grant__unlimited")
    found = []
    for (
        day,
        entity_id,
        feature_id,
        figure,
        amount,
        after,
        included,
        prepaid,
        unlimited,
    ) in entries.values_list(*keys, *names).iterator():
        if figure == LedgerEntry.Figure.LEFT:
            found.append((day, entity_id, feature_id, EXACT.minus(amount), ZERO))
            continue
        granted = EXACT.add(included, prepaid)
        exceeds = max(ZERO, EXACT.subtract(after, granted))
        exceeded = max(ZERO, EXACT.subtract(EXACT.subtract(after, amount), granted))
        exceeds = ZERO if unlimited else EXACT.subtract(exceeds, exceeded)
        found.append((day, entity_id, feature_id, amount, exceeds))
    return found


def _amounts(entries: QuerySet[LedgerEntry]) -> Iterable[tuple[str, str, Decimal]]:
    """How much each figure of a grant or rollover was changed."""
    names = ("grant_id", "rollover_id", "figure")
    if connection.vendor != "sqlite":
        rows: Any = entries.values_list(*names).annotate(total=Sum(F("amount")))
    else:
        rows = entries.values_list(*names, "amount").iterator()
    for grant_id, rollover_id, figure, amount in rows:
        yield str(grant_id or rollover_id), figure, amount
