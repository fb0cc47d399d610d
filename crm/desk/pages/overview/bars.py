"""Balances as bars: what is used of each, the share of its period that has passed, and what comes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from billing.formats import name_of_balance
from billing.models import Grant
from billing.rules.exact import EXACT
from billing.rules.intervals import NEVER_RESETS, step
from crm.models import BalanceFacts
from customers.formats import counted, number, short_day
from customers.models import Customer

#: A balance that runs out within this time is urgent.
_SOON = timedelta(days=3)
_FULL = 100
#: Balances that a page reads, the most used first.
MOST = 60


@dataclass(frozen=True, slots=True)
class Period:
    """What a balance is measured in: from its last reset to its next one."""

    start: datetime
    end: datetime

    def passed(self, now: datetime) -> int:
        """The share of the period that has passed, in percent."""
        return max(0, min(_FULL, int(_FULL * (now - self.start) / (self.end - self.start))))

    def words(self, now: datetime) -> str:
        """`Day 16 of 30, resets Dec 14`."""
        whole = max(1, round((self.end - self.start) / timedelta(days=1)))
        today = min(whole, max(1, (now - self.start).days + 1))
        return f"Day {today} of {whole}, resets {short_day(self.end, now)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceBar:
    """One balance: the texts around its bar, and the bar. `passed` is None if it doesn't reset: it has no tick then."""

    row: Any
    grants: Sequence[Grant]
    name: str
    url: str
    remaining: str
    granted: str
    made_of: str
    is_unlimited: bool
    percent: int
    width: int
    passed: int | None
    state: str
    color: str
    label: str
    period: Period | None


def bars_of(customer: Customer, now: datetime) -> list[BalanceBar]:
    """The customer's balances, those first that are used most. Two queries, with the facts kept by the desk."""
    rows = (
        BalanceFacts.objects.filter(customer=customer, balance__removed_at=None)
        .select_related("balance__feature", "balance__came_with", "balance__customer")
        .order_by("-used_percent", "balance__position", "pk")
    )
    found = sorted(rows[:MOST], key=lambda row: -_percent(row))
    grants = grants_of([str(row.pk) for row in found], now)
    return [bar_of(row, grants.get(str(row.pk), []), now) for row in found]


def grants_of(balance_ids: Sequence[str], now: datetime) -> dict[str, list[Grant]]:
    """The grants that count of each balance, with their plans. One query."""
    found: dict[str, list[Grant]] = defaultdict(list)
    rows = Grant.objects.counted(now).filter(balance_id__in=balance_ids).select_related("plan")
    for grant in rows.order_by("position", "pk"):
        found[str(grant.balance_id)].append(grant)
    return found


def period_of(grants: Iterable[Grant], resets_at: datetime | None) -> Period | None:
    """The period that ends with the reset at `resets_at`; None if nothing resets, or it isn't known how often."""
    for grant in grants:
        if resets_at is None or grant.next_reset_at != resets_at or grant.reset_interval in NEVER_RESETS:
            continue
        try:
            start = step(resets_at, grant.reset_interval, 1)
        except ValueError:
            return None
        if start is None:
            return None
        length = (start - resets_at) * (grant.reset_interval_count or 1)
        begun = grant.last_reset_at if grant.last_reset_at and grant.last_reset_at < resets_at else None
        return Period(begun or resets_at - length, resets_at)
    return None


def usage_url(row: BalanceFacts) -> str:
    """The Usage tab, with this balance."""
    return f"{reverse('desk-usage', args=[row.customer_id])}?{urlencode({'balance': row.pk})}"


def _percent(row: BalanceFacts) -> Decimal:
    """Percent used of what is granted; -1 for an unlimited balance, which sorts last."""
    if row.unlimited:
        return Decimal(-1)
    if row.granted <= 0:
        return Decimal(_FULL if row.usage > 0 else 0)
    if row.usage > row.granted:
        return row.used_percent or Decimal(_FULL)
    return EXACT.divide(
        EXACT.multiply(EXACT.subtract(row.granted, row.remaining), Decimal(_FULL)), row.granted
    )


def bar_of(row: BalanceFacts, grants: list[Grant], now: datetime) -> BalanceBar:
    """The bar of one balance from its figures and the grants that count."""
    percent = _percent(row)
    period = period_of(grants, row.resets_at)
    passed = period.passed(now) if period else None
    state, color = state_of(row, now)
    shown = int(percent) if percent < 10**6 else 10**6
    label = f"{shown}% used" + (f", {passed}% of the period has passed" if passed is not None else "")
    return BalanceBar(
        row=row,
        grants=grants,
        name=name_of_balance(row.balance),
        url=usage_url(row),
        remaining=number(row.remaining),
        granted=number(row.granted),
        made_of=_made_of(grants),
        is_unlimited=row.unlimited,
        percent=max(shown, 0),
        width=max(0, min(_FULL, shown)),
        passed=passed,
        state=state,
        color=color,
        label=f"{number(row.usage)} used, unlimited" if row.unlimited else label,
        period=period,
    )


def state_of(row: BalanceFacts, now: datetime) -> tuple[str, str]:
    """What comes of a balance at its pace, in words, and the color of its bar."""
    ends, resets = row.runs_out_at, row.resets_at
    if row.unlimited:
        return f"{number(row.usage)} used", ""
    if row.usage > row.granted:
        return f"{number(EXACT.subtract(row.usage, row.granted))} over", "bad"
    if row.remaining <= 0:
        return ("Nothing left", "bad") if row.granted > 0 else ("Nothing granted", "")
    if ends is not None and (resets is None or ends < resets):
        return f"Runs out {short_day(ends, now)}", "bad" if ends - now <= _SOON else "warn"
    if row.per_day <= 0:
        return "Not used lately", ""
    return "On pace", ""


def _made_of(grants: Sequence[Grant]) -> str:
    """`Scale 50,000 + 2,000 granted`: where the amount comes from."""
    named = [
        f"{grant.plan} {number(grant.figures.granted)}"
        if grant.plan
        else f"{number(grant.figures.granted)} granted"
        for grant in grants[:3]
        if not grant.unlimited
    ]
    rest = len(grants) - 3
    return " + ".join([*named, *([counted(rest, "other grant")] if rest > 0 else [])])
