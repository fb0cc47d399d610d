"""Balances that run out before their reset, are low, or are at zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from billing.explain.burn_rate import pace_of
from billing.ledger.balance_figures import RecentUsage, figures_of_balances, recent_usage
from billing.models import Balance
from billing.rules.figures import Figures
from crm.desk.worklist.reason import Reason, WorklistBatch, WorklistRule
from customers.configuration.table import WORKLIST_BALANCE_PERCENT
from customers.configuration.values import value_of
from customers.formats import counted, days_between, number, page_of_key, short_day

RUNS_OUT = WorklistRule(
    "balance_runs_out",
    "Balance running out",
    "At its burn rate, a balance runs out before it resets, or within 30 days if it never resets.",
    "billing.view_balance",
    action="View balance",
)
EXHAUSTED = WorklistRule(
    "balance_exhausted",
    "Balance at zero",
    "Nothing is left of a balance.",
    "billing.view_balance",
    action="View balance",
)
LOW = WorklistRule(
    "balance_low", "Low balance", "Most of a balance is used.", "billing.view_balance", action="View balance"
)

_RUNS_OUT_WEIGHT, _MOST_FOR_GAP = 35, 25
_EXHAUSTED_WEIGHT = 45
_LOW_WEIGHT = 20
#: A feature that is held rather than consumed (seats, storage) keeps working at zero.
_HELD_WEIGHT = 15
#: How far ahead a balance that never resets is checked.
_AHEAD = timedelta(days=30)


def balances(batch: WorklistBatch) -> Iterator[Reason]:
    """At most one reason per balance: at zero, running out before its reset, or low. A fixed number of queries."""
    rows = list(
        Balance.objects.filter(customer_id__in=batch.customer_ids, removed_at=None)
        .exclude(feature__type="boolean")
        .select_related("feature")
    )
    figures = figures_of_balances([str(row.pk) for row in rows], batch.at)
    limited = [row for row in rows if not figures[str(row.pk)].unlimited and figures[str(row.pk)].granted > 0]
    left = [str(row.pk) for row in limited if figures[str(row.pk)].remaining > 0]
    lately = recent_usage(batch.customer_ids, left, batch.at)
    for row in limited:
        key = str(row.pk)
        found = figures[key]
        reason = (
            _exhausted(row, found, batch.at)
            if found.remaining <= 0
            else _running_out(row, found, lately[key], batch.at) or _low(row, found)
        )
        if reason is not None:
            yield reason


def _exhausted(balance: Balance, figures: Figures, at: datetime) -> Reason:
    weight = _EXHAUSTED_WEIGHT if balance.feature.consumable else _HELD_WEIGHT
    resets = f", resets {short_day(figures.next_reset_at, at)}" if figures.next_reset_at else ""
    return _reason(
        EXHAUSTED,
        balance,
        figures,
        f"out of {balance.feature}: all {number(figures.granted)} used{resets}",
        weight,
    )


def _running_out(balance: Balance, figures: Figures, lately: RecentUsage, at: datetime) -> Reason | None:
    pace = pace_of(figures, (), lately.amount, lately.since, at)
    ends, resets = pace.runs_out_at, figures.next_reset_at
    if ends is None or ends >= (resets or at + _AHEAD):
        return None
    name = str(balance.feature)
    verb = "run" if name.endswith("s") else "runs"
    if resets is None:
        until, gap = "and never resets", 0
    else:
        gap = days_between(ends, resets)
        until = f"{counted(gap, 'day')} before reset" if gap else "just before reset"
    return _reason(
        RUNS_OUT,
        balance,
        figures,
        f"{name} {verb} out on {short_day(ends, at)}, {until}",
        _RUNS_OUT_WEIGHT + min(gap, _MOST_FOR_GAP),
    )


def _low(balance: Balance, figures: Figures) -> Reason | None:
    share = figures.spent_percent
    if share is None or share < value_of(WORKLIST_BALANCE_PERCENT):
        return None
    words = f"{balance.feature}: {int(share)}% used, {number(figures.remaining)} of {number(figures.granted)} left"
    return _reason(LOW, balance, figures, words, _LOW_WEIGHT if balance.feature.consumable else _HELD_WEIGHT)


def _reason(rule: WorklistRule, balance: Balance, figures: Figures, words: str, weight: int) -> Reason:
    resets: Any = figures.next_reset_at
    # Users decide again in the next period, and when the granted amount changes.
    period = f"{resets:%Y-%m-%d}" if resets else ""
    return Reason(
        customer_id=str(balance.customer_id),
        rule=rule.name,
        key=f"{balance.pk}:{period}:{number(figures.granted)}",
        words=words,
        weight=weight,
        link=page_of_key(Balance, balance.pk, "explain"),
    )


RULES = (
    EXHAUSTED,
    RUNS_OUT,
    LOW,
)
FINDERS = (balances,)
