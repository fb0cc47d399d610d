"""The importer of billing documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, structs

from billing.document import schema
from billing.document.importer.account import apply_accounts, apply_entities
from billing.document.importer.balances import apply_balances, apply_flags
from billing.document.importer.batch import ImportBatch
from billing.document.importer.catalog import PlanName, features_of, present, upsert_features, upsert_plans
from billing.document.importer.controls import apply_controls
from billing.document.importer.currencies import note_currencies
from billing.document.importer.invoices import apply_invoices
from billing.document.importer.promotions import apply_promotions
from billing.document.importer.subscriptions import apply_licenses, apply_subscriptions
from billing.document.schema import BillingCustomer, parse_customer
from customers import clock
from customers.ingest.importer import Incoming
from customers.ingest.matching import Identity
from customers.ingest.signs import Signs
from customers.json_types import Remark, to_epoch_ms
from customers.json_types.keys import snake_case
from customers.models import Source

# The length of the column for a source ID.
_LONGEST_SOURCE_ID = 400


class BillingImporter:
    source = Source.BILLING.value

    def parse(self, value: object) -> tuple[BillingCustomer, list[Remark]]:
        """The document, with balances corrected to the sums of their rows, and a remark on each correction."""
        return parse_customer(value)

    def spelled(self, value: Any) -> Any:
        return snake_case(BillingCustomer, value)

    def identify(self, document: BillingCustomer) -> Identity:
        """A billing customer is identified by its ID, else its Stripe ID, its email, or its creation time and name."""
        own_id, stripe_id, email = present(document.id), present(document.stripe_id), present(document.email)
        return Identity(
            source=self.source,
            env=document.env,
            source_id=own_id or _replacement_id(document, stripe_id, email),
            has_own_id=own_id is not None,
            external_id=own_id,
            stripe_id=stripe_id,
            email=email or "",
            names=(own_id,) if own_id else (),
            signs=Signs(names=frozenset(filter(None, [present(document.name)]))),
        )

    def shown(self, document: BillingCustomer) -> BillingCustomer:
        """Without grants and rollovers that expired before they came, and without rewards that hold nothing."""
        changes: dict[str, Any] = {}
        if document.rewards and not document.rewards.discounts:
            changes["rewards"] = None
        if document.balances:
            now = clock.now()
            changes["balances"] = {key: balance.counted(now) for key, balance in document.balances.items()}
        return structs.replace(document, **changes)

    def claims(self, document: BillingCustomer) -> dict[str, Any]:
        """The values in the document.

        Null removes a Stripe ID or a fingerprint, but never an external ID.
        """
        values = {
            name: getattr(document, name)
            for name in ("name", "email", "stripe_id", "fingerprint", "created_at")
        }
        values["external_id"] = UNSET if document.id is None else document.id
        return {name: value for name, value in values.items() if value is not UNSET}

    def apply(self, batch: list[Incoming[BillingCustomer]], reason: str) -> None:
        """Write everything in the documents; a list that is absent stays unchanged."""
        documents = [incoming.document for incoming in batch]
        plans = [plan for document in documents for plan in _plans_in(document)]
        described = [feature for plan in plans for feature in features_of(plan)]
        features = upsert_features(
            [*described, *(feature for document in documents for feature in _features_in(document))],
            reason,
            [name for document in documents for name in _feature_names(document)]
            + [item.feature_id for plan in plans for item in plan.items],
        )
        versions = upsert_plans(
            plans, features, reason, [name for document in documents for name in _plan_names(document)]
        )
        taking = ImportBatch(batch, reason, clock.now(), features, versions)
        apply_accounts(taking)
        apply_entities(taking)
        apply_subscriptions(taking)
        apply_licenses(taking)
        apply_balances(taking)
        apply_flags(taking)
        apply_invoices(taking)
        note_currencies(taking)
        apply_promotions(taking)
        apply_controls(taking)


def _replacement_id(document: BillingCustomer, stripe_id: str | None, email: str | None) -> str:
    if stripe_id:
        return f"stripe:{stripe_id}"
    if email:
        return f"email:{email}"
    made = "" if document.created_at is UNSET else to_epoch_ms(document.created_at)
    return f"created:{made}:{present(document.name) or ''}"[:_LONGEST_SOURCE_ID]


def _plans_in(document: BillingCustomer) -> Iterator[schema.Plan]:
    for each in (*(document.subscriptions or ()), *(document.purchases or ())):
        if each.plan is not UNSET:
            yield each.plan


def _features_in(document: BillingCustomer) -> Iterator[schema.Feature]:
    holders: list[schema.Balance | schema.Flag] = [
        *(document.balances or {}).values(),
        *(document.flags or {}).values(),
    ]
    for each in holders:
        if each.feature is not UNSET:
            yield each.feature


def _feature_names(document: BillingCustomer) -> Iterator[str]:
    yield from document.balances or ()
    yield from document.flags or ()
    controls = document.billing_controls or schema.BillingControls()
    for each in (
        *(document.entities or ()),
        *(controls.auto_topups or ()),
        *(controls.spend_limits or ()),
        *(controls.usage_limits or ()),
        *(controls.usage_alerts or ()),
        *(controls.overage_allowed or ()),
    ):
        if each.feature_id:
            yield each.feature_id


def _plan_names(document: BillingCustomer) -> Iterator[PlanName]:
    named: set[str | None] = set()
    named.update(each.plan_id for each in document.subscriptions or ())
    named.update(each.plan_id for each in document.purchases or ())
    named.update(each.plan_id for each in document.trials_used or ())
    named.update(each.plan_id for each in (document.flags or {}).values())
    for balance in (document.balances or {}).values():
        named.update(row.plan_id for row in balance.breakdown or ())
    for invoice in document.invoices or ():
        named.update(invoice.plan_ids)
    for seats in document.licenses or ():
        named |= {seats.license_plan_id, seats.parent_plan_id}
    for plan_id in named:
        if plan_id is not None:
            yield document.env, plan_id
