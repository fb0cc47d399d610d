"""The list of balances."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import FloatField
from django.db.models.functions import Cast

from billing.models import Balance
from crm.desk.lists import cells, paging
from crm.desk.lists.column import Cell, Column, Phone, RowList, View
from crm.desk.lists.own_filters import ALMOST_OUT, BALANCE_FILTERS
from crm.desk.lists.paging import Order
from crm.desk.lists.rows_of_customers import CURRENT, by_customer, customer_cell, of_customers
from crm.models import BalanceFacts
from crm.models.facts import limited_figure
from customers.formats import (
    number,
    page_of_key,
    short_day,
)

#: A balance that runs out this soon is shown in red.
_URGENT = timedelta(days=3)
_FULL = 100


def pace_in_words(row: BalanceFacts, at: datetime) -> tuple[str, str]:
    """Whether a balance lasts until its reset, with the color of its bar."""
    if row.unlimited:
        return "Unlimited", ""
    if row.usage > row.granted:
        return f"Over by {number(row.usage - row.granted)}", "bad"
    if row.remaining == 0:
        return ("Out", "bad") if row.granted > 0 else ("Nothing granted", "")
    ends = row.runs_out_at
    if ends is not None and (row.resets_at is None or ends < row.resets_at):
        if ends <= at:
            return "Runs out today", "bad"
        return f"Runs out {short_day(ends, at)}", "bad" if ends - at <= _URGENT else "warn"
    percent = _percent(row)
    if percent is not None and percent >= ALMOST_OUT:
        return f"Almost out, {number(_FULL - percent)}% left", "warn"
    return ("On pace", "") if row.per_day else ("No recent usage", "")


def _percent(row: BalanceFacts) -> int | None:
    return None if row.used_percent is None or row.unlimited else int(row.used_percent)


def _used(row: Any, at: datetime) -> Cell:
    percent = _percent(row)
    if percent is None:
        return cells.NONE
    _, color = pace_in_words(row, at)
    bar = cells.bar(percent, color, f"{percent}% used")
    return Cell(f"{percent}%", cells.barred(bar, cells.strong(f"{number(percent)}%", "cl-share")))


def _state(row: Any, at: datetime) -> Cell:
    words, color = pace_in_words(row, at)
    return Cell(words, css=f"cl-nw cl-{color}" if color else "cl-nw")


def _remaining(row: Any, at: datetime) -> Cell:
    return cells.figure("Unlimited" if row.unlimited else number(row.remaining))


def _balance_phone(row: Any, at: datetime) -> Phone:
    words, color = pace_in_words(row, at)
    percent = _percent(row)
    left = f"{number(row.remaining)} of {number(row.granted)} left" if not row.unlimited else "Unlimited"
    share = "" if percent is None else f"{number(percent)}%"
    return Phone(
        Cell(share, cells.strong(share, "cl-tn")),
        Cell(f"{row.customer} · {left}"),
        Cell(words, css=f"cl-{color}" if color else "cl-subtle"),
    )


def _by_figure(name: str) -> Order:
    """The order by a figure; unlimited balances come last."""
    return Order(limited_figure(name), paging.share, nullable=True)


BALANCES = RowList(
    name="balances",
    title="Balances",
    one="balance",
    many="balances",
    permission="billing.view_balance",
    icon="data_usage",
    prefixes=("bal",),
    rows=BalanceFacts.objects.all,
    dress=lambda rows: rows.select_related("customer", "feature"),
    filters=BALANCE_FILTERS,
    of_customers=of_customers,
    current=CURRENT,
    search=lambda term, may: by_customer(term, may, "bal"),
    search_words="Customer or ID",
    phone=_balance_phone,
    sort="-used",
    empty="Balances appear here when a customer has a plan or a grant.",
    views=(
        View("Running out", {"balance_status": ["running_out"]}),
        View("Almost out", {"balance_status": ["almost_out"]}),
        View("Out", {"balance_status": ["out"]}),
        View("Mine", {"owner": ["me"]}),
    ),
    columns=(
        Column(
            name="feature",
            label="Balance",
            cell=lambda row, at: cells.link(page_of_key(Balance, row.pk), str(row.feature)),
            order=Order("feature_sort", paging.text),
        ),
        Column(name="customer", label="Customer", cell=customer_cell, order=paging.by_customer_name()),
        Column(
            name="used",
            label="Used",
            cell=_used,
            # SQLite keeps figures as text.
            order=Order(Cast("used_percent", FloatField()), paging.share, nullable=True),
            falls=True,
        ),
        Column(
            name="pace",
            label="Pace",
            cell=_state,
            order=Order("runs_out_at", paging.moment, nullable=True),
        ),
        Column(
            name="remaining",
            label="Remaining",
            cell=_remaining,
            order=_by_figure("remaining"),
            is_figure=True,
        ),
        Column(
            name="granted",
            label="Granted",
            cell=lambda row, at: cells.figure("" if row.unlimited else number(row.granted)),
            order=_by_figure("granted"),
            falls=True,
            is_figure=True,
        ),
        Column(
            name="per_day",
            label="Per day",
            cell=lambda row, at: cells.figure(number(round(row.per_day, 2)) if row.per_day else ""),
            order=_by_figure("per_day"),
            falls=True,
            is_figure=True,
            is_extra=True,
        ),
        Column(
            name="resets",
            label="Next reset",
            cell=lambda row, at: cells.of_day(row.resets_at),
            order=Order("resets_at", paging.moment, nullable=True),
        ),
    ),
)
