"""The list of subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import FloatField, Q
from django.db.models.functions import Cast

from billing.formats import SUBSCRIPTION_STATES, money, subscription_state
from billing.models import Subscription
from billing.revenue.monthly import UnusablePrice, revenue_of_subscription, with_charges
from crm.desk.lists import cells, paging
from crm.desk.lists.column import Cell, Column, May, Phone, RowList, View
from crm.desk.lists.own_filters import SUBSCRIPTION_FILTERS
from crm.desk.lists.paging import Order
from crm.desk.lists.rows_of_customers import CURRENT, STATE_COLORS, by_customer, customer_cell, of_customers
from customers.formats import (
    number,
    page_of_key,
    short_day,
)


def _search_subscriptions(term: str, may: May) -> Q:
    return Q(subscription_id=term) | by_customer(term, may, "sub")


def _subscription_chip(row: Subscription) -> Cell:
    state = subscription_state(row)
    return cells.chip(state, STATE_COLORS.get(SUBSCRIPTION_STATES.get(state, ""), ""))


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


def _by_facts(column: str, read: Callable[[Any], Any]) -> Order:
    return Order(f"facts__{column}", read, tie="facts__subscription_id", nullable=True)


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
    of_customers=of_customers,
    current=CURRENT,
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
            order=_by_facts("plan_sort", paging.text),
        ),
        Column(name="customer", label="Customer", cell=customer_cell, order=paging.by_customer_name()),
        Column(
            name="status",
            label="Status",
            cell=lambda row, at: _subscription_chip(row),
            order=_by_facts("status_sort", paging.whole),
        ),
        Column(
            name="quantity",
            label="Quantity",
            cell=lambda row, at: _quantity(row),
            # SQLite keeps figures as text.
            order=Order(Cast("quantity", FloatField()), paging.share),
            falls=True,
            is_figure=True,
        ),
        Column(
            name="mrr",
            label="MRR",
            cell=_monthly,
            order=_by_facts("mrr_sort", paging.whole),
            falls=True,
            is_figure=True,
        ),
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
