"""Imports billing controls: automatic top-ups, limits of overage and usage, and usage alerts."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from msgspec import UNSET

from billing.document import schema
from billing.document.importer.batch import ImportBatch, ListMapping, listed
from billing.document.importer.catalog import present
from billing.document.schema import BillingCustomer
from billing.ledger.limits_in_use import used_of_limits
from billing.models import AutoTopup, Entity, OverageAllowed, SpendLimit, UsageAlert, UsageLimit
from customers.bulk import create_rows
from customers.ingest.importer import Incoming
from customers.ingest.merged_origins import rows_at_origin

Document = Incoming[BillingCustomer]


def apply_controls(batch: ImportBatch) -> None:
    """Import the lists of controls that the documents have. A control may name an entity that is not known yet."""
    taking = _Controls(batch)
    taking.topups.sync(batch, listed(batch, lambda document: _controls(document, "auto_topups")))
    taking.spend_limits.sync(batch, listed(batch, lambda document: _controls(document, "spend_limits")))
    taking.usage_limits.sync(batch, listed(batch, lambda document: _controls(document, "usage_limits")))
    taking.alerts.sync(batch, listed(batch, lambda document: _controls(document, "usage_alerts")))
    taking.overage.sync(batch, listed(batch, lambda document: _controls(document, "overage_allowed")))


def _controls(document: BillingCustomer, name: str) -> Any:
    return UNSET if document.billing_controls is UNSET else getattr(document.billing_controls, name)


def _with_entity(document: BillingCustomer) -> Iterable[str]:
    controls = document.billing_controls or schema.BillingControls()
    lists: tuple[Iterable[Any], ...] = (
        controls.spend_limits or (),
        controls.usage_limits or (),
        controls.usage_alerts or (),
        controls.overage_allowed or (),
    )
    return [each.entity_id for controls_of_kind in lists for each in controls_of_kind if each.entity_id]


class _Controls:
    """The columns of controls, with the entities that the documents name and what is used of limits that are known."""

    def __init__(self, batch: ImportBatch) -> None:
        self._entities = _entities(batch)
        self._used = _used(batch)
        self.topups = ListMapping[AutoTopup, schema.AutoTopup](
            model=AutoTopup,
            key_of_item=lambda sent: sent.feature_id,
            key_of_row=lambda row: row.feature.feature_id,
            columns=self._topup,
            related=("feature",),
        )
        self.spend_limits = ListMapping[SpendLimit, schema.SpendLimit](
            model=SpendLimit,
            key_of_item=_key_of_item,
            key_of_row=_key_of_row,
            columns=self._spend_limit,
            related=("feature", "entity"),
        )
        self.usage_limits = ListMapping[UsageLimit, schema.UsageLimit](
            model=UsageLimit,
            key_of_item=lambda sent: (*_key_of_item(sent), sent.interval),
            key_of_row=lambda row: (*_key_of_row(row), row.interval),
            columns=self._usage_limit,
            related=("feature", "entity"),
        )
        self.alerts = ListMapping[UsageAlert, schema.UsageAlert](
            model=UsageAlert,
            key_of_item=_key_of_item,
            key_of_row=_key_of_row,
            columns=self._usage_alert,
            related=("feature", "entity"),
        )
        self.overage = ListMapping[OverageAllowed, schema.OverageAllowed](
            model=OverageAllowed,
            key_of_item=_key_of_item,
            key_of_row=_key_of_row,
            columns=self._overage_allowed,
            related=("feature", "entity"),
        )

    def _entity_key(self, incoming: Document, sent: Any) -> str | None:
        entity_id = present(sent.entity_id)
        return self._entities[incoming.customer.pk, entity_id] if entity_id else None

    def _topup(
        self, batch: ImportBatch, incoming: Document, sent: schema.AutoTopup, ours: AutoTopup | None
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
        self, batch: ImportBatch, incoming: Document, sent: schema.SpendLimit, ours: SpendLimit | None
    ) -> dict[str, Any]:
        return {
            "feature_id": batch.feature_key(sent.feature_id),
            "entity_id": self._entity_key(incoming, sent),
            "enabled": present(sent.enabled),
            "limit_type": present(sent.limit_type) or "",
            "overage_limit": present(sent.overage_limit),
            "skip_overage_billing": present(sent.skip_overage_billing),
        }

    def _usage_limit(
        self, batch: ImportBatch, incoming: Document, sent: schema.UsageLimit, ours: UsageLimit | None
    ) -> dict[str, Any]:
        reported = present(sent.usage)
        reported_at = None if reported is None else batch.now
        if ours is not None and reported == self._used.get(str(ours.pk)):
            # Our own count, such as from an export of ours: what it was counted from stays.
            reported, reported_at = ours.reported, ours.reported_at
        return {
            "feature_id": batch.feature_key(sent.feature_id),
            "entity_id": self._entity_key(incoming, sent),
            "limit": sent.limit,
            "interval": sent.interval,
            "enabled": present(sent.enabled),
            "anchor": present(sent.anchor) or "",
            "filter": present(sent.filter),
            "reported": reported,
            "reported_at": reported_at,
        }

    def _usage_alert(
        self, batch: ImportBatch, incoming: Document, sent: schema.UsageAlert, ours: UsageAlert | None
    ) -> dict[str, Any]:
        return {
            "feature_id": batch.feature_key(sent.feature_id),
            "entity_id": self._entity_key(incoming, sent),
            "threshold": sent.threshold,
            "threshold_type": sent.threshold_type,
            "enabled": present(sent.enabled),
            "basis": present(sent.basis) or "",
            "filter": present(sent.filter),
            "name": present(sent.name),
        }

    def _overage_allowed(
        self,
        batch: ImportBatch,
        incoming: Document,
        sent: schema.OverageAllowed,
        ours: OverageAllowed | None,
    ) -> dict[str, Any]:
        return {
            "feature_id": batch.feature_key(sent.feature_id),
            "entity_id": self._entity_key(incoming, sent),
            "enabled": present(sent.enabled),
        }


def _entities(batch: ImportBatch) -> dict[tuple[str, str], str]:
    """The keys of the entities that controls name, by customer and entity ID; unknown ones are created."""
    naming = [incoming for incoming in batch.incoming if _with_entity(incoming.document)]
    if not naming:
        return {}
    found = {
        (str(entity.customer_id), entity.entity_id or str(entity.pk)): str(entity.pk)
        for entity in rows_at_origin(Entity.objects.all(), naming)
    }
    new = []
    for incoming in naming:
        for entity_id in _with_entity(incoming.document):
            if (incoming.customer.pk, entity_id) not in found:
                entity = Entity(
                    customer=incoming.customer,
                    came_with_id=incoming.came_with_id,
                    entity_id=entity_id,
                    env=incoming.document.env,
                    imported=True,
                    # The document lists the entities that there are.
                    removed_at=None if incoming.document.entities is UNSET else batch.now,
                )
                found[incoming.customer.pk, entity_id] = str(entity.pk)
                new.append(entity)
    create_rows(new, batch.reason)
    return found


def _used(batch: ImportBatch) -> dict[str, Decimal | None]:
    """What is used now of the usage limits that the customers have, by the key of the limit."""
    naming = [incoming for incoming in batch.incoming if _controls(incoming.document, "usage_limits")]
    if not naming:
        return {}
    known = list(rows_at_origin(UsageLimit.objects.filter(imported=True), naming))
    return used_of_limits(known, batch.now)


def _key_of_item(sent: Any) -> tuple[Any, ...]:
    return present(sent.feature_id), present(sent.entity_id)


def _key_of_row(row: Any) -> tuple[Any, ...]:
    entity = row.entity
    return row.feature and row.feature.feature_id, entity and (entity.entity_id or str(entity.pk))
