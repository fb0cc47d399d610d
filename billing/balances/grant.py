"""Grant a customer something of a feature, outside any plan."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.ledger.drawable_balances import drawable_balances_of
from billing.ledger.entries import FigureChange, PostingDraft, locked_balances, post
from billing.models import Balance, Entity, Feature, Grant, Posting
from billing.models.figures import UPPER_BOUND, Interval
from billing.rules.figures import Figures, figures_of
from billing.rules.intervals import step
from customers import clock
from customers.json_types import DECIMALS
from customers.models import Customer


class CannotGrant(Exception):
    """Nothing was granted; the message says why."""


@transaction.atomic
def grant(
    customer: Customer,
    feature: Feature,
    amount: Decimal,
    *,
    done_by: str,
    interval: str = "",
    interval_count: int | None = None,
    expires_at: datetime | None = None,
    entity: Entity | None = None,
    unlimited: bool = False,
    at: datetime | None = None,
    reason: str = "",
) -> Grant:
    """Make a grant of its own, from `at` on (None: now), and the balance if the customer has none.

    With an `interval` it is refilled every `interval_count` of them, first one of these after `at`. An entity's
    grant serves that entity alone. A merged customer's is its survivor's. Raises `CannotGrant`.
    """
    at = at or clock.now()
    every = interval_count or 1
    _check(feature, amount, interval, interval_count, expires_at, at)
    customer = _locked(customer)
    if entity is not None:
        # It may have come to the customer by a merge since it was read.
        entity.refresh_from_db(fields=["customer", "removed_at"])
    if entity is not None and (entity.customer_id != customer.pk or entity.removed_at is not None):
        raise CannotGrant(f"{customer} does not have the entity {entity}.")
    balance = _balance(customer, feature)
    row = Grant(
        balance=balance,
        included_grant=Decimal(0),
        entity=entity,
        position=balance.grants.filter(ended_at=None).count(),
        unlimited=unlimited,
        reset_interval=interval,
        reset_interval_count=interval_count if interval else None,
        next_reset_at=step(at, interval, every) if interval else None,
        expires_at=expires_at,
        created_at=at,
    )
    row.grant_id = str(row.pk)
    post(
        PostingDraft(
            customer_id=str(customer.pk),
            kind=Posting.Kind.GRANT,
            occurred_at=at,
            done_by=done_by,
            changes=[FigureChange(row, "included_grant", amount)],
            reason=reason,
            feature_id=str(feature.pk),
            entity_id=None if entity is None else str(entity.pk),
            amount=amount,
        ),
        touched=[row],
    )
    return row


def figures_for(balance: Balance, at: datetime, entity: Entity | None = None) -> Figures:
    """The balance's figures at `at`; with an entity, what counts for it."""
    holding = drawable_balances_of(balance.customer_id, {balance.feature_id: None}, [balance])
    owners = {None} if entity is None else {None, str(entity.pk)}
    rows, rollovers = holding.drawable_grants(at), holding.drawable_rollovers(at)
    if entity is None:
        return figures_of(rows, rollovers)
    return figures_of(
        [row for row in rows if row.entity_id in owners],
        [rollover for rollover in rollovers if rollover.entity_id in owners],
    )


def _check(
    feature: Feature,
    amount: Decimal,
    interval: str,
    interval_count: int | None,
    expires_at: datetime | None,
    at: datetime,
) -> None:
    if feature.type == Feature.Type.BOOLEAN:
        raise CannotGrant(
            f"{feature} is a flag: it is on or off, and has no amount. A plan that includes it, or the admin, turns"
            " it on."
        )
    if not amount.is_finite() or not 0 <= amount < UPPER_BOUND or amount != amount.quantize(DECIMALS):
        raise CannotGrant(
            f"{amount} cannot be granted: expected a number that is not below 0, with at most 15 digits before the"
            " point and 10 after it."
        )
    if interval and (interval not in Interval.values or interval == Interval.MULTIPLE):
        known = ", ".join(value for value in Interval.values if value != Interval.MULTIPLE)
        raise CannotGrant(f"{interval!r} is not an interval: expected one of {known}.")
    if interval_count is not None and (not interval or interval_count < 1):
        raise CannotGrant("An interval count is 1 or more, and goes with an interval.")
    if expires_at is not None and expires_at <= at:
        raise CannotGrant("It would expire before it begins: let it expire later, or leave that out.")


def _locked(customer: Customer) -> Customer:
    """The customer, or the one it became part of, whom nobody else changes until the transaction ends."""
    key = customer.pk
    while True:
        found = Customer.objects.select_for_update(no_key=True).get(pk=key)
        if found.merged_into_id is None:
            return found
        key = found.merged_into_id


def _balance(customer: Customer, feature: Feature) -> Balance:
    """The customer's balance of the feature, locked; made if there is none."""
    found = locked_balances([str(customer.pk)], [str(feature.pk)])
    if found:
        [balance] = found
        if balance.removed_at is not None:
            balance.removed_at = None
            balance.save(update_fields=["removed_at"])
        return balance
    return Balance.objects.create(
        customer=customer, feature=feature, position=Balance.objects.filter(customer=customer).count()
    )
