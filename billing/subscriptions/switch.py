"""Change what a subscription is: another plan, version, quantity, or other prepaid packs. The subscription stays itself.

What was billed for the rest of the period is given back, and the new plan is billed for it. Its ID, discounts, anchor day
and whether it is past due go on. Within one plan, what was used and bought goes on too. `docs/billing.md` has the rules.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Self

from billing.formats import money
from billing.models import Feature, Plan, Subscription, SubscriptionPhase
from billing.models.figures import BillingMethod
from billing.rules.intervals import anchor_day, is_made_of_months, step
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions.carry_over import (
    adapt_grants,
    carry_usage,
    hold_back,
    holds_back,
    keep_resets,
    left_of_balances,
)
from billing.subscriptions.charges import (
    RecurringCharges,
    Rhythm,
    interval_of,
    monthly_cost,
    once_lines,
    recurring_charges,
    recurring_lines,
    request_invoice,
    unused_lines,
)
from billing.subscriptions.cycles import align_cycles, end_cycles
from billing.subscriptions.end import end_grants
from billing.subscriptions.flags import lower_flags, raise_flag
from billing.subscriptions.pending_lines import take_pending_lines
from billing.subscriptions.reset_grants import reset_waiting_grants
from billing.subscriptions.start import anchor_days_of, grant_items, note_phase, note_trial
from billing.subscriptions.trials import trial_end, trial_refusal
from billing.subscriptions.unit_of_work import UnitOfWork
from customers.formats import moment, number

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscription is to become. `prepaid` has units by feature ID, in whole packs."""

    plan: Plan
    quantity: Decimal
    prepaid: dict[str, str]
    currency: str

    @classmethod
    def of(cls, present: Subscription | SubscriptionPhase) -> Self:
        """What a subscription is, or was in a phase."""
        return cls(present.plan, present.quantity, present.prepaid_quantities, present.billing_currency)


@dataclass(slots=True)
class _Switch:
    """What a subscription was before its switch at `at`, and what is billed for it."""

    plan: Plan
    quantity: Decimal
    prepaid: dict[str, str]
    currency: str
    at: datetime
    is_trial: bool
    is_free: bool
    period: tuple[datetime, datetime] | None
    charges: RecurringCharges
    lines: dict[str, list[BilledLine]] = field(default_factory=lambda: defaultdict(list))
    messages: list[str] = field(default_factory=list)


def switch(
    work: UnitOfWork,
    subscription: Subscription,
    terms: Terms,
    at: datetime,
    *,
    with_trial: bool = True,
    owed: list[BilledLine] | None = None,
) -> list[str]:
    """Make the subscription what `terms` say, and bill the difference. Returns sentences about it.

    The unit of work is saved, so that what was billed can be read; only `owed` lines of the old plan are still to bill. A
    customer that comes from a free plan or a trial gets the trial of the new plan, if it may have one.
    """
    before = _before(work, subscription, at)
    before.lines[before.currency] += [*(owed or []), *take_pending_lines(work, subscription, at)]
    if before.plan.plan_id == terms.plan.plan_id:
        _go_on(work, subscription, terms, before)
    else:
        _replace(work, subscription, terms, before, with_trial=with_trial)
    subscription.canceled_at = subscription.expires_at = None
    work.change(subscription)
    note_phase(work, subscription, at, f"Changed from {number(before.quantity)} of {before.plan}")
    _bill(work, subscription, before)
    return before.messages


def _before(work: UnitOfWork, subscription: Subscription, at: datetime) -> _Switch:
    start, stop = subscription.current_period_start, subscription.current_period_end
    tried = subscription.trial_ends_at
    return _Switch(
        plan=subscription.plan,
        quantity=subscription.quantity,
        prepaid=subscription.prepaid_quantities,
        currency=subscription.billing_currency,
        at=at,
        is_trial=tried is not None and tried > at,
        is_free=not monthly_cost(work.plan_items, subscription),
        charges=recurring_charges(work.plan_items, subscription),
        period=(start, stop) if start is not None and stop is not None and start <= at < stop else None,
    )


def _go_on(work: UnitOfWork, subscription: Subscription, terms: Terms, before: _Switch) -> None:
    """Another version, quantity or packs of the same plan."""
    lower_flags(work, subscription)
    _become(subscription, terms)
    before.lines[before.currency] += adapt_grants(work, subscription, before.plan, before.at)
    unchanged = _unchanged(work, subscription, before)
    _give_back(subscription, before, unchanged)
    for item in work.plan_items.of(str(terms.plan.pk)):
        if item.feature.type == Feature.Type.BOOLEAN:
            raise_flag(work, item, subscription)
    if not before.is_trial:
        more = {name: _more(units, before.prepaid.get(name)) for name, units in terms.prepaid.items()}
        added = once_lines(work, subscription, subscription.quantity - before.quantity, more)
        before.lines[terms.currency] += added
        _bill_period(work, subscription, before, unchanged)


def _replace(
    work: UnitOfWork, subscription: Subscription, terms: Terms, before: _Switch, *, with_trial: bool
) -> None:
    """Another plan: what the old one granted ends, and the new one starts."""
    taken_over = {
        str(item.feature_id): item
        for item in work.plan_items.of(str(terms.plan.pk))
        if not item.feature.consumable and item.billing_method == BillingMethod.USAGE_BASED
    }
    before.lines[before.currency] += reset_waiting_grants(work, subscription, before.at)
    replaced = work.grants_of(subscription)
    left = left_of_balances(replaced)
    before.lines[before.currency] += end_grants(work, subscription, before.at, taken_over=taken_over)
    _give_back(subscription, before, set())
    _become(subscription, terms)
    tried_until = _trial_of(work, subscription, before, with_trial=with_trial)
    if tried_until is not None:
        subscription.trial_ends_at = tried_until
        subscription.current_period_start, subscription.current_period_end = before.at, tried_until
        subscription.anchor_day = None
        note_trial(work, subscription)
        end_cycles(work, subscription)
    else:
        if before.is_trial:
            subscription.trial_ends_at = None
        before.lines[terms.currency] += once_lines(work, subscription, subscription.quantity, terms.prepaid)
        _bill_period(work, subscription, before, set())
    anchor = None if tried_until else subscription.anchor_day
    grant_items(work, subscription, before.at, terms.prepaid, anchor)
    if before.period is not None and subscription.current_period_end == before.period[1]:
        keep_resets(work, subscription, replaced)
    carry_usage(work, subscription, replaced, before.at)
    if holds_back(subscription):
        hold_back(work, subscription, left, before.at)


def _unchanged(work: UnitOfWork, subscription: Subscription, before: _Switch) -> set[str | None]:
    """The charges that go on as they were billed: keys of features, and None for the base price."""
    now = recurring_charges(work.plan_items, subscription)
    is_same_period = before.period is not None and _rhythm(work, subscription.plan) == _rhythm(
        work, before.plan
    )
    is_same_currency = subscription.billing_currency == before.currency
    if not is_same_period or not is_same_currency:
        return set()
    return {key for key, charge in before.charges.items() if now.get(key) == charge}


def _give_back(subscription: Subscription, before: _Switch, unchanged: set[str | None]) -> None:
    if not before.is_trial:
        for currency, line in unused_lines(subscription, before.at, unchanged=unchanged):
            before.lines[currency].append(line)


def _rhythm(work: UnitOfWork, plan: Plan) -> Rhythm | None:
    return interval_of(plan, work.plan_items.of(str(plan.pk)))


def _become(subscription: Subscription, terms: Terms) -> None:
    subscription.plan, subscription.quantity = terms.plan, terms.quantity
    subscription.prepaid_quantities, subscription.currency = terms.prepaid, terms.currency
    subscription.add_on, subscription.auto_enable = terms.plan.add_on, terms.plan.auto_enable


def _trial_of(
    work: UnitOfWork, subscription: Subscription, before: _Switch, *, with_trial: bool
) -> datetime | None:
    """When the trial of the new plan ends; None if there is none."""
    plan = subscription.plan
    if not plan.free_trial_length or not with_trial:
        if before.is_trial:
            before.messages.append(f"The trial of {before.plan} ends, because {plan} has none.")
        return None
    refusal = trial_refusal(work.customer, plan)
    if refusal is None and not (before.is_free or before.is_trial):
        refusal = f"the customer comes from {before.plan}, which is paid"
    if refusal is not None:
        before.messages.append(f"There is no trial because {refusal}.")
        return None
    ends_at = trial_end(plan, before.at)
    before.messages.append(f"The trial ends on {moment(ends_at)}.")
    return ends_at


def _bill_period(
    work: UnitOfWork, subscription: Subscription, before: _Switch, unchanged: set[str | None]
) -> None:
    """Bill the rest of the period if the new plan has the same rhythm, else a new period."""
    at, plan = before.at, subscription.plan
    every, was = _rhythm(work, plan), _rhythm(work, before.plan)
    lines = before.lines[subscription.billing_currency]
    if every is None:
        if was is not None:
            subscription.current_period_start = subscription.current_period_end = None
    elif before.period is not None and every == was and not before.is_trial:
        part = (at, before.period[1])
        lines += recurring_lines(work, subscription, before.period, part, unchanged=unchanged)
    else:
        anchored = None
        if is_made_of_months(every[0]):
            is_boundary = subscription.current_period_end == at
            is_kept = is_boundary and was is not None and is_made_of_months(was[0])
            days = anchor_days_of(subscription, at) if is_kept else []
            anchored = anchor_day(at, *days)
        ends_at = step(at, *every, anchored)
        subscription.current_period_start, subscription.current_period_end = at, ends_at
        subscription.anchor_day = anchored
        if ends_at is not None:
            lines += recurring_lines(work, subscription, (at, ends_at))
    lines += align_cycles(work, subscription, at, unchanged=unchanged)


def _bill(work: UnitOfWork, subscription: Subscription, before: _Switch) -> None:
    period = (subscription.current_period_start, subscription.current_period_end)
    currency = subscription.billing_currency
    for each, lines in before.lines.items():
        request_invoice(work, subscription, before.at, lines, period, currency=each)
        left = -sum(line.amount for line in lines)
        if each != currency and left > 0:
            before.messages.append(
                f"{money(left, each)} of unused time stay as credit in {each}, in which {subscription.plan} isn't"
                " billed. Return the money to the customer, or use the credit for another plan."
            )


def _more(units: str, before: str | None) -> str:
    return str(max(Decimal(units) - Decimal(before or 0), _ZERO))
