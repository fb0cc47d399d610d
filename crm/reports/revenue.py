"""MRR by month and what moved it, from the changes of each customer's MRR."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, Min, Q, Sum, Value
from django.db.models.functions import Coalesce, Least

from crm.models import RevenueChange, RevenueMonth
from crm.reports.currencies import ShownCurrency
from crm.reports.months import months_between, shifted
from crm.reports.scope import ReportScope
from crm.reports.table import ratio

_MOVED: Any = F("after") - F("before")


@dataclass(slots=True, kw_only=True)
class RevenueInMonth:
    """MRR of a month in minor units: at its start, what moved it, and the customers with MRR."""

    month: date
    start: int
    customers_at_start: int
    new: int = 0
    expansion: int = 0
    contraction: int = 0
    churn: int = 0
    won: int = 0
    lost: int = 0

    @property
    def end(self) -> int:
        """MRR at the end of the month, or now."""
        return self.start + self.new + self.expansion - self.contraction - self.churn

    @property
    def customers(self) -> int:
        """Customers with MRR at the end of the month, or now."""
        return self.customers_at_start + self.won - self.lost

    @property
    def net_retention(self) -> Decimal | None:
        """What share of the MRR at the start is there at the end, expansion included."""
        return ratio(self.start + self.expansion - self.contraction - self.churn, self.start)

    @property
    def gross_retention(self) -> Decimal | None:
        """What share of the MRR at the start is there at the end, without expansion."""
        return ratio(self.start - self.contraction - self.churn, self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The customers with MRR at the start of a period: their MRR then, at the end, and the lower of both summed."""

    start: int
    end: int
    kept: int
    customers: int
    lost: int


def revenue_by_month(scope: ReportScope, until: date) -> dict[str, Sequence[RevenueInMonth]]:
    """Every month of the history up to `until`, oldest first, by currency; the currency with most customers first.

    One query.
    """
    rows = scope.known(RevenueChange).filter(month__lte=until).order_by()
    changes: dict[str, dict[date, dict[str, tuple[int, int]]]] = defaultdict(lambda: defaultdict(dict))
    grouped = rows.values_list("currency", "month", "kind").annotate(moved=Sum(_MOVED), count=Count("*"))
    for currency, month, kind, moved, count in grouped:
        changes[currency][month][kind] = int(moved), count
    found = {currency: _course(months, until) for currency, months in changes.items()}
    known = {currency: months for currency, months in found.items() if months}
    return dict(sorted(known.items(), key=lambda each: (-each[1][-1].customers, each[0])))


def _course(changes: dict[date, dict[str, tuple[int, int]]], until: date) -> Sequence[RevenueInMonth]:
    kinds = RevenueChange.Kind
    first = min(changes)
    opened, opened_by = changes[first].pop(kinds.OPENING, (0, 0))
    # The month of the opening rows stands for all before the history.
    if opened_by and not changes[first]:
        first = shifted(first, 1)
    start, customers = opened, opened_by
    found = []
    for month in months_between(first, until):
        of_kind = changes.get(month, {})
        late, late_by = of_kind.get(kinds.OPENING, (0, 0))
        of_month = RevenueInMonth(
            month=month,
            start=start,
            customers_at_start=customers,
            new=of_kind.get(kinds.NEW, (0, 0))[0],
            expansion=of_kind.get(kinds.EXPANSION, (0, 0))[0],
            contraction=-of_kind.get(kinds.CONTRACTION, (0, 0))[0],
            churn=-of_kind.get(kinds.CHURN, (0, 0))[0],
            won=of_kind.get(kinds.NEW, (0, 0))[1],
            lost=of_kind.get(kinds.CHURN, (0, 0))[1],
        )
        found.append(of_month)
        start, customers = of_month.end + late, of_month.customers + late_by
    return found


def combined(found: Mapping[str, Sequence[RevenueInMonth]], shown: ShownCurrency) -> Sequence[RevenueInMonth]:
    """The months of all shown currencies together. A customer with two currencies counts in each."""
    if shown.rates is None:
        return found[shown.code]
    of_month: dict[date, dict[str, RevenueInMonth]] = defaultdict(dict)
    for code, months in found.items():
        for each in months:
            of_month[each.month][code] = each
    begun: set[str] = set()
    together: list[RevenueInMonth] = []
    for month, parts in sorted(of_month.items()):
        # A currency whose history begins later comes with the MRR that it has by then.
        first = {code: each.start for code, each in parts.items() if code not in begun}
        begun |= first.keys()
        moved = {
            name: shown.total({code: getattr(each, name) for code, each in parts.items()})
            for name in ("new", "expansion", "contraction", "churn")
        }
        counts = {
            name: sum(getattr(each, name) for each in parts.values())
            for name in ("customers_at_start", "won", "lost")
        }
        start = (together[-1].end if together else 0) + shown.total(first)
        together.append(RevenueInMonth(month=month, start=start, **moved, **counts))
    return together


def retention_of(scope: ReportScope, shown: ShownCurrency, first: date, last: date) -> Retention:
    """The retention of all shown currencies together. One query for each."""
    parts = {code: retention(scope, code, first, last) for code in shown.codes}
    start, end, kept = (
        shown.total({code: getattr(each, name) for code, each in parts.items()})
        for name in ("start", "end", "kept")
    )
    customers, lost = (sum(getattr(each, name) for each in parts.values()) for name in ("customers", "lost"))
    return Retention(start=start, end=end, kept=kept, customers=customers, lost=lost)


def retention(scope: ReportScope, currency: str, first: date, last: date) -> Retention:
    """The customers with MRR at the start of `first`, and what is left of it at the end of `last`. One query."""
    rows = scope.known(RevenueChange).filter(currency=currency, month__lte=last).order_by()
    of_account = rows.values("account").annotate(
        began=Coalesce(Sum(_MOVED, filter=Q(month__lt=first)), Value(0)), ended=Sum(_MOVED)
    )
    sums = of_account.filter(began__gt=0).aggregate(
        start=Coalesce(Sum("began"), Value(0)),
        end=Coalesce(Sum("ended"), Value(0)),
        kept=Coalesce(Sum(Least("began", "ended")), Value(0)),
        customers=Count("account"),
        lost=Count("account", filter=Q(ended__lte=0)),
    )
    return Retention(**{name: int(value) for name, value in sums.items()})


def last_computed() -> datetime | None:
    """When monthly revenue was last computed."""
    made_at: datetime | None = RevenueMonth.objects.aggregate(at=Max("made_at"))["at"]
    return made_at


def first_known_revenue() -> date | None:
    """The first day for which revenue was kept."""
    first: date | None = RevenueChange.objects.aggregate(day=Min("known_from"))["day"]
    return first
