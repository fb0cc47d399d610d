"""Start subscriptions and purchases: grants, flags, the trial, the first invoice."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from billing.ledger.entries import FigureChange
from billing.models import Feature, Grant, PlanItem, Posting, Purchase, Rollover, Subscription, TrialUsed
from billing.models.figures import BillingMethod
from billing.rules.figures import included_grant
from billing.rules.intervals import anchor_day, is_made_of_months, step
from billing.subscriptions.carry_over import carry_extras, carry_usage, keep_resets
from billing.subscriptions.charges import interval_of, once_lines, recurring_lines, request_invoice
from billing.subscriptions.flags import raise_flag
from billing.subscriptions.unit_of_work import UnitOfWork

_ZERO = Decimal(0)


def begin(
    work: UnitOfWork,
    subscription: Subscription,
    at: datetime,
    *,
    trial_ends_at: datetime | None = None,
    freed: dict[str, list[Rollover]] | None = None,
) -> None:
    """Start a subscription: it grants from `at` on, and is billed unless a trial until `trial_ends_at` comes first.

    `freed` are the detached rollovers by grant ID, if it follows a subscription to the same plan.
    """
    items = work.plan_items.of(str(subscription.plan_id))
    subscription.status = Subscription.Status.ACTIVE
    subscription.started_at = at
    every = interval_of(subscription.plan, items)
    if trial_ends_at is not None:
        subscription.trial_ends_at = trial_ends_at
        subscription.current_period_start, subscription.current_period_end = at, trial_ends_at
        note_trial(work, subscription)
    elif every is not None:
        subscription.current_period_start = at
        anchor = _anchor_before(work, subscription, at) if is_made_of_months(every[0]) else None
        subscription.current_period_end = step(at, *every, anchor)
        subscription.anchor_day = anchor
    work.change(subscription)
    anchor_of_resets = None if trial_ends_at else _anchor_before(work, subscription, at)
    grant_items(work, subscription, at, subscription.prepaid_quantities, anchor_of_resets)
    if freed is not None:
        keep_resets(work, subscription)
    if subscription.follows_id is not None:
        carry_usage(work, subscription, at, is_same_plan=freed is not None)
    if freed is not None:
        carry_extras(work, subscription, at, freed)
    if trial_ends_at is None:
        bill_start(work, subscription, at)


def anchor_days_of(subscription: Subscription, due: datetime) -> list[int | None]:
    """Candidates for the anchor day of a subscription's event at `due`, the most certain first.

    After a trial, periods count from the trial's end. A subscription that followed another in mid-period keeps the
    anchor day of that one, even if it started on another day.
    """
    start, begun = subscription.current_period_start, subscription.started_at
    own = [begun, start] if subscription.follows_id is None else [start, begun]
    tried = subscription.trial_ends_at
    origins = own if tried is None or tried > due else [tried, *own]
    return [subscription.anchor_day, *(None if origin is None else origin.day for origin in origins)]


def _anchor_before(work: UnitOfWork, subscription: Subscription, at: datetime) -> int | None:
    """The anchor day of the subscription that ended where this one starts."""
    for each in work.subscriptions:
        if each.pk == subscription.follows_id and each.current_period_end == at:
            every = interval_of(each.plan, work.plan_items.of(str(each.plan_id)))
            if every is not None and is_made_of_months(every[0]):
                return anchor_day(at, *anchor_days_of(each, at))
    return None


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


def bill_start(work: UnitOfWork, subscription: Subscription, at: datetime) -> None:
    """Bill the start of a subscription, or of the paid period after its trial."""
    lines = once_lines(work, subscription, subscription.prepaid_quantities)
    start, end = subscription.current_period_start, subscription.current_period_end
    if start is not None and end is not None:
        lines += recurring_lines(work, subscription, (start, end))
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
            _grant(work, item, source, at, bought, anchor if is_anchored else None)


def _grant(
    work: UnitOfWork,
    item: PlanItem,
    source: Subscription | Purchase,
    at: datetime,
    bought: Decimal,
    anchor: int | None,
) -> None:
    balance = work.balance_for(item.feature, source)
    grant = Grant(
        balance=balance,
        entity=source.entity,
        plan=source.plan,
        position=sum(each.balance_id == balance.pk for each in work.grants.values()),
        unlimited=item.unlimited,
        reset_interval=item.reset_interval,
        reset_interval_count=item.reset_interval_count,
        next_reset_at=step(at, item.reset_interval, item.reset_interval_count or 1, anchor)
        if item.reset_interval
        else None,
        anchor_day=anchor,
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
        entity_id=source.entity_id,
        reason=f"{source.plan} started",
    )
