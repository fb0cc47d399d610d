"""Imports accounts, entities and billing controls."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from msgspec import UNSET

from billing.document import schema
from billing.document.importer.batch import ImportBatch, ListMapping, listed, marking
from billing.document.importer.catalog import present
from billing.document.schema import BillingCustomer
from billing.models import AutoTopup, BillingAccount, Entity, SpendLimit, UsageAlert
from customers.bulk import assign_values, create_rows, update_rows
from customers.ingest.importer import Incoming
from customers.ingest.merged_origins import rows_at_origin

Document = Incoming[BillingCustomer]

ACCOUNT_FIELDS = ("created_at", "metadata", "send_email_receipts", "payment_method")


def apply_accounts(batch: ImportBatch) -> None:
    held = rows_at_origin(BillingAccount.objects.all(), batch.incoming)
    accounts = {account.customer_id: account for account in held}
    new: list[BillingAccount] = []
    changed: list[BillingAccount] = []
    for incoming in batch.incoming:
        account = accounts.get(incoming.customer.pk)
        if account is None:
            account = BillingAccount(customer=incoming.customer, came_with_id=incoming.came_with_id)
            new.append(account)
            assign_values(account, _account(incoming.document))
        elif assign_values(account, _account(incoming.document)):
            changed.append(account)
        batch.payment_terms[incoming.customer.pk] = account.payment_terms_days
    create_rows(new, batch.reason)
    update_rows(changed, ACCOUNT_FIELDS, batch.reason)


def _account(document: BillingCustomer) -> dict[str, Any]:
    return {name: getattr(document, name) for name in ACCOUNT_FIELDS}


def apply_entities(batch: ImportBatch) -> None:
    lists = listed(batch, lambda document: document.entities)
    _ENTITIES.sync(batch, lists, marking(batch, "removed_at"))


def apply_controls(batch: ImportBatch) -> None:
    _TOPUPS.sync(batch, listed(batch, lambda document: _controls(document, "auto_topups")))
    _LIMITS.sync(batch, listed(batch, lambda document: _controls(document, "spend_limits")))
    _ALERTS.sync(batch, listed(batch, lambda document: _controls(document, "usage_alerts")))


def _controls(document: BillingCustomer, name: str) -> Any:
    return UNSET if document.billing_controls is UNSET else getattr(document.billing_controls, name)


def _entity(
    batch: ImportBatch, incoming: Document, sent: schema.Entity, ours: Entity | None
) -> dict[str, Any]:
    return {
        "entity_id": sent.id,
        "name": sent.name,
        "customer_external_id": sent.customer_id,
        "feature_id": batch.feature_key(sent.feature_id),
        "env": sent.env,
        "created_at": sent.created_at,
        "removed_at": None,
    }


def _entity_of_item(sent: schema.Entity) -> Hashable:
    return sent.id or (sent.name, sent.created_at)


def _entity_of_row(row: Entity) -> Hashable:
    return row.entity_id or (row.name, row.created_at)


def _topup(
    batch: ImportBatch, incoming: Document, sent: schema.AutoTopup, ours: AutoTopup | None
) -> dict[str, Any]:
    limit = present(sent.purchase_limit)
    return {
        "feature_id": batch.feature_key(sent.feature_id),
        "threshold": sent.threshold,
        "quantity": sent.quantity,
        "enabled": present(sent.enabled),
        "limit_interval": limit.interval if limit else "",
        "limit_interval_count": limit and present(limit.interval_count),
        "limit": limit and limit.limit,
    }


def _spend_limit(
    batch: ImportBatch, incoming: Document, sent: schema.SpendLimit, ours: SpendLimit | None
) -> dict[str, Any]:
    return {
        "feature_id": batch.feature_key(sent.feature_id),
        "enabled": present(sent.enabled),
        "overage_limit": present(sent.overage_limit),
    }


def _usage_alert(
    batch: ImportBatch, incoming: Document, sent: schema.UsageAlert, ours: UsageAlert | None
) -> dict[str, Any]:
    return {
        "feature_id": batch.feature_key(sent.feature_id),
        "threshold": sent.threshold,
        "threshold_type": sent.threshold_type,
        "enabled": present(sent.enabled),
        "name": present(sent.name),
    }


def _feature_of_item(sent: Any) -> Any:
    return present(sent.feature_id)


def _feature_of_row(row: Any) -> Any:
    return row.feature and row.feature.feature_id


_ENTITIES = ListMapping[Entity, schema.Entity](
    model=Entity,
    key_of_item=_entity_of_item,
    key_of_row=_entity_of_row,
    columns=_entity,
    is_shared=True,
)
_TOPUPS = ListMapping[AutoTopup, schema.AutoTopup](
    model=AutoTopup,
    key_of_item=_feature_of_item,
    key_of_row=_feature_of_row,
    columns=_topup,
    related=("feature",),
)
_LIMITS = ListMapping[SpendLimit, schema.SpendLimit](
    model=SpendLimit,
    key_of_item=_feature_of_item,
    key_of_row=_feature_of_row,
    columns=_spend_limit,
    related=("feature",),
)
_ALERTS = ListMapping[UsageAlert, schema.UsageAlert](
    model=UsageAlert,
    key_of_item=_feature_of_item,
    key_of_row=_feature_of_row,
    columns=_usage_alert,
    related=("feature",),
)
