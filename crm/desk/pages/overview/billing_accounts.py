"""The Billing tab: a panel for each billing account with who bills it, and the invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from billing.formats import INVOICE_STATES, invoice_state, money, subscription_state
from billing.models import Invoice, Subscription
from billing.revenue.monthly import revenue_of_subscription, with_charges
from crm.desk.pages.overview.bars import BalanceBar
from crm.desk.pages.overview.money import coming, name_of_subscription
from crm.desk.pages.overview.section import list_of
from customers.formats import BAD, GOOD, NEWS, WAITING, counted, day, days_between, page_of
from customers.models import Customer

#: Subscriptions that the tab reads, and invoices that it shows.
_MOST_SUBSCRIPTIONS, INVOICES_SHOWN = 40, 6
OPEN = "open"
MAIN = "Main account"

#: The color of a chip, by that of Unfold's label.
_CHIPS = {GOOD: "good", WAITING: "warn", BAD: "bad", NEWS: "info"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRow:
    """A subscription of an account. `state` is empty if nothing is special about it."""

    name: str
    url: str
    price: str
    coming: str
    state: str
    color: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A billing account: the customer's own, or that of a customer which was merged into it."""

    key: str
    name: str
    billed: str
    state: str
    color: str
    subscriptions: Sequence[SubscriptionRow]
    bars: Sequence[BalanceBar]
    period: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceRow:
    """A row of the table of invoices. `late` says how many days it is past due, or when it is due."""

    name: str
    url: str
    account: str
    issued: str
    due: str
    state: str
    color: str
    late: str
    is_late: bool
    total: str
    amount_due: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoices:
    """The invoices that are shown, and where all of them are listed. `total_due` is empty if not all unpaid are shown."""

    rows: Sequence[InvoiceRow]
    more_url: str
    total_due: str
    is_open_only: bool


def running_subscriptions(customer: Customer) -> list[Subscription]:
    """The customer's subscriptions that haven't ended, with what their revenue is read from. Three queries."""
    rows: Any = Subscription.objects.running().filter(customer=customer).select_related("came_with")
    return list(with_charges(rows.order_by("add_on", "position", "pk"))[:_MOST_SUBSCRIPTIONS])


def accounts_of(
    customer: Customer, subscriptions: Sequence[Subscription], bars: Sequence[BalanceBar], now: datetime
) -> list[Account]:
    """The accounts with a subscription or a balance, the customer's own first; that one even if it has none."""
    names: dict[Any, str] = {None: MAIN}
    theirs: dict[Any, list[Subscription]] = defaultdict(list)
    balances: dict[Any, list[BalanceBar]] = defaultdict(list)
    for row in subscriptions:
        theirs[row.came_with_id].append(row)
        names.setdefault(row.came_with_id, str(row.came_with))
    for bar in bars:
        came_with = bar.row.balance.came_with
        balances[bar.row.balance.came_with_id].append(bar)
        names.setdefault(bar.row.balance.came_with_id, str(came_with))
    return [_account(key, name, theirs[key], balances[key], now) for key, name in names.items()]


def invoices_of(customer: Customer, now: datetime, *, is_open_only: bool) -> Invoices | None:
    """Unpaid invoices, those due first before the others, then the newest. Two queries."""
    rows: Any = Invoice.objects.filter(customer=customer, removed_at=None).select_related("came_with")
    unpaid = list(rows.unpaid().order_by(F("due_at").asc(nulls_last=True), "pk")[: INVOICES_SHOWN + 1])
    latest = list(rows.order_by("-created_at", "-pk")[: INVOICES_SHOWN + 1])
    if not latest:
        return None
    found = unpaid if is_open_only else list({row.pk: row for row in (*unpaid, *latest)}.values())
    due: dict[str, int] = defaultdict(int)
    for row in unpaid:
        due[row.currency] += row.due
    is_whole = len(unpaid) <= INVOICES_SHOWN
    return Invoices(
        rows=[_invoice(row, now) for row in found[:INVOICES_SHOWN]],
        more_url=list_of(Invoice, customer) if len(found) > INVOICES_SHOWN else "",
        total_due=" and ".join(money(each, currency) for currency, each in due.items()) if is_whole else "",
        is_open_only=is_open_only,
    )


def _account(
    key: Any, name: str, subscriptions: Sequence[Subscription], bars: Sequence[BalanceBar], now: datetime
) -> Account:
    here = sum(row.billed_here for row in subscriptions)
    if not subscriptions:
        billed = "No subscription"
    elif here == len(subscriptions):
        billed = "Billed here"
    else:
        billed = "Billed here and by the billing platform" if here else "Billed by the billing platform"
    if any(row.past_due for row in subscriptions):
        state, color = "Past due", "bad"
    elif subscriptions:
        state, color = "Active", "good"
    else:
        state, color = "No subscription", ""
    period = next((bar.period for bar in bars if bar.period is not None), None)
    return Account(
        key=str(key or "main"),
        name=name,
        billed=billed,
        state=state,
        color=color,
        subscriptions=[_subscription(row, now) for row in subscriptions],
        bars=bars,
        period=period.words(now) if period else "",
    )


def _subscription(row: Subscription, now: datetime) -> SubscriptionRow:
    state = subscription_state(row)
    revenue = revenue_of_subscription(row, now)
    return SubscriptionRow(
        name=name_of_subscription(row),
        url=page_of(row),
        price=", ".join(f"{money(each.mrr, currency)}/month" for currency, each in revenue.items()),
        coming=" · ".join(coming(row, now)),
        state="" if state == "Active" else state,
        color="bad" if state == "Past due" else "warn" if state == "Canceling" else "info",
    )


def _invoice(row: Invoice, now: datetime) -> InvoiceRow:
    state = invoice_state(row)
    is_open = row.status == Invoice.Status.OPEN
    late, is_late = "", False
    if is_open and row.due_at is not None:
        days = days_between(row.due_at, now)
        is_late = row.due_at <= now
        late = str(max(days, 0)) if is_late else f"in {counted(-days, 'day')}"
    return InvoiceRow(
        name=str(row),
        url=page_of(row),
        account=str(row.came_with) if row.came_with else MAIN,
        issued=day(row.issued_at or row.created_at),
        due=day(row.due_at) if row.due_at else "",
        state=state,
        color=_CHIPS.get(INVOICE_STATES.get(state, ""), ""),
        late=late,
        is_late=is_late,
        total=money(row.total, row.currency),
        amount_due=money(row.due, row.currency) if is_open else "",
    )
