"""Grant a customer an amount of a feature, outside any plan."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.ledger.entries import FigureChange, PostingDraft, locked_balances, post
from billing.models import Balance, Entity, Feature, Grant, Posting
from billing.models.figures import Interval
from billing.rules.figures import amount_problem
from billing.rules.intervals import step
from billing.rules.moments import is_ahead
from customers import clock
from customers.audit.record import audit
from customers.bulk import create_rows
from customers.models import AuditAction, Customer


class CannotGrant(Exception):
    """Nothing was granted; the message is a sentence that says why."""


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
    balance: Balance | None = None,
    unlimited: bool = False,
    at: datetime | None = None,
    reason: str = "",
) -> Grant:
    """Make a standalone grant from `at` on (None: now), and a balance if the customer has none.

    A later `at` schedules the grant: it counts from then on.

    With an `interval`, the grant is refilled every `interval_count` intervals, the first time one such span after `at`. A
    grant for an entity can only be used by that entity. `balance` is the balance that gets the grant, for a customer with
    several of the feature. For a merged customer, the merge survivor gets the grant. Raises `CannotGrant`.
    """
    now = clock.now()
    at = at or now
    is_later = is_ahead(at, now)
    if is_later and unlimited:
        raise CannotGrant(
            "Enter an amount, or grant it when it starts. An unlimited grant can't be scheduled."
        )
    every = interval_count or 1
    _check(feature, amount, interval, interval_count, expires_at, at)
    customer = _locked(customer)
    if entity is not None:
        # The entity may have moved to the customer in a merge after it was read.
        entity.refresh_from_db(fields=["customer", "came_with", "removed_at"])
    if entity is not None and (entity.customer_id != customer.pk or entity.removed_at is not None):
        raise CannotGrant(f"{customer} has no entity {entity}.")
    came_with_id = None if balance is None else balance.came_with_id
    found = _balance(customer, feature, came_with_id if entity is None else entity.came_with_id)
    if balance is not None and found.pk != balance.pk:
        raise CannotGrant("Choose another account. This one moved when a merge was undone.")
    balance = found
    row = Grant(
        balance=balance,
        included_grant=Decimal(0),
        entity=entity,
        position=balance.grants.filter(ended_at=None).count(),
        unlimited=unlimited,
        reset_interval=interval,
        reset_interval_count=interval_count if interval else None,
        scheduled_amount=amount if is_later else None,
        scheduled_by=done_by if is_later else "",
        scheduled_reason=reason if is_later else "",
        next_reset_at=step(at, interval, every) if interval and not is_later else None,
        expires_at=expires_at,
        created_at=at,
    )
    row.grant_id = str(row.pk)
    first = PostingDraft(
        customer_id=str(customer.pk),
        kind=Posting.Kind.GRANT,
        occurred_at=at,
        done_by=done_by,
        changes=[FigureChange(row, "included_grant", amount)],
        reason=reason,
        feature_id=str(feature.pk),
        entity_id=None if entity is None else str(entity.pk),
        amount=amount,
    )
    if is_later:
        create_rows([row], reason)
    else:
        post(first, touched=[row])
    audit(
        AuditAction.BALANCE_ADJUSTED,
        str(customer.pk),
        str(row.pk),
        details={"reason": reason},
        verb="granted",
    )
    return row


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
            f"{feature} is an on/off feature, so it has no amount. Attach a plan that includes it."
        )
    if problem := amount_problem(amount):
        raise CannotGrant(problem)
    if amount < 0:
        raise CannotGrant("Enter an amount of 0 or more to grant.")
    if interval and (interval not in Interval.values or interval == Interval.MULTIPLE):
        known = ", ".join(value for value in Interval.values if value != Interval.MULTIPLE)
        raise CannotGrant(f"{interval!r} is not an interval. Choose one of {known}.")
    if interval_count is not None and (not interval or interval_count < 1):
        raise CannotGrant("Enter an interval count of 1 or more, together with an interval.")
    if expires_at is not None and expires_at <= at:
        raise CannotGrant("Enter an expiry after the start of the grant, or leave it out.")


def _locked(customer: Customer) -> Customer:
    """The customer, or its merge survivor, locked until the transaction ends."""
    key = customer.pk
    while True:
        found = Customer.objects.select_for_update(no_key=True).get(pk=key)
        if found.merged_into_id is None:
            return found
        key = found.merged_into_id


def _balance(customer: Customer, feature: Feature, came_with_id: str | None) -> Balance:
    """The balance of the feature in one of the customer's accounts, locked; created if there is none."""
    for balance in locked_balances([str(customer.pk)], [str(feature.pk)]):
        if balance.came_with_id == came_with_id:
            if balance.removed_at is not None:
                balance.removed_at = None
                balance.save(update_fields=["removed_at"])
            return balance
    return Balance.objects.create(
        customer=customer,
        came_with_id=came_with_id,
        feature=feature,
        position=Balance.objects.filter(customer=customer).count(),
    )
