"""Renders balances, with the figures of what counts now, and flags."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import UNSET

from billing.document import schema
from billing.document.renderer.catalog import price_arguments
from billing.document.renderer.rows import BillingRows
from billing.document.renderer.scalars import choice, nullable_figure, nullable_moment, optional_count
from billing.models import Balance, Grant, Rollover, Subscription
from billing.rules.exact import total
from billing.rules.figures import figures_of
from customers.json_types import Number
from customers.models import Customer, shown_once


def render_balances(customer: Customer, rows: BillingRows) -> dict[str, schema.Balance]:
    """The customer's balances by feature ID, by position, then by ID. Those of several accounts are added up.

    A balance that its source no longer lists is included while a grant or rollover in it counts.
    """
    together: dict[str, list[Balance]] = {}
    balances = sorted(
        rows.balances[customer.pk],
        key=lambda row: (row.came_with_id is not None, row.position, rows.feature_ids[row.feature_id]),
    )
    for balance in balances:
        together.setdefault(rows.feature_ids[balance.feature_id], []).append(balance)
    running = _running_plans(customer, rows)
    rendered = ((name, _together(same, running, rows)) for name, same in together.items())
    return {name: balance for name, balance in rendered if balance is not None}


def render_balance(customer: Customer, row: Balance, rows: BillingRows) -> schema.Balance | None:
    """One of the customer's balances; None if its source no longer lists it and nothing in it counts."""
    return _together([row], _running_plans(customer, rows), rows)


def render_flags(customer: Customer, rows: BillingRows) -> dict[str, schema.Flag]:
    """The customer's flags by feature ID."""
    return {
        rows.feature_ids[row.feature_id]: schema.Flag(
            id=row.flag_id,
            feature_id=rows.feature_ids[row.feature_id],
            plan_id=rows.plan_ids[row.plan_id] if row.plan_id else None,
            expires_at=nullable_moment(row.expires_at),
            feature=rows.feature(row.feature_id, "flags.feature"),
        )
        for row in shown_once(rows.flags[customer.pk], lambda row: row.feature_id)
    }


def _running_plans(customer: Customer, rows: BillingRows) -> set[str]:
    """The IDs of the plans that the customer has now."""
    active = [row for row in rows.subscriptions[customer.pk] if row.status == Subscription.Status.ACTIVE]
    bought = [
        row for row in rows.purchases[customer.pk] if row.expires_at is None or row.expires_at > rows.at
    ]
    return {rows.plan_ids[row.plan_id] for row in active} | {rows.plan_ids[row.plan_id] for row in bought}


def _counts(grant: Grant, running: set[str], rows: BillingRows) -> bool:
    """Whether the grant counts: its plan does, or its source still lists it."""
    return grant.imported or grant.plan_id is None or rows.plan_ids[grant.plan_id] in running


def _together(balances: Sequence[Balance], running: set[str], rows: BillingRows) -> schema.Balance | None:
    """The balances of one feature as one, except those that are not listed and hold nothing; None if none is left."""
    grants: list[Grant] = []
    rollovers: list[Rollover] = []
    shown: list[Balance] = []
    for balance in balances:
        counting = [grant for grant in rows.grants[balance.pk] if _counts(grant, running, rows)]
        if balance.removed_at is None or counting or rows.rollovers[balance.pk]:
            shown.append(balance)
            grants += counting
            rollovers += rows.rollovers[balance.pk]
    return _balance(shown, grants, rollovers, rows) if shown else None


def _overage_limit(balances: Sequence[Balance]) -> Decimal | None:
    """The most overage of the balances that allow it, together; None for no limit."""
    limits = [balance.max_purchase for balance in balances if balance.overage_allowed]
    if not limits:
        limits = [balances[0].max_purchase]
    return None if None in limits else total(limit for limit in limits if limit is not None)


def _balance(
    balances: Sequence[Balance], grants: list[Grant], rollovers: Sequence[Rollover], rows: BillingRows
) -> schema.Balance:
    row = balances[0]
    breakdown = [render_breakdown_row(grant, rows) for grant in grants]
    left_over = [render_rollover(rollover) for rollover in rollovers]
    figures = figures_of((each.figures() for each in breakdown), (each.figures() for each in left_over))
    return schema.Balance(
        feature_id=rows.feature_ids[row.feature_id],
        granted=Number(figures.granted),
        remaining=Number(figures.remaining),
        usage=Number(figures.usage),
        unlimited=figures.unlimited,
        overage_allowed=any(balance.overage_allowed for balance in balances),
        max_purchase=nullable_figure(_overage_limit(balances)),
        next_reset_at=nullable_moment(figures.next_reset_at),
        feature=rows.feature(row.feature_id, "balances.feature"),
        breakdown=breakdown,
        rollovers=left_over,
    )


def render_breakdown_row(grant: Grant, rows: BillingRows) -> schema.BreakdownRow:
    """A grant as a row of its balance's breakdown."""
    row = schema.BreakdownRow(
        id=grant.grant_id or UNSET,
        plan_id=rows.plan_ids[grant.plan_id] if grant.plan_id else None,
        included_grant=Number(grant.included_grant),
        prepaid_grant=schema.NonNegative(grant.prepaid_grant),
        remaining=Number(0),
        usage=Number(grant.usage),
        unlimited=grant.unlimited,
        reset=schema.Reset(
            interval=choice(grant.reset_interval),
            interval_count=optional_count(grant.reset_interval_count),
            resets_at=nullable_moment(grant.next_reset_at),
        )
        if grant.reset_interval
        else None,
        price=schema.RowPrice(**price_arguments(grant)) if grant.billing_method else None,
        expires_at=nullable_moment(grant.expires_at),
    )
    row.remaining = Number(row.figures().remaining)
    return row


def render_rollover(row: Rollover) -> schema.Rollover:
    """A rollover as the document shows it: `expires_at` 0 for one that never expires."""
    return schema.Rollover(
        granted=schema.NonNegative(row.granted),
        balance=schema.NonNegative(row.left),
        expires_at=schema.NEVER
        if row.expires_at is None
        else schema.Expiry.fromisoformat(row.expires_at.isoformat()),
    )
