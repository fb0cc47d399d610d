"""The list of invoices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils.timezone import localdate

from billing.formats import INVOICE_STATES, invoice_state, money
from billing.models import Invoice
from billing.rates.convert import Rates, reporting_currency
from crm.desk.aging import AGES, NOT_DUE, UNDATED, age_of
from crm.desk.lists import cells, paging
from crm.desk.lists.column import Cell, Column, FigureSum, May, Phone, RowList, View
from crm.desk.lists.own_filters import INVOICE_FILTERS
from crm.desk.lists.paging import Order
from crm.desk.lists.rows_of_customers import CURRENT, STATE_COLORS, by_customer, customer_cell, of_customers
from customers.formats import (
    counted,
    days_between,
    listed,
    page_of_key,
)


def _search_invoices(term: str, may: May) -> Q:
    numbered = Q(number=term.upper()) & ~Q(number="")
    return numbered | (Q(stripe_id=term) & ~Q(stripe_id="")) | by_customer(term, may, "inv")


def _invoice_chip(row: Invoice) -> Cell:
    state = invoice_state(row)
    return cells.chip(state, STATE_COLORS.get(INVOICE_STATES.get(state, ""), ""))


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


def _by_facts(column: str) -> Order:
    return Order(f"facts__{column}", paging.whole, tie="facts__invoice_id", nullable=True)


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
    of_customers=of_customers,
    current=CURRENT,
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
            order=paging.by_words("number"),
        ),
        Column(name="customer", label="Customer", cell=customer_cell, order=paging.by_customer_name()),
        Column(
            name="status",
            label="Status",
            cell=lambda row, at: _invoice_chip(row),
            order=_by_facts("status_sort"),
        ),
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
        Column(
            name="due",
            label="Amount due",
            cell=lambda row, at: _amount_due(row),
            order=_by_facts("due_sort"),
            falls=True,
            is_figure=True,
        ),
        Column(
            name="total",
            label="Total",
            cell=lambda row, at: cells.money(money(row.total, row.currency)),
            order=_by_facts("total_sort"),
            falls=True,
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
