"""Balances that won't last until their reset, or are at zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from billing.explain.burn_rate import pace_of
from billing.ledger.balance_figures import RecentUsage, figures_of_balances, recent_usage
from billing.models import Balance, Grant
from billing.rules.figures import Figures
from billing.rules.intervals import NEVER_RESETS, around
from crm.desk.worklist.reason import Reason, WorklistBatch, WorklistRule, act_on
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
    "balance_low",
    "Low balance",
    "Most of a balance is used, a larger share than the share of its period that has passed.",
    "billing.view_balance",
    action="View balance",
)

_RUNS_OUT_WEIGHT, _MOST_FOR_GAP = 35, 25
#: At zero, the days until the reset count: an empty balance that is reset tomorrow can wait.
_EXHAUSTED_WEIGHT, _MOST_FOR_WAIT = 40, 20
_LOW_WEIGHT = 20
#: A feature that is held rather than consumed (seats, storage) keeps working at zero.
_HELD_WEIGHT = 15
_INTERVAL = ("reset_interval", "reset_interval_count", "anchor_day")
#: How far ahead a balance that never resets is checked.
AHEAD = timedelta(days=30)


def balances(batch: WorklistBatch) -> Iterator[Reason]:
    """At most one reason per balance: at zero, running out before its reset, or low. A fixed number of queries.

    A balance that lasts until its reset is none, however much of it is used. The burn rate tells; where nothing was
    used lately, the share of the period that has passed does.
    """
    rows = list(
        Balance.objects.filter(customer_id__in=batch.customer_ids, removed_at=None)
        .exclude(feature__type="boolean")
        .select_related("feature")
    )
    figures = figures_of_balances([str(row.pk) for row in rows], batch.at)
    limited = [row for row in rows if not figures[str(row.pk)].unlimited and figures[str(row.pk)].granted > 0]
    left = [str(row.pk) for row in limited if figures[str(row.pk)].remaining > 0]
    lately = recent_usage(batch.customer_ids, left, batch.at)
    passed = _passed_percents([key for key in left if not lately[key].amount], batch.at)
    for row in limited:
        key = str(row.pk)
        found = figures[key]
        if found.remaining <= 0:
            reason: Reason | None = _exhausted(row, found, batch.at)
        elif lately[key].amount:
            reason = _running_out(row, found, lately[key], batch.at)
        else:
            reason = _low(row, found, passed.get(key), batch.at)
        if reason is not None:
            yield reason


def _exhausted(balance: Balance, figures: Figures, at: datetime) -> Reason:
    resets_at = figures.next_reset_at
    wait = _MOST_FOR_WAIT if resets_at is None else min(max(days_between(at, resets_at), 0), _MOST_FOR_WAIT)
    weight = _EXHAUSTED_WEIGHT + wait if balance.feature.consumable else _HELD_WEIGHT
    resets = f", resets {short_day(resets_at, at)}" if resets_at else ""
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
    if ends is None or ends >= (resets or at + AHEAD):
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


def _passed_percents(balance_ids: Sequence[str], at: datetime) -> dict[str, int]:
    """How much of the current period of each balance that resets has passed, in percent. One query."""
    grants = Grant.objects.counted(at).filter(balance_id__in=balance_ids, next_reset_at__gt=at)
    grants = grants.exclude(reset_interval__in=NEVER_RESETS).order_by("-next_reset_at")
    found: dict[str, int] = {}
    for grant in grants.only("balance_id", "next_reset_at", *_INTERVAL):
        ends: Any = grant.next_reset_at
        count = grant.reset_interval_count or 1
        began, ends = around(ends, grant.reset_interval, at, count=count, anchor_day=grant.anchor_day)
        found[str(grant.balance_id)] = int((at - began) * 100 / (ends - began))
    return found


def _low(balance: Balance, figures: Figures, passed: int | None, at: datetime) -> Reason | None:
    share = figures.spent_percent
    if share is None or passed is None or share < value_of(WORKLIST_BALANCE_PERCENT) or share <= passed:
        return None
    left = f"{number(figures.remaining)} of {number(figures.granted)} left"
    until = f" until {short_day(figures.next_reset_at, at)}" if figures.next_reset_at else ""
    words = f"{balance.feature}: {int(share)}% used, {left}{until}"
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
        link=page_of_key(Balance, balance.pk),
        # What is held, such as seats, isn't granted one by one: the plan has it.
        act=act_on("grant", balance.pk) if balance.feature.consumable else "",
    )


RULES = (
    EXHAUSTED,
    RUNS_OUT,
    LOW,
)
FINDERS = (balances,)
