"""Customers' subscriptions and balances, locked and loaded together, changed in memory and written at once.

The customers and their balances stay locked until the transaction ends. `save` writes every change and raises the
invoices that follow from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import models

from billing.invoices.issue import InvoiceRequest, raise_invoices
from billing.ledger.entries import FigureChange, LedgerBatch, PostingDraft, locked_balances
from billing.models import (
    Balance,
    BillingAccount,
    BillingCycle,
    Feature,
    Flag,
    Grant,
    Invoice,
    PendingLine,
    PlanItem,
    Posting,
    Purchase,
    Rollover,
    Subscription,
    SubscriptionPhase,
    TrialUsed,
)
from billing.rules.due_events import DueEvent, unpaid_invoice_events
from billing.subscriptions.errors import CannotBill
from billing.subscriptions.free_overage import FreeOverage, free_overage
from billing.subscriptions.later_uses import LaterUse, uses_after_due_resets
from billing.subscriptions.seat_changes import StoredSeatEntries
from customers import clock
from customers.bulk import create_rows, delete_rows, update_rows
from customers.configuration.table import INVOICE_DUE_DAYS
from customers.configuration.values import value_of
from customers.models import Customer, shown_once

_SUBSCRIPTION_COLUMNS = (
    "plan_id",
    "status",
    "past_due",
    "quantity",
    "currency",
    "started_at",
    "trial_ends_at",
    "current_period_start",
    "current_period_end",
    "anchor_day",
    "canceled_at",
    "expires_at",
    "prepaid_quantities",
)


@dataclass(slots=True)
class PlanItems:
    """The items of plans with their features, fetched once."""

    _items: dict[str, list[PlanItem]] = field(default_factory=dict)

    def fetch(self, plan_keys: Iterable[str]) -> None:
        """Fetch the items of these plans, in one query."""
        wanted = set(plan_keys) - self._items.keys()
        if wanted:
            self._items |= {key: [] for key in wanted}
            found = PlanItem.objects.filter(plan_id__in=wanted).select_related("feature", "plan")
            for item in found.order_by("position", "pk"):
                self._items[item.plan_id].append(item)

    def of(self, plan_key: str) -> list[PlanItem]:
        """The items of a plan."""
        self.fetch([plan_key])
        return self._items[plan_key]


@dataclass(slots=True, kw_only=True)
class UnitOfWork:
    """One customer with the subscriptions, purchases and balances that still count.

    `flags` are by the key of their feature, `balances` by their own key; `unpaid_due_at` has the due dates of unpaid
    invoices by subscription ID; `invoice_requests` are the invoices to raise when the unit of work is saved;
    `pending_lines` wait for the next invoice, by subscription ID; `later_uses` are by grant ID. `opened_at` is the
    clock once the customer is locked.
    """

    customer: Customer
    plan_items: PlanItems
    done_by: str
    terms: timedelta
    opened_at: datetime
    free_overage: FreeOverage = field(default_factory=FreeOverage)
    book: LedgerBatch = field(default_factory=LedgerBatch)
    subscriptions: list[Subscription] = field(default_factory=list)
    cycles: list[BillingCycle] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    balances: dict[str, Balance] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    rollovers: dict[str, Rollover] = field(default_factory=dict)
    flags: dict[str, Flag] = field(default_factory=dict)
    unpaid_due_at: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    trials: list[TrialUsed] = field(default_factory=list)
    invoice_requests: list[InvoiceRequest] = field(default_factory=list)
    invoices: list[Invoice] = field(default_factory=list)
    pending_lines: dict[str, list[PendingLine]] = field(default_factory=dict)
    later_uses: Mapping[str, list[LaterUse]] = field(default_factory=dict)
    seat_entries: StoredSeatEntries = field(default_factory=StoredSeatEntries)
    changed: dict[str, models.Model] = field(default_factory=dict)
    dropped: list[Flag | BillingCycle | Subscription] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The customer's ID."""
        return str(self.customer.pk)

    def due_at(self, at: datetime) -> datetime:
        """When an invoice of that moment is due, if it is raised now. One raised late is due from the day it is issued."""
        return max(at, clock.now()) + self.terms

    def active(self) -> list[Subscription]:
        """Subscriptions that grant something now."""
        return [row for row in self.subscriptions if row.status == Subscription.Status.ACTIVE]

    def cycles_of(self, subscription: Subscription) -> list[BillingCycle]:
        """The billing cycles of a subscription."""
        return [row for row in self.cycles if row.subscription_id == subscription.pk]

    def drop_cycle(self, cycle: BillingCycle) -> None:
        """Remove a billing cycle whose prices are no longer charged."""
        self.cycles.remove(cycle)
        self._drop(cycle)

    def drop_scheduled(self, scheduled: Subscription) -> None:
        """Remove a scheduled change that has been carried out on the subscription that it followed."""
        self.subscriptions.remove(scheduled)
        self._drop(scheduled)

    def grants_of(self, source: Subscription | Purchase) -> list[Grant]:
        """The grants of a subscription or purchase that have not ended."""
        name = "subscription_id" if isinstance(source, Subscription) else "purchase_id"
        return [
            grant
            for grant in self.grants.values()
            if grant.ended_at is None and getattr(grant, name) == source.pk
        ]

    def rollovers_of(self, grant: Grant) -> list[Rollover]:
        """The rollovers that a reset of the grant considers: its own, and those of its balance without a grant."""
        return [
            rollover
            for rollover in self.rollovers.values()
            if rollover.ended_at is None
            and rollover.balance_id == grant.balance_id
            and rollover.grant_id in (grant.pk, None)
        ]

    def balance_for(self, feature: Feature, source: Subscription | Purchase) -> Balance:
        """The balance of a feature in the account of a subscription or purchase, created if there is none."""
        for balance in self.balances.values():
            if balance.feature_id == feature.pk and balance.came_with_id == source.came_with_id:
                break
        else:
            balance = Balance(
                customer=self.customer,
                came_with_id=source.came_with_id,
                feature=feature,
                position=len(self.balances),
            )
            self.balances[str(balance.pk)] = balance
            self.change(balance)
        if balance.removed_at is not None:
            balance.removed_at = None
            self.change(balance)
        return balance

    def feature_id_of(self, row: Grant | Rollover) -> str:
        """The feature of a grant or rollover."""
        return str(self.balances[str(row.balance_id)].feature_id)

    def due_events(self) -> Iterator[DueEvent]:
        """All events that will fall due for the customer, in no order."""
        rows: list[Subscription | BillingCycle | Purchase | Grant | Rollover] = [
            *self.subscriptions,
            *self.cycles,
            *self.purchases,
            *self.grants.values(),
            *self.rollovers.values(),
        ]
        for row in rows:
            yield from row.due_events()
        for subscription in self.subscriptions:
            yield from self.unpaid_events(subscription)

    def unpaid_events(self, subscription: Subscription) -> Iterator[DueEvent]:
        """When unpaid invoices make the subscription past due."""
        for due_at in self.unpaid_due_at.get(str(subscription.pk), ()):
            yield from unpaid_invoice_events(
                due_at,
                is_active=subscription.status == Subscription.Status.ACTIVE,
                is_billed_here=subscription.billed_here,
                is_past_due=subscription.past_due,
            )

    def change(self, row: models.Model) -> None:
        """Mark a row to be written by `save`."""
        self.changed[str(row.pk)] = row

    def _drop(self, row: BillingCycle | Subscription) -> None:
        self.changed.pop(str(row.pk), None)
        if not row._state.adding:
            self.dropped.append(row)

    def post(
        self,
        kind: Posting.Kind,
        at: datetime,
        changes: Sequence[FigureChange],
        *,
        feature_id: str,
        entity_id: str | None = None,
        reason: str = "",
        done_by: str = "",
    ) -> None:
        """Post changes of one feature's figures, by `done_by` if it is not who does the work."""
        self.book.add(
            PostingDraft(
                customer_id=self.key,
                kind=kind,
                occurred_at=at,
                done_by=done_by or self.done_by,
                changes=changes,
                reason=reason,
                feature_id=feature_id,
                entity_id=entity_id,
            )
        )


def open_units(customer_ids: Iterable[str], *, done_by: str) -> list[UnitOfWork]:
    """Lock and load the customers, in a fixed number of queries; the locks last until the transaction ends."""
    customers = list(
        Customer.objects.filter(pk__in=list(customer_ids)).order_by("pk").select_for_update(no_key=True)
    )
    plan_items, book, opened_at = PlanItems(), LedgerBatch(), clock.now()
    usual_terms = value_of(INVOICE_DUE_DAYS)
    terms = {
        str(account.customer_id): account.payment_terms_days
        for account in shown_once(
            BillingAccount.objects.filter(customer__in=customers), lambda row: row.customer_id
        )
        if account.payment_terms_days is not None
    }
    free = free_overage(str(customer.pk) for customer in customers)
    units = {
        str(customer.pk): UnitOfWork(
            customer=customer,
            plan_items=plan_items,
            done_by=done_by,
            terms=timedelta(days=terms.get(str(customer.pk), usual_terms)),
            opened_at=opened_at,
            free_overage=free.get(str(customer.pk), FreeOverage()),
            book=book,
        )
        for customer in customers
    }
    owners: dict[str, UnitOfWork] = {}
    balances = {str(balance.pk): balance for balance in locked_balances(list(units))}
    features = Feature.objects.in_bulk({balance.feature_id for balance in balances.values()})
    for key, balance in balances.items():
        balance.feature = features[balance.feature_id]
        owners[key] = units[balance.customer_id]
        owners[key].balances[key] = balance
    sources: dict[str, Subscription | Purchase] = {}
    subscriptions = Subscription.objects.running().filter(customer__in=customers)
    for subscription in subscriptions.select_related("plan", "entity").order_by("position", "pk"):
        units[subscription.customer_id].subscriptions.append(subscription)
        sources[str(subscription.pk)] = subscription
    running = {str(row.pk): row for work in units.values() for row in work.subscriptions}
    if running:
        _load_cycles(units, running)
        _load_unpaid(units)
        _load_pending_lines(units)
    purchases = Purchase.objects.filter(customer__in=customers, removed_at=None)
    for purchase in purchases.select_related("plan").order_by("position", "pk"):
        units[purchase.customer_id].purchases.append(purchase)
        sources[str(purchase.pk)] = purchase
    for grant in Grant.objects.filter(balance_id__in=owners, ended_at=None).select_related("plan"):
        grant.balance = balances[grant.balance_id]
        _share_source(grant, sources)
        owners[grant.balance_id].grants[str(grant.pk)] = grant
    later_uses = uses_after_due_resets(
        (grant for work in units.values() for grant in work.grants.values()), clock.now()
    )
    seat_entries = StoredSeatEntries()
    for work in units.values():
        work.later_uses, work.seat_entries = later_uses, seat_entries
        seat_entries.watch(work.grants.values())
    for rollover in Rollover.objects.filter(balance_id__in=owners, ended_at=None):
        owners[rollover.balance_id].rollovers[str(rollover.pk)] = rollover
    flags = shown_once(
        Flag.objects.filter(customer__in=customers), lambda row: (row.customer_id, row.feature_id)
    )
    for flag in flags:
        units[flag.customer_id].flags[flag.feature_id] = flag
    plan_items.fetch(str(source.plan_id) for source in sources.values())
    return list(units.values())


def _load_cycles(units: Mapping[str, UnitOfWork], subscriptions: Mapping[str, Subscription]) -> None:
    for cycle in BillingCycle.objects.filter(subscription_id__in=list(subscriptions)).order_by("pk"):
        cycle.subscription = subscriptions[cycle.subscription_id]
        units[cycle.subscription.customer_id].cycles.append(cycle)


def _load_unpaid(units: Mapping[str, UnitOfWork]) -> None:
    unpaid = Invoice.objects.unpaid().filter(customer__in=list(units), subscription__isnull=False)
    for invoice in unpaid.order_by().only("customer", "subscription", "due_at"):
        if invoice.due_at is not None:
            units[invoice.customer_id].unpaid_due_at[str(invoice.subscription_id)].append(invoice.due_at)


def _load_pending_lines(units: Mapping[str, UnitOfWork]) -> None:
    waiting = PendingLine.objects.filter(subscription__customer__in=list(units), billed_at=None)
    for line in waiting.select_related("subscription", "grant__balance__feature").order_by(
        "created_at", "pk"
    ):
        lines = units[line.subscription.customer_id].pending_lines
        lines.setdefault(str(line.subscription_id), []).append(line)


def save(units: Sequence[UnitOfWork], reason: str) -> None:
    """Write every change and raise the invoices. May be called again after more changes."""
    changed: dict[type[models.Model], list[Any]] = defaultdict(list)
    for work in units:
        for row in work.changed.values():
            changed[type(row)].append(row)
        work.changed = {}
    for model, columns in (
        (Subscription, _SUBSCRIPTION_COLUMNS),
        (Purchase, ("expires_at", "quantity", "scheduled", "removed_at")),
        (SubscriptionPhase, ()),
        (BillingCycle, ("period_start", "period_end", "anchor_day")),
        (Balance, ("overage_allowed", "removed_at")),
        (Flag, ("plan_id", "expires_at")),
        (PendingLine, ("billed_at",)),
    ):
        rows = changed.pop(model, [])
        stored = [row for row in rows if not row._state.adding]
        create_rows([row for row in rows if row._state.adding], reason)
        if columns:
            update_rows(stored, columns, reason)
    for dropped in (Flag, BillingCycle, Subscription):
        delete_rows([row for work in units for row in work.dropped if isinstance(row, dropped)])
    create_rows([trial for work in units for trial in work.trials], reason)
    for book in {id(work.book): work.book for work in units}.values():
        book.write()
    _raise_invoices(units)
    for work in units:
        work.trials, work.dropped = [], []
        # The entries of grants that were made since are no longer in the book.
        work.seat_entries.watch(work.grants.values())
        work.seat_entries.forget()


def _raise_invoices(units: Sequence[UnitOfWork]) -> None:
    requests = [request for work in units for request in work.invoice_requests]
    if not requests:
        return
    of_customer = {work.key: work for work in units}
    try:
        raised = raise_invoices(requests, done_by=units[0].done_by)
    except ValueError as problem:
        raise CannotBill(f"{problem}.") from None
    for request, invoice in zip(requests, raised, strict=True):
        if invoice is None:
            continue
        work = of_customer[request.customer_id]
        work.invoices.append(invoice)
        if invoice.status == Invoice.Status.OPEN and request.subscription_id and invoice.due_at:
            work.unpaid_due_at[request.subscription_id].append(invoice.due_at)
    for work in units:
        work.invoice_requests = []


def _share_source(grant: Grant, sources: dict[str, Subscription | Purchase]) -> None:
    """Make the grant refer to the objects of the unit of work, so that each row has only one object."""
    for name in ("subscription", "purchase"):
        source = sources.get(str(getattr(grant, f"{name}_id")))
        if source is not None:
            setattr(grant, name, source)
