"""What begins with a plan: its grants, its flags, its trial and its first invoice."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from billing.figures import included_grant
from billing.intervals import step
from billing.ledger import Change
from billing.models import Feature, Grant, PlanItem, Posting, Purchase, Subscription, TrialUsed
from billing.models.figures import BillingMethod
from billing.subscribing.account import Account
from billing.subscribing.carrying import carry_usage
from billing.subscribing.charging import add_bill, interval_of, once_lines, recurring_lines
from billing.subscribing.flags import raise_flag

_ZERO = Decimal(0)


def begin(
    account: Account, subscription: Subscription, at: datetime, *, trial_ends_at: datetime | None = None
) -> None:
    """Make a subscription active: it grants from `at` on and is billed, or tried until `trial_ends_at` first."""
    items = account.catalogue.items(str(subscription.plan_id))
    subscription.status = Subscription.Status.ACTIVE
    subscription.started_at = at
    every = interval_of(subscription.plan, items)
    if trial_ends_at is not None:
        subscription.trial_ends_at = trial_ends_at
        subscription.current_period_start, subscription.current_period_end = at, trial_ends_at
        note_trial(account, subscription)
    elif every is not None:
        subscription.current_period_start = at
        subscription.current_period_end = step(at, *every)
    account.change(subscription)
    grant_items(account, subscription, at, subscription.prepaid_quantities)
    if subscription.follows_id is not None:
        carry_usage(account, subscription, at, is_same_plan=False)
    if trial_ends_at is None:
        bill_start(account, subscription, at)


def note_trial(account: Account, subscription: Subscription) -> None:
    """Remember that the customer tries the plan."""
    account.trials.append(
        TrialUsed(
            customer=account.customer,
            plan=subscription.plan,
            customer_external_id=account.customer.external_id or str(account.customer.pk),
            fingerprint=account.customer.fingerprint or None,
        )
    )


def bill_start(account: Account, subscription: Subscription, at: datetime) -> None:
    """Bill what is due when a subscription begins, or when its trial has ended."""
    lines = once_lines(account, subscription, subscription.prepaid_quantities)
    start, end = subscription.current_period_start, subscription.current_period_end
    if start is not None and end is not None:
        lines += recurring_lines(account, subscription, (start, end))
    add_bill(account, subscription, at, lines, (start, end))


def grant_items(
    account: Account, source: Subscription | Purchase, at: datetime, prepaid: dict[str, str]
) -> None:
    """Turn the items of a plan into grants and flags."""
    for item in account.catalogue.items(str(source.plan_id)):
        if item.feature.type == Feature.Type.BOOLEAN:
            raise_flag(account, item, source)
        else:
            _grant(account, item, source, at, Decimal(prepaid.get(item.feature.feature_id, 0)))


def _grant(
    account: Account, item: PlanItem, source: Subscription | Purchase, at: datetime, bought: Decimal
) -> None:
    balance = account.balance_of(item.feature)
    grant = Grant(
        balance=balance,
        entity=source.entity,
        plan=source.plan,
        position=sum(each.balance_id == balance.pk for each in account.grants.values()),
        unlimited=item.unlimited,
        reset_interval=item.reset_interval,
        reset_interval_count=item.reset_interval_count,
        next_reset_at=step(at, item.reset_interval, item.reset_interval_count or 1)
        if item.reset_interval
        else None,
        price_amount=item.price_amount,
        price_tiers=item.price_tiers,
        price_tier_behavior=item.price_tier_behavior,
        billing_units=item.billing_units,
        billing_method=item.billing_method,
        max_purchase=item.max_purchase,
        created_at=at,
    )
    grant.grant_id = str(grant.pk)
    if isinstance(source, Subscription):
        grant.subscription = source
    else:
        grant.purchase = source
        grant.expires_at = source.expires_at
    account.grants[str(grant.pk)] = grant
    account.book.touch(grant)
    if item.billing_method == BillingMethod.USAGE_BASED and not balance.overage_allowed:
        balance.overage_allowed = True
        account.change(balance)
    account.post(
        Posting.Kind.GRANT,
        at,
        [
            Change(grant, "included_grant", included_grant(item.included, source.quantity)),
            Change(grant, "prepaid_grant", bought if item.billing_method == BillingMethod.PREPAID else _ZERO),
        ],
        feature_id=str(item.feature_id),
        entity_id=source.entity_id,
        reason=f"{source.plan} began",
    )
