"""The lists of invoices, subscriptions and balances."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, FloatField, Q, QuerySet, Sum
from django.db.models.functions import Cast, TruncDate
from django.utils.timezone import localdate

from billing.formats import INVOICE_STATES, SUBSCRIPTION_STATES, invoice_state, money, subscription_state
from billing.models import Balance, Invoice, Subscription
from billing.rates.convert import Rates, reporting_currency
from billing.revenue.monthly import UnusablePrice, revenue_of_subscription, with_charges
from crm.desk.aging import AGES, NOT_DUE, UNDATED, age_of
from crm.desk.lists import cells, paging
from crm.desk.lists.column import Cell, Column, FigureSum, May, Phone, RowList, View
from crm.desk.lists.customers import found_customers
from crm.desk.lists.own_filters import ALMOST_OUT, BALANCE_FILTERS, INVOICE_FILTERS, SUBSCRIPTION_FILTERS
from crm.desk.lists.paging import Order
from crm.models import BalanceFacts
from customers.formats import (
    BAD,
    GOOD,
    NEWS,
    WAITING,
    counted,
    days_between,
    listed,
    number,
    page_of_key,
    short_day,
)
from customers.typed_ids import to_uuid

_COLORS = {GOOD: "good", NEWS: "info", WAITING: "warn", BAD: "bad"}
_CURRENT = Q(customer__archived_at=None)
#: A balance that runs out this soon is shown in red.
_URGENT = timedelta(days=3)
_FULL = 100


def _of_customers(customers: QuerySet[Any]) -> Q:
    return Q(customer__in=customers.values("pk"))


def _by_customer(term: str, may: May, prefix: str) -> Q:
    """Rows of the customers that the search finds; the row alone if the term is its ID."""
    if to_uuid(term.lower(), (prefix,)) is not None:
        return Q(pk=term.lower())
    return Q(customer__in=found_customers(term, may))


def _customer(row: Any, at: datetime) -> Cell:
    return cells.plain(str(row.customer))


# Invoices


def _search_invoices(term: str, may: May) -> Q:
    numbered = Q(number=term.upper()) & ~Q(number="")
    return numbered | (Q(stripe_id=term) & ~Q(stripe_id="")) | _by_customer(term, may, "inv")


def _invoice_chip(row: Invoice) -> Cell:
    state = invoice_state(row)
    return cells.chip(state, _COLORS.get(INVOICE_STATES.get(state, ""), ""))


def _amount_due(row: Invoice) -> Cell:
    return cells.money(money(row.due, row.currency)) if row.is_owed and row.due else cells.NONE


def _late(row: Invoice, at: datetime) -> Cell:
    if row.status != Invoice.Status.OPEN or row.due_at is None:
        return cells.NONE
    late = days_between(row.due_at, at)
    if late > 0:
        return Cell(str(late), css="cl-bad")
    return Cell("today" if late == 0 else f"in {counted(-late, 'day')}", css="cl-subtle")


def _invoice_phone(row: Any, at: datetime) -> Phone:
    due = _amount_due(row).text
    words = f"{due} due" if due else money(row.total, row.currency)
    late = _late(row, at)
    right = f"{counted(int(late.text), 'day')} late" if late.css == "cl-bad" else ""
    return Phone(_invoice_chip(row), Cell(f"{row.customer} · {words}"), Cell(right, css="cl-bad"))


def _aging(rows: QuerySet[Any], at: datetime) -> list[FigureSum]:
    """What is due on the listed invoices by how late it is, in the reporting currency. Two queries."""
    today = localdate(at)
    unpaid = rows.filter(status=Invoice.Status.OPEN, removed_at=None).order_by()
    groups = (
        unpaid.with_amount_due()  # type: ignore[attr-defined]
        .annotate(due_on=TruncDate("due_at"))
        .annotate(age=age_of("due_on", today))
        .values_list("age", "currency")
        .annotate(due=Sum(F("amount_due")), number=Count("pk"))
    )
    due: dict[str, dict[str, int]] = {}
    numbers: dict[str, int] = {}
    for age, currency, amount, count in groups:
        label = NOT_DUE if age == UNDATED else age
        amounts = due.setdefault(label, {})
        amounts[currency] = amounts.get(currency, 0) + int(amount)
        numbers[label] = numbers.get(label, 0) + count
    rates = Rates(today, reporting_currency())
    found = []
    for label, key in zip((NOT_DUE, *AGES), ("later", "1", "31", "61", "91"), strict=True):
        value, others = _in_one_currency(due.get(label, {}), rates)
        detail = counted(numbers.get(label, 0), "invoice")
        is_late = key != "later" and label in due
        found.append(
            FigureSum(
                label,
                value,
                f"{detail}, {others}" if others else detail,
                "bad" if is_late else "",
                {"age": [key]},
            )
        )
    return found


def _in_one_currency(amounts: dict[str, int], rates: Rates) -> tuple[str, str]:
    """The total; without rates for all of them the largest group's amount, and the other amounts."""
    total = rates.convert(amounts)
    if not total.missing:
        return money(total.minor, total.currency) if total.minor else "None", ""
    first, *others = [money(amount, currency) for currency, amount in sorted(amounts.items())]
    return first, f"and {listed(others)}" if others else ""


INVOICES = RowList(
    name="invoices",
    title="Invoices",
    one="invoice",
    many="invoices",
    permission="billing.view_invoice",
    icon="receipt_long",
    prefixes=("inv",),
    rows=lambda: Invoice.objects.filter(removed_at=None),
    dress=lambda rows: rows.select_related("customer"),
    filters=INVOICE_FILTERS,
    of_customers=_of_customers,
    current=_CURRENT,
    search=_search_invoices,
    search_words="Number, customer or ID",
    phone=_invoice_phone,
    sums=_aging,
    sort="-created",
    empty="Invoices appear here when they are imported, or issued for a subscription.",
    views=(
        View("Past due", {"invoice_status": ["past_due"]}),
        View("Open", {"invoice_status": ["open"]}),
        View("Drafts", {"invoice_status": ["draft"]}),
        View("Paid", {"invoice_status": ["paid"]}),
        View("Mine", {"owner": ["me"]}),
    ),
    columns=(
        Column(
            name="number",
            label="Invoice",
            cell=lambda row, at: cells.link(page_of_key(Invoice, row.pk), str(row)),
        ),
        Column(name="customer", label="Customer", cell=_customer),
        Column(name="status", label="Status", cell=lambda row, at: _invoice_chip(row)),
        Column(
            name="due_at",
            label="Due date",
            cell=lambda row, at: cells.of_day(row.due_at),
            order=Order("due_at", paging.moment, nullable=True),
        ),
        Column(
            name="late",
            label="Days late",
            cell=_late,
            order=Order("due_at", paging.moment, nullable=True, inverse=True),
            falls=True,
            is_figure=True,
        ),
        Column(name="due", label="Amount due", cell=lambda row, at: _amount_due(row), is_figure=True),
        Column(
            name="total",
            label="Total",
            cell=lambda row, at: cells.money(money(row.total, row.currency)),
            is_figure=True,
        ),
        Column(
            name="created",
            label="Created",
            cell=lambda row, at: cells.of_day(row.created_at),
            order=Order("created_at", paging.moment),
            falls=True,
        ),
    ),
)


# Subscriptions


def _search_subscriptions(term: str, may: May) -> Q:
    return Q(subscription_id=term) | _by_customer(term, may, "sub")


def _subscription_chip(row: Subscription) -> Cell:
    state = subscription_state(row)
    return cells.chip(state, _COLORS.get(SUBSCRIPTION_STATES.get(state, ""), ""))


def _monthly(row: Subscription, at: datetime) -> Cell:
    try:
        found = revenue_of_subscription(row, at)
    except UnusablePrice:
        found = {}
    return cells.money(", ".join(money(each.mrr, currency) for currency, each in found.items() if each.mrr))


def _quantity(row: Subscription) -> Cell:
    return cells.figure(number(row.quantity))


def _period_end(row: Subscription) -> Cell:
    return cells.of_day(row.expires_at if row.canceled_at else row.current_period_end)


def _subscription_phone(row: Any, at: datetime) -> Phone:
    words = " · ".join(filter(None, [str(row.customer), _monthly(row, at).text]))
    ends = row.expires_at if row.canceled_at else row.current_period_end
    verb = "ends" if row.canceled_at or row.expires_at else "renews"
    return Phone(
        _subscription_chip(row),
        Cell(words),
        Cell(f"{verb} {short_day(ends, at)}" if ends and ends > at else "", css="cl-subtle"),
    )


SUBSCRIPTIONS = RowList(
    name="subscriptions",
    title="Subscriptions",
    one="subscription",
    many="subscriptions",
    permission="billing.view_subscription",
    icon="autorenew",
    prefixes=("sub",),
    rows=Subscription.objects.all,
    dress=lambda rows: with_charges(rows.select_related("customer")),
    filters=SUBSCRIPTION_FILTERS,
    of_customers=_of_customers,
    current=_CURRENT,
    search=_search_subscriptions,
    search_words="Customer or ID",
    phone=_subscription_phone,
    sort="-started",
    empty="Subscriptions appear here when they are imported, or when you attach a plan to a customer.",
    views=(
        View("Active", {"subscription_status": ["active"]}),
        View("Past due", {"subscription_status": ["past_due"]}),
        View("Trials", {"subscription_status": ["trial"]}),
        View("Canceling", {"subscription_status": ["canceling"]}),
        View("Mine", {"owner": ["me"]}),
    ),
    columns=(
        Column(
            name="plan",
            label="Plan",
            cell=lambda row, at: cells.link(page_of_key(Subscription, row.pk), str(row.plan)),
        ),
        Column(name="customer", label="Customer", cell=_customer),
        Column(name="status", label="Status", cell=lambda row, at: _subscription_chip(row)),
        Column(name="quantity", label="Quantity", cell=lambda row, at: _quantity(row), is_figure=True),
        Column(name="mrr", label="MRR", cell=_monthly, is_figure=True),
        Column(
            name="period_end",
            label="Period end",
            cell=lambda row, at: _period_end(row),
            order=Order("current_period_end", paging.moment, nullable=True),
        ),
        Column(
            name="trial",
            label="Trial ends",
            cell=lambda row, at: cells.of_day(row.trial_ends_at),
            order=Order("trial_ends_at", paging.moment, nullable=True),
            is_extra=True,
        ),
        Column(
            name="started",
            label="Started",
            cell=lambda row, at: cells.of_day(row.started_at),
            order=Order("started_at", paging.moment),
            falls=True,
        ),
    ),
)


# Balances


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
    of_customers=_of_customers,
    current=_CURRENT,
    search=lambda term, may: _by_customer(term, may, "bal"),
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
        ),
        Column(name="customer", label="Customer", cell=_customer),
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
        Column(name="remaining", label="Remaining", cell=_remaining, is_figure=True),
        Column(
            name="granted",
            label="Granted",
            cell=lambda row, at: cells.figure("" if row.unlimited else number(row.granted)),
            is_figure=True,
        ),
        Column(
            name="per_day",
            label="Per day",
            cell=lambda row, at: cells.figure(number(round(row.per_day, 2)) if row.per_day else ""),
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
