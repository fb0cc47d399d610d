"""Renders billing controls."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from billing.document import schema
from billing.document.renderer.rows import BillingRows
from billing.document.renderer.scalars import choice, optional_count, optional_figure
from billing.models import AutoTopup, OverageAllowed, SpendLimit, UsageAlert, UsageLimit
from customers.models import Customer


def render_controls(customer: Customer, rows: BillingRows) -> schema.BillingControls:
    """The billing controls of a customer, with all lists; allocations only if there are some."""
    account = rows.accounts.get(customer.pk)
    shares = None if account is None else account.balance_allocations
    return schema.BillingControls(
        balance_allocations=UNSET if shares is None else [_allocation(each) for each in shares],
        auto_topups=[_topup(row, rows) for row in rows.auto_topups[customer.pk]],
        spend_limits=[_spend_limit(row, rows) for row in rows.spend_limits[customer.pk]],
        usage_limits=[_usage_limit(row, rows) for row in rows.usage_limits[customer.pk]],
        usage_alerts=[_usage_alert(row, rows) for row in rows.usage_alerts[customer.pk]],
        overage_allowed=[_overage_allowed(row, rows) for row in rows.overage_allowed[customer.pk]],
    )


def _allocation(stored: Any) -> schema.BalanceAllocation:
    return schema.BalanceAllocation(
        feature_id=stored["feature_id"],
        interval=stored["interval"],
        allocations=[
            schema.Allocation(entity_id=each["entity_id"], amount=schema.NonNegative(str(each["amount"])))
            for each in stored["allocations"]
        ],
    )


def _topup(row: AutoTopup, rows: BillingRows) -> schema.AutoTopup:
    return schema.AutoTopup(
        feature_id=rows.feature_ids[row.feature_id],
        threshold=schema.NonNegative(row.threshold),
        quantity=schema.NonNegative(row.quantity),
        enabled=_optional(row.enabled),
        purchase_limit=schema.PurchaseLimit(
            interval=choice(row.limit_interval),
            interval_count=optional_count(row.limit_interval_count),
            limit=schema.NonNegative(row.limit or 0),
        )
        if row.limit_interval
        else UNSET,
    )


def _spend_limit(row: SpendLimit, rows: BillingRows) -> schema.SpendLimit:
    return schema.SpendLimit(
        feature_id=rows.feature_ids[row.feature_id] if row.feature_id else UNSET,
        enabled=_optional(row.enabled),
        limit_type=choice(row.limit_type) if row.limit_type else UNSET,
        overage_limit=optional_figure(row.overage_limit),
        skip_overage_billing=_optional(row.skip_overage_billing),
        entity_id=_entity_id(row, rows),
    )


def _usage_limit(row: UsageLimit, rows: BillingRows) -> schema.UsageLimit:
    return schema.UsageLimit(
        feature_id=rows.feature_ids[row.feature_id],
        limit=schema.NonNegative(row.limit),
        interval=choice(row.interval),
        enabled=_optional(row.enabled),
        anchor=choice(row.anchor) if row.anchor else UNSET,
        filter=_optional(row.filter),
        usage=optional_figure(rows.used.get(str(row.pk))),
        entity_id=_entity_id(row, rows),
    )


def _overage_allowed(row: OverageAllowed, rows: BillingRows) -> schema.OverageAllowed:
    return schema.OverageAllowed(
        feature_id=rows.feature_ids[row.feature_id],
        enabled=_optional(row.enabled),
        entity_id=_entity_id(row, rows),
    )


def _usage_alert(row: UsageAlert, rows: BillingRows) -> schema.UsageAlert:
    return schema.UsageAlert(
        feature_id=rows.feature_ids[row.feature_id] if row.feature_id else UNSET,
        threshold=schema.NonNegative(row.threshold),
        threshold_type=choice(row.threshold_type),
        enabled=_optional(row.enabled),
        basis=choice(row.basis) if row.basis else UNSET,
        filter=_optional(row.filter),
        name=_optional(row.name),
        entity_id=_entity_id(row, rows),
    )


def _entity_id(
    row: OverageAllowed | SpendLimit | UsageAlert | UsageLimit, rows: BillingRows
) -> str | UnsetType:
    """The entity whose own the control is: its ID, or ours if it has none."""
    if row.entity_id is None:
        return UNSET
    return rows.entity_ids.get(row.entity_id) or row.entity_id


def _optional(value: Any) -> Any:
    return UNSET if value is None else value
