"""Imports accounts and entities."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from msgspec import UNSET

from billing.document import schema
from billing.document.importer.batch import ImportBatch, ListMapping, listed, marking
from billing.document.importer.catalog import as_stored
from billing.document.schema import BillingCustomer
from billing.models import BillingAccount, Entity
from customers.bulk import assign_values, create_rows, update_rows
from customers.ingest.importer import Incoming
from customers.ingest.merged_origins import rows_at_origin

Document = Incoming[BillingCustomer]

ACCOUNT_FIELDS = ("created_at", "metadata", "send_email_receipts", "payment_method", "balance_allocations")


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
    controls = document.billing_controls
    shares = UNSET if controls is UNSET else controls.balance_allocations
    sent = {name: getattr(document, name) for name in ACCOUNT_FIELDS if name != "balance_allocations"}
    return sent | {"balance_allocations": UNSET if shares is UNSET else as_stored(shares)}


def apply_entities(batch: ImportBatch) -> None:
    lists = listed(batch, lambda document: document.entities)
    _ENTITIES.sync(batch, lists, marking(batch, "removed_at"))


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


_ENTITIES = ListMapping[Entity, schema.Entity](
    model=Entity,
    key_of_item=_entity_of_item,
    key_of_row=_entity_of_row,
    columns=_entity,
    is_shared=True,
)
