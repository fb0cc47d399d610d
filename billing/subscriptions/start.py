"""Start subscriptions and purchases: grants, flags, the trial, the first invoice."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from billing.ledger.entries import FigureChange
from billing.models import (
    Entity,
    Feature,
    Grant,
    Plan,
    PlanItem,
    Posting,
    Purchase,
    Subscription,
    SubscriptionPhase,
    TrialUsed,
)
from billing.models.figures import BillingMethod
from billing.rules.figures import included_grant
from billing.rules.intervals import is_made_of_months, step
from billing.subscriptions.charges import (
    interval_of,
    once_lines,
    recurring_lines,
    request_invoice,
    stored_price,
)
from billing.subscriptions.cycles import align_cycles
from billing.subscriptions.flags import raise_flag
from billing.subscriptions.unit_of_work import UnitOfWork

_ZERO = Decimal(0)


def new_subscription(
    work: UnitOfWork,
    plan: Plan,
    quantity: Decimal,
    bought: dict[str, str],
    entity: Entity | None,
    at: datetime,
    currency: str,
) -> Subscription:
    """A subscription that is scheduled for `at`, not in the unit of work yet. `bought` has whole packs, in units."""
    subscription = Subscription(
        customer=work.customer,
        came_with_id=None if entity is None else entity.came_with_id,
        entity=entity,
        plan=plan,
        status=Subscription.Status.SCHEDULED,
        add_on=plan.add_on,
        auto_enable=plan.auto_enable,
        quantity=quantity,
        currency=currency,
        started_at=at,
        prepaid_quantities=bought,
        billed_here=True,
        position=len(work.subscriptions),
    )
    subscription.subscription_id = str(subscription.pk)
    return subscription


def begin(
    work: UnitOfWork, subscription: Subscription, at: datetime, *, trial_ends_at: datetime | None = None
) -> None:
    """Start a subscription: it grants from `at` on, and is billed unless a trial until `trial_ends_at` comes first."""
    items = work.plan_items.of(str(subscription.plan_id))
    subscription.status = Subscription.Status.ACTIVE
    subscription.started_at = at
    every = interval_of(subscription.plan, items)
    if trial_ends_at is not None:
        subscription.trial_ends_at = trial_ends_at
        subscription.current_period_start, subscription.current_period_end = at, trial_ends_at
        note_trial(work, subscription)
    elif every is not None:
        subscription.current_period_start, subscription.current_period_end = at, step(at, *every)
    work.change(subscription)
    note_phase(work, subscription, at, "Attached")
    grant_items(work, subscription, at, subscription.prepaid_quantities)
    if trial_ends_at is None:
        bill_start(work, subscription, at)


def anchor_days_of(subscription: Subscription, due: datetime) -> list[int | None]:
    """Candidates for the anchor day of a subscription's event at `due`, the most certain first.

    After a trial, periods count from the trial's end.
    """
    own = [subscription.started_at, subscription.current_period_start]
    tried = subscription.trial_ends_at
    origins = own if tried is None or tried > due else [tried, *own]
    return [subscription.anchor_day, *(None if origin is None else origin.day for origin in origins)]


def begin_purchase(work: UnitOfWork, purchase: Purchase) -> None:
    """Grant and bill what was bought, at the moment for which it was bought."""
    purchase.scheduled = False
    work.change(purchase)
    bought = purchase.prepaid_quantities
    grant_items(work, purchase, purchase.started_at, bought)
    lines = once_lines(work, purchase, purchase.quantity, bought)
    request_invoice(work, purchase, purchase.started_at, lines)


def begin_grant(work: UnitOfWork, grant: Grant) -> None:
    """Start a scheduled grant at the moment for which it was scheduled, as who scheduled it wanted."""
    amount, grant.scheduled_amount = grant.scheduled_amount or _ZERO, None
    if grant.reset_interval:
        grant.next_reset_at = step(grant.created_at, grant.reset_interval, grant.reset_interval_count or 1)
    work.book.touch(grant)
    work.post(
        Posting.Kind.GRANT,
        grant.created_at,
        [FigureChange(grant, "included_grant", amount)],
        feature_id=work.feature_id_of(grant),
        entity_id=grant.entity_id,
        reason=grant.scheduled_reason or "Scheduled grant",
        done_by=grant.scheduled_by,
    )


def note_trial(work: UnitOfWork, subscription: Subscription) -> None:
    """Add the trial to the customer's trial history."""
    work.trials.append(
        TrialUsed(
            customer=work.customer,
            came_with_id=subscription.came_with_id,
            plan=subscription.plan,
            customer_external_id=work.customer.external_id or str(work.customer.pk),
            fingerprint=work.customer.fingerprint or None,
        )
    )


def note_phase(work: UnitOfWork, subscription: Subscription, at: datetime, reason: str) -> None:
    """Note what the subscription is from `at` on."""
    if subscription.billed_here:
        work.change(
            SubscriptionPhase(
                subscription=subscription,
                plan=subscription.plan,
                quantity=subscription.quantity,
                currency=subscription.currency,
                prepaid_quantities=subscription.prepaid_quantities,
                starts_at=at,
                reason=reason,
            )
        )


def bill_start(work: UnitOfWork, subscription: Subscription, at: datetime) -> None:
    """Bill the start of a subscription, or of the paid period after its trial."""
    lines = once_lines(work, subscription, subscription.quantity, subscription.prepaid_quantities)
    start, end = subscription.current_period_start, subscription.current_period_end
    if start is not None and end is not None:
        lines += recurring_lines(work, subscription, (start, end))
    lines += align_cycles(work, subscription, at)
    request_invoice(work, subscription, at, lines, (start, end))


def grant_items(
    work: UnitOfWork,
    source: Subscription | Purchase,
    at: datetime,
    prepaid: dict[str, str],
    anchor: int | None = None,
) -> None:
    """Make grants and flags of the plan's items. Resets keep to the day `anchor`, or else to the day of `at`."""
    for item in work.plan_items.of(str(source.plan_id)):
        if item.feature.type == Feature.Type.BOOLEAN:
            raise_flag(work, item, source)
        else:
            bought = Decimal(prepaid.get(item.feature.feature_id, 0))
            is_anchored = anchor is not None and is_made_of_months(item.reset_interval)
            grant_item(work, item, source, at, bought, anchor if is_anchored else None)


def grant_item(
    work: UnitOfWork,
    item: PlanItem,
    source: Subscription | Purchase,
    at: datetime,
    bought: Decimal,
    anchor: int | None = None,
) -> Grant:
    """Make the grant of a plan's item, with `bought` prepaid units. What is not consumed is never reset.

    A pooled item of an entity's plan is granted to the customer as a whole.
    """
    is_reset = item.reset_interval and item.feature.consumable
    balance, currency = work.balance_for(item.feature, source), source.billing_currency
    price = stored_price(item, source.plan, currency)
    grant = Grant(
        balance=balance,
        entity=None if item.pooled else source.entity,
        plan=source.plan,
        position=sum(each.balance_id == balance.pk for each in work.grants.values()),
        unlimited=item.unlimited,
        reset_interval=item.reset_interval,
        reset_interval_count=item.reset_interval_count,
        next_reset_at=step(at, item.reset_interval, item.reset_interval_count or 1, anchor)
        if is_reset
        else None,
        anchor_day=anchor,
        currency=currency,
        price_amount=price.amount,
        price_tiers=price.tiers,
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
    if item.expiry_unit and grant.next_reset_at is None:
        ends = step(at, item.expiry_unit, item.expiry_length or 1)
        grant.expires_at = min(filter(None, (ends, grant.expires_at)), default=None)
    work.grants[str(grant.pk)] = grant
    work.book.touch(grant)
    if item.billing_method == BillingMethod.USAGE_BASED and not balance.overage_allowed:
        balance.overage_allowed = True
        work.change(balance)
    work.post(
        Posting.Kind.GRANT,
        at,
        [
            FigureChange(grant, "included_grant", included_grant(item.included, source.quantity)),
            FigureChange(
                grant, "prepaid_grant", bought if item.billing_method == BillingMethod.PREPAID else _ZERO
            ),
        ],
        feature_id=str(item.feature_id),
        entity_id=grant.entity_id,
        reason=f"{source.plan} started",
    )
    return grant
