"""Revenue movement by month: computed for all customers at once, read for some account managers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, time
from typing import Any

from django.db import transaction
from django.db.models import Max, Sum
from django.utils.timezone import localdate, make_aware

from billing.revenue.history import revenue_at
from crm.desk.home.revenue_changes import RevenueCourses, kind_of, month_before
from crm.models import Relationship, RevenueChange, RevenueMonth
from customers import clock
from customers.bulk import create_rows

#: How many months the history has, including the current one.
MONTHS = 12


@dataclass(slots=True)
class Movement:
    """MRR at the end of a month, what moved it, and how many customers it comes from; in minor units of a currency.

    The latest month also says what the customers with MRR when the history began paid then (`year_start`), pay now
    (`year_end`), and pay now without what their MRR rose by (`year_kept`).
    """

    mrr: int = 0
    new: int = 0
    expansion: int = 0
    contraction: int = 0
    churn: int = 0
    customers: int = 0
    won: int = 0
    lost: int = 0
    year_start: int = 0
    year_end: int = 0
    year_kept: int = 0

    def add(self, before: int, after: int) -> None:
        """Add one customer whose MRR was `before` and is now `after`."""
        self.mrr += after
        self.customers += after > 0
        kind = kind_of(before, after)
        if kind is not None:
            setattr(self, kind.value, getattr(self, kind.value) + abs(after - before))
        self.won += kind is RevenueChange.Kind.NEW
        self.lost += kind is RevenueChange.Kind.CHURN

    def add_year(self, then: int, now: int) -> None:
        """Add one customer whose MRR was `then` when the history began and is `now`."""
        self.year_start += then
        self.year_end += now
        self.year_kept += min(then, now)


@dataclass(frozen=True, slots=True)
class Movements:
    """Movements by currency and month, oldest first, as computed at `made_at`."""

    of_currency: dict[str, dict[date, Movement]]
    made_at: datetime | None


@transaction.atomic
def refresh_movements() -> int:
    """Replace all movements by those of the last `MONTHS` months, and return how many rows were written.

    They are of live customers, as the home page is. The changes of each customer, which reports read, are kept from the same figures,
    of all customers. An account manager's customers are those they manage now, for earlier months too.
    """
    now = clock.now()
    months = _months(localdate(now))
    instants = [_start_of(month) for month in months] + [now]
    owners: dict[Any, int] = dict(Relationship.objects.exclude(owner=None).values_list("customer", "owner"))
    found: dict[tuple[int | None, date, str], Movement] = defaultdict(Movement)
    courses = RevenueCourses(months)
    for customer_id, course in revenue_at(instants):
        owner = owners.get(customer_id)
        courses.add(customer_id, course)
        if not courses.is_live(customer_id):
            continue
        for currency, earned in course.items():
            for month, before, after in zip(months, earned[:-1], earned[1:], strict=True):
                if before or after:
                    found[owner, month, currency].add(before, after)
            if earned[0] > 0:
                found[owner, months[-1], currency].add_year(earned[0], max(earned[-1], 0))
    RevenueMonth.objects.all().delete()
    rows = [
        RevenueMonth(
            owner_id=owner,
            month=month,
            currency=currency,
            made_at=now,
            **{each.name: getattr(movement, each.name) for each in fields(movement)},
        )
        for (owner, month, currency), movement in found.items()
    ]
    create_rows(rows, reason="")
    courses.keep(localdate(now))
    return len(rows)


def movements(owners: Collection[Any] | None) -> Movements:
    """Monthly revenue movement by currency, of these account managers' customers (None: of all). Two queries."""
    rows: Any = (
        RevenueMonth.objects.all() if owners is None else RevenueMonth.objects.filter(owner__in=owners)
    )
    names = [each.name for each in fields(Movement)]
    of_currency: dict[str, dict[date, Movement]] = defaultdict(dict)
    sums = rows.order_by("currency", "month").values_list("currency", "month")
    for currency, month, *figures in sums.annotate(*(Sum(name, default=0) for name in names)):
        of_currency[currency][month] = Movement(*figures)
    made_at = RevenueMonth.objects.aggregate(at=Max("made_at"))["at"]
    return Movements({currency: _without_gaps(months) for currency, months in of_currency.items()}, made_at)


def _without_gaps(months: dict[date, Movement]) -> dict[date, Movement]:
    """The `MONTHS` months up to the latest one, with zeros where there is no row."""
    return {month: months.get(month) or Movement() for month in _months(max(months))}


def _months(today: date) -> Sequence[date]:
    months = [today.replace(day=1)]
    while len(months) < MONTHS:
        months.append(month_before(months[-1]))
    return months[::-1]


def _start_of(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))
