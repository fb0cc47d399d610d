"""Imports trial history, discounts and referrals."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from billing.document import schema
from billing.document.importer.batch import ImportBatch, ListMapping, listed
from billing.document.schema import BillingCustomer
from billing.models import Discount, Referral, TrialUsed
from customers.ingest.importer import Incoming

Document = Incoming[BillingCustomer]


def apply_promotions(batch: ImportBatch) -> None:
    _TRIALS.sync(batch, listed(batch, lambda document: document.trials_used))
    _DISCOUNTS.sync(batch, listed(batch, _discounts))
    _REFERRALS.sync(batch, listed(batch, lambda document: document.referrals))


def _discounts(document: BillingCustomer) -> Any:
    if document.rewards is UNSET:
        return UNSET
    return [] if document.rewards is None else document.rewards.discounts


def _trial(
    batch: ImportBatch, incoming: Document, sent: schema.TrialUsed, ours: TrialUsed | None
) -> dict[str, Any]:
    return {
        "plan_id": batch.plan_key(incoming, sent.plan_id, ours.plan if ours else None),
        "customer_external_id": sent.customer_id,
        "fingerprint": sent.fingerprint,
    }


def _discount(
    batch: ImportBatch, incoming: Document, sent: schema.Discount, ours: Discount | None
) -> dict[str, Any]:
    return {
        "discount_id": sent.id,
        "name": sent.name,
        "type": sent.type,
        "discount_value": sent.discount_value,
        "duration_type": sent.duration_type,
        "duration_value": sent.duration_value,
        "currency": None if sent.currency is None else str(sent.currency),
        "start": sent.start,
        "end": sent.end,
        "subscription_id": sent.subscription_id,
        "total_discount_amount": sent.total_discount_amount,
    }


def _referral(
    batch: ImportBatch, incoming: Document, sent: schema.Referral, ours: Referral | None
) -> dict[str, Any]:
    return {
        "program_id": sent.program_id,
        "referred_id": sent.customer.id,
        "referred_name": sent.customer.name,
        "referred_email": sent.customer.email,
        "reward_applied": sent.reward_applied,
        "created_at": sent.created_at,
    }


_TRIALS = ListMapping[TrialUsed, schema.TrialUsed](
    model=TrialUsed,
    key_of_item=lambda sent: (sent.plan_id, sent.customer_id),
    key_of_row=lambda row: (row.plan.plan_id, row.customer_external_id),
    columns=_trial,
    is_shared=True,
    related=("plan",),
)
_DISCOUNTS = ListMapping[Discount, schema.Discount](
    model=Discount,
    key_of_item=lambda sent: sent.id,
    key_of_row=lambda row: row.discount_id,
    columns=_discount,
    is_shared=True,
)
_REFERRALS = ListMapping[Referral, schema.Referral](
    model=Referral,
    key_of_item=lambda sent: (sent.program_id, sent.customer.id),
    key_of_row=lambda row: (row.program_id, row.referred_id),
    columns=_referral,
)
