"""Renders customers as billing documents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET

from billing.document import schema
from billing.document.renderer.balances import render_balances, render_flags
from billing.document.renderer.controls import render_controls
from billing.document.renderer.rows import BillingRows, fetch_rows
from billing.document.renderer.scalars import (
    choice,
    moment,
    nullable_figure,
    nullable_moment,
)
from billing.models import (
    Discount,
    Entity,
    Invoice,
    License,
    Purchase,
    Referral,
    Subscription,
    TrialUsed,
)
from billing.rules.money import from_minor
from customers import clock
from customers.ingest.accounts import as_their_records_say
from customers.json_types import Link, Number
from customers.models import Customer, Source


def render_customers(
    customers: Sequence[Customer], expand: Collection[str] = frozenset(), *, at: datetime | None = None
) -> list[schema.BillingCustomer]:
    """The billing document of each customer, in order, as of `at` (default: now).

    Expandable keys are included only if `expand` names them. Empty lists are included. The number of queries
    doesn't depend on how many customers there are.
    """
    rows = fetch_rows(customers, expand, at or clock.now())
    return [render_customer(customer, rows) for customer in customers]


def render_accounts(accounts: Sequence[Customer], expand: Collection[str]) -> list[schema.BillingCustomer]:
    """The billing document of the account of each of these customers, merged or not, as `render_customers`."""
    rows = fetch_rows(accounts, expand, clock.now(), apart=True)
    return [render_customer(account, rows) for account in as_their_records_say(accounts, Source.BILLING)]


def render_customer(customer: Customer, rows: BillingRows) -> schema.BillingCustomer:
    account = rows.accounts.get(customer.pk)
    return schema.BillingCustomer(
        id=customer.external_id,
        name=customer.name or None,
        email=customer.email or None,
        created_at=moment(account.created_at if account else customer.created_at),
        fingerprint=customer.fingerprint or None,
        stripe_id=customer.stripe_id,
        env=choice(customer.env),
        metadata=account.metadata if account else {},
        send_email_receipts=account.send_email_receipts if account else False,
        billing_controls=render_controls(customer, rows),
        subscriptions=[_subscription(row, rows) for row in rows.subscriptions[customer.pk]],
        purchases=[_purchase(row, rows) for row in rows.purchases[customer.pk]],
        licenses=[_license(row, rows) for row in rows.licenses[customer.pk]],
        balances=render_balances(customer, rows),
        flags=render_flags(customer, rows),
        **_on_request(customer, rows),
    )


def _on_request(customer: Customer, rows: BillingRows) -> dict[str, Any]:
    """The keys that are included only when expanded."""
    found: dict[str, Any] = {}
    if "invoices" in rows.expand:
        found["invoices"] = [_invoice(row) for row in rows.invoices[customer.pk]]
    if "entities" in rows.expand:
        found["entities"] = [_entity(row, rows) for row in rows.entities[customer.pk]]
    if "trials_used" in rows.expand:
        found["trials_used"] = [_trial(row, rows) for row in rows.trials_used[customer.pk]]
    if "rewards" in rows.expand:
        discounts = [_discount(row) for row in rows.discounts[customer.pk]]
        found["rewards"] = schema.Rewards(discounts=discounts) if discounts else None
    if "referrals" in rows.expand:
        found["referrals"] = [_referral(row) for row in rows.referrals[customer.pk]]
    if "payment_method" in rows.expand:
        account = rows.accounts.get(customer.pk)
        found["payment_method"] = account.payment_method if account else None
    return found


def _subscription(row: Subscription, rows: BillingRows) -> schema.Subscription:
    return schema.Subscription(
        id=row.subscription_id,
        plan_id=rows.plan_ids[row.plan_id],
        auto_enable=row.auto_enable,
        add_on=row.add_on,
        status=choice(row.status),
        past_due=row.past_due,
        canceled_at=nullable_moment(row.canceled_at),
        expires_at=nullable_moment(row.expires_at),
        trial_ends_at=nullable_moment(row.trial_ends_at),
        started_at=moment(row.started_at),
        current_period_start=nullable_moment(row.current_period_start),
        current_period_end=nullable_moment(row.current_period_end),
        quantity=schema.NonNegative(row.quantity),
        plan=rows.plan(row.plan_id, "subscriptions.plan"),
    )


def _purchase(row: Purchase, rows: BillingRows) -> schema.Purchase:
    return schema.Purchase(
        plan_id=rows.plan_ids[row.plan_id],
        started_at=moment(row.started_at),
        expires_at=nullable_moment(row.expires_at),
        quantity=schema.NonNegative(row.quantity),
        plan=rows.plan(row.plan_id, "purchases.plan"),
    )


def _license(row: License, rows: BillingRows) -> schema.License:
    return schema.License(
        license_plan_id=rows.plan_ids[row.license_plan_id],
        parent_plan_id=rows.plan_ids[row.parent_plan_id],
        license_plan_name=row.license_plan_name,
        granted=schema.NonNegative(row.granted),
        usage=schema.NonNegative(row.usage),
        remaining=schema.NonNegative(row.remaining),
        paid_quantity=schema.NonNegative(row.paid_quantity),
    )


def _invoice(row: Invoice) -> schema.Invoice:
    return schema.Invoice(
        plan_ids=row.plan_ids,
        stripe_id=row.shown_id,
        status=row.status,
        total=Number(from_minor(row.total, row.currency)),
        currency=schema.Currency(row.currency_as_sent or row.currency.lower()),
        created_at=moment(row.created_at),
        hosted_invoice_url=None if row.hosted_invoice_url is None else Link(row.hosted_invoice_url),
    )


def _entity(row: Entity, rows: BillingRows) -> schema.Entity:
    return schema.Entity(
        id=row.entity_id,
        name=row.name,
        customer_id=row.customer_external_id,
        feature_id=rows.feature_ids[row.feature_id] if row.feature_id else None,
        created_at=moment(row.created_at),
        env=choice(row.env),
    )


def _trial(row: TrialUsed, rows: BillingRows) -> schema.TrialUsed:
    return schema.TrialUsed(
        plan_id=rows.plan_ids[row.plan_id],
        customer_id=row.customer_external_id,
        fingerprint=row.fingerprint,
    )


def _discount(row: Discount) -> schema.Discount:
    return schema.Discount(
        id=row.discount_id,
        name=row.name,
        type=choice(row.type),
        discount_value=schema.NonNegative(row.discount_value),
        duration_type=choice(row.duration_type),
        duration_value=nullable_figure(row.duration_value),
        currency=None if row.currency is None else schema.Currency(row.currency),
        start=nullable_moment(row.start),
        end=nullable_moment(row.end),
        subscription_id=row.subscription_id,
        total_discount_amount=nullable_figure(row.total_discount_amount),
    )


def _referral(row: Referral) -> schema.Referral:
    return schema.Referral(
        program_id=row.program_id,
        customer=schema.ReferredCustomer(
            id=row.referred_id, name=row.referred_name, email=row.referred_email
        ),
        reward_applied=row.reward_applied,
        created_at=moment(row.created_at),
    )


def _optional(value: Any) -> Any:
    return UNSET if value is None else value
