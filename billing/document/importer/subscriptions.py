"""Imports subscriptions, purchases and licenses."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from billing.document import schema
from billing.document.importer.batch import ImportBatch, ListMapping, listed, marking
from billing.document.schema import BillingCustomer
from billing.models import Grant, License, Purchase, Subscription
from billing.subscriptions.at_platform import close_shown
from customers.bulk import update_rows
from customers.ingest.importer import Incoming
from customers.ingest.merged_origins import rows_at_origin

Document = Incoming[BillingCustomer]


def apply_subscriptions(batch: ImportBatch) -> None:
    """Import subscriptions and purchases, fill `batch.attached`, and close the requested changes that they show."""

    def end(rows: list[Subscription]) -> None:
        gone = [row for row in rows if row.status != Subscription.Status.ENDED]
        for row in gone:
            row.status = Subscription.Status.ENDED
            row.expires_at = min(row.expires_at or batch.now, batch.now)
        update_rows(gone, ["status", "expires_at"], batch.reason)
        grants = list(Grant.objects.filter(subscription__in=gone, ended_at=None))
        for grant in grants:
            grant.ended_at = batch.now
        update_rows(grants, ["ended_at"], batch.reason)

    _SUBSCRIPTIONS.sync(batch, listed(batch, lambda document: document.subscriptions), end)
    _PURCHASES.sync(batch, listed(batch, lambda document: document.purchases), marking(batch, "removed_at"))
    _note_attached(batch)
    close_shown([str(customer.pk) for customer in batch.customers], batch.now, batch.reason)


def apply_licenses(batch: ImportBatch) -> None:
    _LICENSES.sync(batch, listed(batch, lambda document: document.licenses))


def _note_attached(batch: ImportBatch) -> None:
    """Add to `batch.attached`. An active subscription takes precedence over any other, and that over a purchase."""
    purchases = rows_at_origin(Purchase.objects.filter(removed_at=None), batch.incoming)
    running = rows_at_origin(Subscription.objects.running(), batch.incoming)
    subscriptions = sorted(
        running.select_related("plan"), key=lambda row: row.status == Subscription.Status.ACTIVE
    )
    attached: list[Purchase | Subscription] = [*purchases.select_related("plan"), *subscriptions]
    for row in attached:
        batch.attached[str(row.customer_id), row.plan.plan_id] = row


def _plan_key(
    batch: ImportBatch,
    incoming: Document,
    sent: schema.Subscription | schema.Purchase,
    ours: Subscription | Purchase | None,
) -> str | None:
    if sent.plan is not UNSET:
        return batch.described_key(sent.plan)
    return batch.plan_key(incoming, sent.plan_id, ours.plan if ours else None)


def _subscription(
    batch: ImportBatch, incoming: Document, sent: schema.Subscription, ours: Subscription | None
) -> dict[str, Any]:
    return {
        "subscription_id": sent.id,
        "plan_id": _plan_key(batch, incoming, sent, ours),
        "status": sent.status,
        "auto_enable": sent.auto_enable,
        "add_on": sent.add_on,
        "past_due": sent.past_due,
        "quantity": sent.quantity,
        "started_at": sent.started_at,
        "trial_ends_at": sent.trial_ends_at,
        "current_period_start": sent.current_period_start,
        "current_period_end": sent.current_period_end,
        "canceled_at": sent.canceled_at,
        "expires_at": sent.expires_at,
    }


def _purchase(
    batch: ImportBatch, incoming: Document, sent: schema.Purchase, ours: Purchase | None
) -> dict[str, Any]:
    return {
        "plan_id": _plan_key(batch, incoming, sent, ours),
        "quantity": sent.quantity,
        "started_at": sent.started_at,
        "expires_at": sent.expires_at,
        "removed_at": None,
    }


def _license(
    batch: ImportBatch, incoming: Document, sent: schema.License, ours: License | None
) -> dict[str, Any]:
    seats, parent = (ours.license_plan, ours.parent_plan) if ours else (None, None)
    return {
        "license_plan_id": batch.plan_key(incoming, sent.license_plan_id, seats),
        "parent_plan_id": batch.plan_key(incoming, sent.parent_plan_id, parent),
        "license_plan_name": sent.license_plan_name,
        "granted": sent.granted,
        "usage": sent.usage,
        "remaining": sent.remaining,
        "paid_quantity": sent.paid_quantity,
    }


_SUBSCRIPTIONS = ListMapping[Subscription, schema.Subscription](
    model=Subscription,
    key_of_item=lambda sent: sent.id,
    key_of_row=lambda row: row.subscription_id,
    columns=_subscription,
    is_shared=True,
    stays_ours=True,
    related=("plan",),
)
_PURCHASES = ListMapping[Purchase, schema.Purchase](
    model=Purchase,
    key_of_item=lambda sent: (sent.plan_id, sent.started_at),
    key_of_row=lambda row: (row.plan.plan_id, row.started_at),
    columns=_purchase,
    is_shared=True,
    stays_ours=True,
    related=("plan",),
)
_LICENSES = ListMapping[License, schema.License](
    model=License,
    key_of_item=lambda sent: (sent.license_plan_id, sent.parent_plan_id),
    key_of_row=lambda row: (row.license_plan.plan_id, row.parent_plan.plan_id),
    columns=_license,
    related=("license_plan", "parent_plan"),
)
