"""The changes of each customer's MRR by month, kept with the days on which they were known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from crm.models import RevenueChange
from customers.models import Customer, Environment

#: The environment, kind, MRR before and MRR after of one change: the columns in `RevenueChange.VALUES`.
_Values = tuple[str, str, int, int]


def kind_of(before: int, after: int) -> RevenueChange.Kind | None:
    """How an MRR moved in a month; None if it didn't."""
    if before <= 0 < after:
        return RevenueChange.Kind.NEW
    if after <= 0 < before:
        return RevenueChange.Kind.CHURN
    if after > before:
        return RevenueChange.Kind.EXPANSION
    return RevenueChange.Kind.CONTRACTION if after < before else None


def month_before(month: date) -> date:
    """The first day of the month before."""
    return month.replace(year=month.year - (month.month == 1), month=month.month - 1 or 12)


class RevenueCourses:
    """Collects the MRR of customers over `months`, and keeps it as changes.

    Months before them stay as they were computed, as long as they add up to the MRR at the start of the first month.
    """

    def __init__(self, months: Sequence[date]) -> None:
        self._months = months
        self._env: dict[str, str] = {
            str(pk): env for pk, env in Customer.objects.order_by().values_list("pk", "env").iterator()
        }
        self._older = _changes_before(months[0])
        self._wanted: dict[tuple[str, str, date], _Values] = {}

    def add(self, account_id: str, course: Mapping[str, Sequence[int]]) -> None:
        """Add a customer's MRR by currency: at the start of the first month, and at the end of each month."""
        env = self._env.get(account_id)
        if env is None:  # it came after the list was read
            return
        for currency, earned in course.items():
            older = self._older.pop((account_id, currency), {})
            if _total(older.values()) == earned[0]:
                self._want(account_id, currency, older)
            elif earned[0]:
                opening = (env, RevenueChange.Kind.OPENING.value, 0, earned[0])
                self._want(account_id, currency, {month_before(self._months[0]): opening})
            for month, (before, after) in zip(self._months, pairwise(earned), strict=True):
                if kind := kind_of(before, after):
                    self._wanted[account_id, currency, month] = env, kind.value, before, after

    def is_live(self, account_id: str) -> bool:
        """Whether it is a live customer."""
        return self._env.get(account_id) == Environment.LIVE

    def keep(self, day: date) -> None:
        """Write the changes as what is known on `day`."""
        for (account_id, currency), older in self._older.items():
            if _total(older.values()) == 0:
                self._want(account_id, currency, older)
        RevenueChange.objects.keep(self._wanted, day)

    def _want(self, account_id: str, currency: str, changes: Mapping[date, _Values]) -> None:
        for month, values in changes.items():
            self._wanted[account_id, currency, month] = values


def _total(changes: Iterable[_Values]) -> int:
    return sum(after - before for _, _, before, after in changes)


def _changes_before(month: date) -> dict[tuple[str, str], dict[date, _Values]]:
    found: dict[tuple[str, str], dict[date, Any]] = defaultdict(dict)
    rows = RevenueChange.objects.current().filter(month__lt=month).order_by()
    names = (*RevenueChange.KEY, *RevenueChange.VALUES)
    for account_id, currency, of_month, *values in rows.values_list(*names).iterator():
        found[str(account_id), currency][of_month] = tuple(values)
    return dict(found)
