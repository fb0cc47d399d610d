"""Figures of balances in previews."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from billing.explain.burn_rate import pace_of
from billing.explain.types import Pace
from billing.ledger.balance_figures import recent_usage
from billing.models import Balance
from billing.rules.figures import Figures
from customers.formats import day, number
from customers.sheets import Line


def change_line(label: str, was: str, value: str) -> Line:
    """A line that shows the value before only if it changes."""
    return Line(label, value, "" if was == value else was)


def figure_lines(before: Figures, after: Figures) -> list[Line]:
    """What remains and what is granted, and the other figures that change."""
    lines = [
        change_line("Remaining", remaining(before), remaining(after)),
        change_line("Granted this period", _granted(before), _granted(after)),
    ]
    others = (
        ("Used", before.usage, after.usage),
        ("Overage", before.billable_overage, after.billable_overage),
    )
    return [*lines, *(Line(name, number(then), number(was)) for name, was, then in others if was != then)]


def remaining(figures: Figures) -> str:
    """What remains of a balance: `1,350`, or `Unlimited`."""
    return "Unlimited" if figures.unlimited else number(figures.remaining)


def left_of(figures: Figures) -> str:
    """`1,350 of 52,000 left`."""
    if figures.unlimited:
        return "Unlimited"
    return f"{number(figures.remaining)} of {number(figures.granted)} left"


def run_out_line(balance: Balance, before: Figures, after: Figures, at: datetime) -> Line | None:
    """The day on which the balance runs out at its burn rate; None if it is not used."""
    was, then = paces(balance, [before, after], at)
    if not then.per_day:
        return None
    return change_line("Runs out", _runs_out(before, was), _runs_out(after, then))


def paces(balance: Balance, figures: Sequence[Figures], at: datetime) -> list[Pace]:
    """The burn rate of a balance, with when it would run out with each of these figures."""
    key = str(balance.pk)
    lately = recent_usage([str(balance.customer_id)], [key], at)[key]
    return [pace_of(each, (), lately.amount, lately.since, at) for each in figures]


def enough_until_reset(figures: Figures, pace: Pace, at: datetime) -> Decimal | None:
    """A round amount that would last until the reset at the burn rate; None if none is needed."""
    if pace.runs_out_at is None or figures.next_reset_at is None or figures.next_reset_at <= pace.runs_out_at:
        return None
    days = Decimal((figures.next_reset_at - at).total_seconds()) / 86400
    missing = pace.per_day * days - figures.remaining
    return rounded_up(missing) if missing > 0 else None


def rounded_up(amount: Decimal) -> Decimal:
    """The next number with at most three significant digits: 15,900 for 15,846."""
    step = Decimal(10) ** max(amount.adjusted() - 2, 0)
    whole = (amount / step).to_integral_value(rounding="ROUND_CEILING")
    return whole * step


def _granted(figures: Figures) -> str:
    return "Unlimited" if figures.unlimited else number(figures.granted)


def _runs_out(figures: Figures, pace: Pace) -> str:
    if figures.unlimited:
        return "Never"
    if not figures.remaining:
        return "Nothing left"
    ends, resets = pace.runs_out_at, figures.next_reset_at
    if ends is None or (resets is not None and resets <= ends):
        return "Not before the reset" if resets is not None else "Never"
    return day(ends)
