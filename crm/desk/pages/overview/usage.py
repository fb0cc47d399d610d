"""Balances with the day they run out, flags, entities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.text import capfirst

from billing.explain.burn_rate import pace_of
from billing.formats import name_of_balance
from billing.ledger.balance_figures import RecentUsage, figures_of_balances, recent_usage
from billing.models import Balance, Entity, Flag
from billing.rules.figures import Figures
from crm.desk.pages.overview.section import Section, SectionLine, first_rows, list_of, list_section
from customers.formats import day, number, page_of
from customers.models import Customer

#: Balances that the page shows, the most used first.
BALANCES_SHOWN = 12
#: Balances that it reads to choose from.
_BALANCES_READ = 200
_FULL = 100
_NEARLY_FULL = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceLine:
    """A balance as a bar of `percent` used; `color` is the suffix of its CSS class."""

    feature: str
    words: str
    percent: int
    color: str
    runs_out: str
    explain_url: str
    adjust_url: str


def balances_section(customer: Customer, now: datetime, *, may_adjust: bool) -> Section | None:
    """The balances, and when each runs out at its burn rate."""
    rows = Balance.objects.filter(customer=customer, removed_at=None).select_related("feature", "came_with")
    balances = list(rows.order_by("position", "pk")[:_BALANCES_READ])
    if not balances:
        return None
    keys = [str(balance.pk) for balance in balances]
    figures = figures_of_balances(keys, now)
    lately = recent_usage([str(customer.pk)], keys, now)
    lines = [
        (_share(figures[key]), _line(balance, figures[key], lately[key], now, may_adjust))
        for key, balance in zip(keys, balances, strict=True)
    ]
    lines.sort(key=lambda pair: -pair[0])
    return Section(
        key="balances",
        title="Balances",
        lines=tuple(line for _, line in lines[:BALANCES_SHOWN]),
        more_url=list_of(Balance, customer) if len(lines) > BALANCES_SHOWN else "",
        template="crm/desk/overview/balances.html",
    )


def flags_section(customer: Customer, now: datetime) -> Section | None:
    """The boolean features that are switched on."""
    rows = Flag.objects.filter(customer=customer).select_related("feature", "plan").order_by("position", "pk")
    found = {row.feature_id: row for row in reversed(first_rows(rows))}
    current = [row for row in reversed(found.values()) if row.expires_at is None or row.expires_at > now]
    return list_section(
        "flags",
        "Enabled features",
        current,
        lambda row: SectionLine(
            text=str(row.feature),
            url=page_of(row),
            details=tuple(
                part
                for part in (
                    f"From {row.plan}" if row.plan else "",
                    f"Until {day(row.expires_at)}" if row.expires_at else "",
                )
                if part
            ),
        ),
        more_url=list_of(Flag, customer),
    )


def entities_section(customer: Customer) -> Section | None:
    """The entities (workspaces, seats, …) that have balances of their own."""
    rows = Entity.objects.filter(customer=customer, removed_at=None).select_related("feature")
    return list_section(
        "entities",
        "Entities",
        first_rows(rows.order_by("position", "pk")),
        lambda row: SectionLine(
            text=str(row),
            url=page_of(row),
            details=tuple(part for part in (row.entity_id or "", str(row.feature or "")) if part),
        ),
        more_url=list_of(Entity, customer),
    )


def _share(figures: Figures) -> Decimal:
    """Percent of the grant that was used; -1 for an unlimited balance, which sorts last."""
    if figures.unlimited:
        return Decimal(-1)
    share = figures.spent_percent
    if share is not None:
        return share
    return Decimal(_FULL) if figures.usage > 0 else Decimal(0)


def _line(
    balance: Balance, figures: Figures, lately: RecentUsage, now: datetime, may_adjust: bool
) -> BalanceLine:
    share = _share(figures)
    pace = pace_of(figures, (), lately.amount, lately.since, now)
    return BalanceLine(
        feature=name_of_balance(balance),
        words=_words(figures),
        percent=int(min(max(share, Decimal(0)), Decimal(_FULL))),
        color="bad" if share >= _FULL else "warning" if share >= _NEARLY_FULL else "good",
        runs_out=_runs_out(figures, pace.runs_out_at),
        explain_url=page_of(balance, "explain"),
        adjust_url=page_of(balance, "adjust") if may_adjust else "",
    )


def _words(figures: Figures) -> str:
    if figures.unlimited:
        return f"Unlimited, {number(figures.usage)} used"
    over = f", {number(figures.billable_overage)} overage" if figures.billable_overage else ""
    return f"{number(figures.remaining)} of {number(figures.granted)} left{over}"


def _runs_out(figures: Figures, runs_out_at: datetime | None) -> str:
    """When the balance runs out or resets, whichever comes first."""
    resets = f"resets {day(figures.next_reset_at)}" if figures.next_reset_at else "never resets"
    if figures.unlimited:
        return ""
    if not figures.remaining:
        return f"Nothing left, {resets}"
    if runs_out_at is None or (figures.next_reset_at is not None and figures.next_reset_at <= runs_out_at):
        return capfirst(resets)
    return f"Runs out {day(runs_out_at)} at the current rate, {resets}"
