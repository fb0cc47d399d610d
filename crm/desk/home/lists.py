"""The lists behind the numbers of the home page: renewals, trials, past due, balances."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from billing.formats import money
from billing.models import Invoice, Subscription
from crm.desk.worklist.balances import EXHAUSTED, LOW
from crm.desk.worklist.reason import WorklistRule
from crm.models import WorklistReason
from customers.configuration.kinds import Setting
from customers.configuration.table import RENEWAL_SOON_DAYS, TRIAL_SOON_DAYS
from customers.configuration.values import value_of
from customers.formats import day, page_of
from customers.models import Customer, Environment

Owners = Collection[Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskList:
    """A list of rows in order, for some account managers or (None) for all.

    `words` are the texts beside the customer, `page` is the row's URL, `customer` the path from the row to its
    customer, `also` the relations to select with it. Users need `permission`. `days` is what stands for `{days}` in
    the title.
    """

    name: str
    title: str
    description: str
    empty: str
    permission: str
    rows: Callable[[Owners, datetime], QuerySet[Any]]
    words: Callable[[Any], tuple[str, ...]]
    page: Callable[[Any], str] = page_of
    customer: str = "customer"
    also: tuple[str, ...] = ()
    days: Setting[int] | None = None

    @property
    def heading(self) -> str:
        """The title as users see it."""
        return self.title if self.days is None else self.title.format(days=value_of(self.days))

    def customer_of(self, row: Any) -> Customer:
        """The customer of a row."""
        for step in self.customer.split("__"):
            row = getattr(row, step)
        found: Customer = row
        return found


def of_owners(rows: QuerySet[Any], owners: Owners) -> QuerySet[Any]:
    """Rows of current live customers of these account managers."""
    if owners is not None:
        rows = rows.filter(customer__relationship__owner__in=owners)
    return rows.filter(customer__archived_at=None, customer__merged_into=None, customer__env=Environment.LIVE)


def customers_of(owners: Owners) -> QuerySet[Customer]:
    """The current live customers of these account managers."""
    customers = Customer.objects.current().filter(env=Environment.LIVE)
    return customers if owners is None else customers.filter(relationship__owner__in=owners)


def _renewals(owners: Owners, now: datetime) -> QuerySet[Any]:
    rows = Subscription.objects.renewing_soon(now)
    return of_owners(rows, owners).order_by("current_period_end", "pk")


def _trials(owners: Owners, now: datetime) -> QuerySet[Any]:
    rows = Subscription.objects.trial_ending_soon(now)
    return of_owners(rows, owners).order_by("trial_ends_at", "pk")


def _past_due(owners: Owners, now: datetime) -> QuerySet[Any]:
    return of_owners(Subscription.objects.past_due(), owners).order_by("current_period_end", "pk")


def _overdue(owners: Owners, now: datetime) -> QuerySet[Any]:
    return of_owners(Invoice.objects.overdue(now), owners).order_by("due_at", "pk")


def _balances(rule: WorklistRule) -> Callable[[Owners, datetime], QuerySet[Any]]:
    """The rows of a list: the worklist reasons of `rule`, including those done, snoozed or dismissed."""

    def rows(owners: Owners, now: datetime) -> QuerySet[Any]:
        found = WorklistReason.objects.filter(rule=rule.name)
        if owners is not None:
            found = found.filter(entry__person__in=owners)
        current = found.filter(
            entry__customer__archived_at=None,
            entry__customer__merged_into=None,
            entry__customer__env=Environment.LIVE,
        )
        return current.order_by("-weight", "since", "pk")

    return rows


LISTS = {
    each.name: each
    for each in (
        DeskList(
            name="renewals",
            title="Renewals in {days} days",
            days=RENEWAL_SOON_DAYS,
            description="Upcoming renewals, soonest first",
            empty="No upcoming renewals",
            permission="billing.view_subscription",
            rows=_renewals,
            also=("plan",),
            words=lambda row: (str(row.plan), f"Renews {day(row.current_period_end)}"),
        ),
        DeskList(
            name="trials",
            title="Trials ending in {days} days",
            days=TRIAL_SOON_DAYS,
            description="Trials, ending soonest first",
            empty="No trials ending soon",
            permission="billing.view_subscription",
            rows=_trials,
            also=("plan",),
            words=lambda row: (str(row.plan), f"Trial ends {day(row.trial_ends_at)}"),
        ),
        DeskList(
            name="past-due",
            title="Past-due subscriptions",
            description="Subscriptions with a payment past due",
            empty="No past-due subscriptions",
            permission="billing.view_subscription",
            rows=_past_due,
            also=("plan",),
            words=lambda row: (str(row.plan), f"Period ends {day(row.current_period_end)}"),
        ),
        DeskList(
            name="overdue",
            title="Past-due invoices",
            description="Unpaid invoices after their due date, oldest first",
            empty="No past-due invoices",
            permission="billing.view_invoice",
            rows=_overdue,
            words=lambda row: (
                str(row),
                f"Due {day(row.due_at)}",
                money(row.due, row.currency),
            ),
        ),
        DeskList(
            name="balances-low",
            title="Low balances",
            description="Balances with most of the amount used, as of the last worklist refresh",
            empty="No low balances",
            permission="billing.view_balance",
            rows=_balances(LOW),
            words=lambda row: (row.words,),
            page=lambda row: row.link,
            customer="entry__customer",
        ),
        DeskList(
            name="balances-exhausted",
            title="Balances at zero",
            description="Balances with nothing left, as of the last worklist refresh",
            empty="No balances at zero",
            permission="billing.view_balance",
            rows=_balances(EXHAUSTED),
            words=lambda row: (row.words,),
            page=lambda row: row.link,
            customer="entry__customer",
        ),
    )
}
