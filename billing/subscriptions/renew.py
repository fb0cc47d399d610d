"""What time does: resets, rollovers, expiries, ends of trials and periods, starts, cancellations, invoices.

Everything that falls due happens in its order in time, each event at its own moment, whether it is noticed the next
minute or a year later: running daily for a year and running once for it come to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from billing.ledger.drawable_balances import counts, drawable_grant, drawable_rollover
from billing.ledger.entries import FigureChange
from billing.models import Grant, Invoice, PlanItem, Posting, Purchase, Rollover, Subscription
from billing.models.figures import BillingMethod
from billing.rules.intervals import NEVER_RESETS, anchor_day, is_made_of_months, step
from billing.rules.invoice_totals import BilledLine
from billing.rules.resets import ResetResult, RolloverRule, reset
from billing.subscriptions.carry_over import follower_of_same_plan, set_rollovers_free
from billing.subscriptions.charges import add_bill, interval_of, recurring_lines, usage_lines
from billing.subscriptions.end import end, end_grants, expire_grant, expire_rollover
from billing.subscriptions.errors import CannotBill
from billing.subscriptions.start import anchor_days_of, begin, bill_start
from billing.subscriptions.trials import trial_end_of
from billing.subscriptions.unit_of_work import UnitOfWork, open_units, save

#: How many customers are renewed in one transaction.
BATCH = 200

_INSTANT = timedelta(microseconds=1)


@dataclass(slots=True)
class Renewals:
    """How much of each kind happened."""

    customers: int = 0
    resets: int = 0
    periods: int = 0
    started: int = 0
    ended: int = 0
    expired: int = 0
    invoices: int = 0
    past_due: int = 0

    def add(self, other: Renewals) -> None:
        """Count what happened elsewhere too."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def due_customers(now: datetime) -> list[str]:
    """The keys of the customers of whom anything falls due by `now`, in order."""
    subscriptions = Subscription.objects.filter(
        Q(status=Subscription.Status.SCHEDULED, started_at__lte=now)
        | Q(Q(current_period_end__lte=now) | Q(expires_at__lte=now), status=Subscription.Status.ACTIVE)
    )
    grants = Grant.objects.filter(ended_at=None)
    resets = grants.filter(next_reset_at__lte=now).exclude(reset_interval__in=NEVER_RESETS)
    if not settings.RESET_PAST_DUE:
        resets = resets.exclude(subscription__past_due=True)
    rollovers = Rollover.objects.filter(ended_at=None, expires_at__lte=now)
    invoices = Invoice.objects.unpaid().filter(
        due_at__lte=now,
        subscription__status=Subscription.Status.ACTIVE,
        subscription__past_due=False,
    )
    due: list[tuple[QuerySet[Any], str]] = [
        (subscriptions, "customer_id"),
        (resets, "balance__customer_id"),
        (grants.filter(expires_at__lte=now), "balance__customer_id"),
        (rollovers, "balance__customer_id"),
        (invoices, "customer_id"),
    ]
    found: set[str] = set()
    for rows, column in due:
        found.update(str(key) for key in rows.values_list(column, flat=True).distinct())
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that is done: how many customers are due in all, how many it had, what happened, and who failed."""

    due: int
    done: int
    happened: Renewals
    failed: list[str]


def renew(now: datetime, *, done_by: str, batch: int = BATCH) -> Iterator[Batch]:
    """Do everything that falls due by `now`, a batch of customers at a time, each in its own transaction.

    A customer that cannot be billed stays as it is, and a sentence says why; the others of its batch go on.
    """
    due = due_customers(now)
    for start in range(0, len(due), batch):
        piece = due[start : start + batch]
        try:
            yield Batch(len(due), len(piece), renew_customers(piece, now, done_by=done_by), [])
        except CannotBill:
            yield _one_by_one(len(due), piece, now, done_by)


def _one_by_one(due: int, customer_ids: list[str], now: datetime, done_by: str) -> Batch:
    happened, failed = Renewals(), []
    for customer_id in customer_ids:
        try:
            happened.add(renew_customers([customer_id], now, done_by=done_by))
        except CannotBill as problem:
            failed.append(f"{customer_id}: {problem}")
    return Batch(due, len(customer_ids), happened, failed)


@transaction.atomic
def renew_customers(customer_ids: Iterable[str], now: datetime, *, done_by: str = "renew") -> Renewals:
    """Do everything of these customers that falls due by `now`."""
    units = open_units(customer_ids, done_by=done_by)
    return advance(units, now)


def advance(units: list[UnitOfWork], now: datetime) -> Renewals:
    """Bring opened units to `now`, and save them."""
    happened = Renewals()
    waiting = units
    while waiting:
        walked = [(work, _walk(work, now, happened)) for work in waiting]
        happened.invoices += sum(len(work.bills) for work in waiting)
        save(waiting, "Renewed")
        waiting = [work for work, is_done in walked if not is_done]
    happened.customers = len(units)
    return happened


def _walk(work: UnitOfWork, now: datetime, happened: Renewals) -> bool:
    """Let happen what falls due by `now`, in order; False if an invoice must be raised before it can go on."""
    while True:
        at = min(_due(work), default=None)
        if at is None or at > now:
            return True
        # Whether an invoice is left to be paid is known once it is raised.
        unknown = min((bill.at + work.terms for bill in work.bills), default=None)
        if unknown is not None and unknown < at:
            return False
        _happen(work, at, now, happened)


def _due(work: UnitOfWork) -> Iterator[datetime]:
    """When each thing that is to come falls due."""
    yield from _due_but_resets(work)
    for grant in work.grants.values():
        if _may_reset(grant) and grant.next_reset_at is not None:
            yield grant.next_reset_at


def _due_but_resets(work: UnitOfWork) -> Iterator[datetime]:
    for subscription in work.subscriptions:
        if subscription.status == Subscription.Status.SCHEDULED:
            yield subscription.started_at
        elif subscription.status == Subscription.Status.ACTIVE:
            if subscription.current_period_end is not None:
                yield subscription.current_period_end
            if subscription.expires_at is not None:
                yield subscription.expires_at
    rows: list[Grant | Rollover] = [*work.grants.values(), *work.rollovers.values()]
    for row in rows:
        if row.ended_at is None and row.expires_at is not None:
            yield row.expires_at
    unmarked = {str(row.pk) for row in work.active() if not row.past_due}
    for due_at, subscription_id in work.open_invoices:
        if subscription_id in unmarked:
            yield due_at


def _may_reset(grant: Grant) -> bool:
    if grant.ended_at is not None or grant.reset_interval in NEVER_RESETS:
        return False
    is_past_due = grant.subscription is not None and grant.subscription.past_due
    return settings.RESET_PAST_DUE or not is_past_due


def _happen(work: UnitOfWork, at: datetime, now: datetime, happened: Renewals) -> None:
    """Everything that falls due at one moment: expiries, ends, resets, periods, starts, and then reminders."""
    freed: dict[str, dict[str, list[Rollover]]] = {}
    _expire(work, at, happened)
    _end_purchases(work, at)
    for subscription in work.active():
        if subscription.expires_at is not None and subscription.expires_at <= at:
            owed: list[BilledLine] = []
            if follower_of_same_plan(work, subscription) is not None:
                # It goes on in another quantity or version: what is left is carried over as ever.
                due = _reset_due(work, work.grants_of(subscription), at, now, happened)
                owed = due.get(str(subscription.pk), [])
                freed[str(subscription.pk)] = set_rollovers_free(work, subscription)
            _settle(work, subscription, at, owed + end(work, subscription, at))
            happened.ended += 1
    _end_trials(work, at)
    lines = _reset_due(work, list(work.grants.values()), at, now, happened)
    for subscription in work.active():
        own = lines.pop(str(subscription.pk), [])
        if subscription.current_period_end is not None and subscription.current_period_end <= at:
            _next_period(work, subscription, own)
            happened.periods += 1
        else:
            _settle(work, subscription, at, own)
    for subscription in work.subscriptions:
        if subscription.status == Subscription.Status.SCHEDULED and subscription.started_at <= at:
            begin(
                work,
                subscription,
                subscription.started_at,
                trial_ends_at=trial_end_of(work, subscription),
                freed=freed.get(str(subscription.follows_id)),
            )
            happened.started += 1
    _mark_past_due(work, at, happened)


def _expire(work: UnitOfWork, at: datetime, happened: Renewals) -> None:
    for rollover in work.rollovers.values():
        if rollover.ended_at is None and rollover.expires_at is not None and rollover.expires_at <= at:
            expire_rollover(work, rollover, rollover.expires_at, "Expired")
            happened.expired += 1
    for grant in work.grants.values():
        if grant.ended_at is None and grant.expires_at is not None and grant.expires_at <= at:
            if grant.subscription is not None:
                _settle(work, grant.subscription, at, usage_lines_of(grant))
            expire_grant(work, grant, grant.expires_at, "Expired")
            happened.expired += 1


def usage_lines_of(grant: Grant) -> list[BilledLine]:
    """What was used beyond a grant, if that is billed."""
    if grant.billing_method != BillingMethod.USAGE_BASED or grant.unlimited or grant.held >= 0:
        return []
    return usage_lines(grant, grant.subscription or grant.purchase, -grant.held)


def _end_purchases(work: UnitOfWork, at: datetime) -> None:
    for purchase in work.purchases:
        if purchase.expires_at is not None and purchase.expires_at <= at:
            end_grants(work, purchase, at)


def _end_trials(work: UnitOfWork, at: datetime) -> None:
    """A trial that ends becomes a paid period, whose usage begins anew."""
    for subscription in work.active():
        ends_at = subscription.trial_ends_at
        if ends_at is None or ends_at != subscription.current_period_end or ends_at > at:
            continue
        every = interval_of(subscription.plan, work.plan_items.of(str(subscription.plan_id)))
        subscription.current_period_start = ends_at
        subscription.current_period_end = step(ends_at, *every) if every else None
        if every is None:
            subscription.current_period_start = None
        work.change(subscription)
        for grant in work.grants_of(subscription):
            if grant.reset_interval not in NEVER_RESETS:
                grant.next_reset_at, grant.anchor_day = ends_at, None
                work.book.touch(grant)
        bill_start(work, subscription, ends_at)


def _next_period(work: UnitOfWork, subscription: Subscription, lines: list[BilledLine]) -> None:
    start = subscription.current_period_end
    every = interval_of(subscription.plan, work.plan_items.of(str(subscription.plan_id)))
    if start is None:
        return
    if every is None:
        # Nothing of it recurs, as far as we know: its source said when the period ends, and may say what follows.
        every = _length_of(subscription)
    is_anchored = is_made_of_months(every[0])
    subscription.anchor_day = anchor_day(start, *anchor_days_of(subscription, start)) if is_anchored else None
    following = step(start, *every, subscription.anchor_day)
    subscription.current_period_start = start
    subscription.current_period_end = following
    work.change(subscription)
    if following is not None:
        lines = [*lines, *recurring_lines(work, subscription, (start, following))]
    add_bill(work, subscription, start, lines, (start, following))


def _length_of(subscription: Subscription) -> tuple[str, int]:
    """The interval that comes nearest to the length of the current period."""
    start, end_ = subscription.current_period_start, subscription.current_period_end
    days = (end_ - start).days if start is not None and end_ is not None else 30
    if days < 28:
        return ("week", max(1, days // 7)) if days >= 7 else ("day", max(1, days))
    return "month", max(1, round(days / 30.4))


def _settle(work: UnitOfWork, subscription: Subscription, at: datetime, lines: list[BilledLine]) -> None:
    """Bill what was used, outside of a new period's invoice."""
    period = (subscription.current_period_start, subscription.current_period_end)
    add_bill(work, subscription, at, lines, period)


def _reset_due(
    work: UnitOfWork, grants: Iterable[Grant], at: datetime, now: datetime, happened: Renewals
) -> dict[str, list[BilledLine]]:
    """Reset those of the grants whose time has come; by subscription, the lines for what was used beyond them."""
    lines: dict[str, list[BilledLine]] = {}
    for grant in grants:
        if _may_reset(grant) and grant.next_reset_at is not None and grant.next_reset_at <= at:
            lines.setdefault(str(grant.subscription_id), []).extend(_reset(work, grant, at, now))
            happened.resets += 1
    return lines


def _reset(work: UnitOfWork, grant: Grant, at: datetime, now: datetime) -> list[BilledLine]:
    """Reset one grant whose time has come; answers the lines for what was used beyond it."""
    balance = next(each for each in work.balances.values() if each.pk == grant.balance_id)
    rule = _rollover_rule(work, grant)
    row = drawable_grant(grant, balance, credit_cost=None, is_sharing_overage=False)
    rollovers = [
        drawable_rollover(rollover, credit_cost=None)
        for rollover in work.rollovers_of(grant)
        if counts(rollover, at)
    ]
    is_billed = grant.billing_method == BillingMethod.USAGE_BASED
    anchor = _anchor_of(grant)
    renewed = reset(
        row,
        rollovers,
        at if rule is not None else _until(work, at, now),
        rule,
        included=grant.included_grant - grant.adjusted,
        anchor_day=anchor,
        usage_based=is_billed,
    )
    if renewed is None:
        return []
    grant.anchor_day = anchor
    lines = usage_lines(grant, grant.subscription or grant.purchase, renewed.billable_overage)
    _post_reset(work, grant, renewed, balance.feature_id)
    return lines


def _post_reset(work: UnitOfWork, grant: Grant, renewed: ResetResult, feature_id: str) -> None:
    grant.next_reset_at = renewed.next_reset_at
    grant.adjusted = grant.adjusted + renewed.included_change
    work.book.touch(grant)
    work.post(
        Posting.Kind.RESET,
        renewed.due_at,
        [
            FigureChange(grant, "usage", renewed.usage_change),
            FigureChange(grant, "included_grant", renewed.included_change),
        ],
        feature_id=feature_id,
        entity_id=grant.entity_id,
    )
    changes: list[FigureChange] = []
    for trim in renewed.trims:
        rollover = work.rollovers[trim.rollover_id]
        changes += [
            FigureChange(rollover, "granted", -trim.amount),
            FigureChange(rollover, "left", -trim.amount),
        ]
        if trim.emptied:
            rollover.ended_at = renewed.due_at
            work.book.touch(rollover)
    if renewed.rollover is not None:
        made = Rollover(
            balance_id=grant.balance_id,
            grant=grant,
            expires_at=renewed.rollover.expires_at,
            position=len(work.rollovers),
        )
        work.rollovers[str(made.pk)] = made
        amount = renewed.rollover.balance
        changes += [FigureChange(made, "granted", amount), FigureChange(made, "left", amount)]
    work.post(
        Posting.Kind.ROLLOVER, renewed.due_at, changes, feature_id=feature_id, entity_id=grant.entity_id
    )


def _until(work: UnitOfWork, at: datetime, now: datetime) -> datetime:
    """Up to when nothing else happens that a reset could matter to: so far missed periods may be skipped."""
    moments = [*_due_but_resets(work), at + work.terms]
    moments += [bill.at + work.terms for bill in work.bills]
    until = min([now, *(moment - _INSTANT for moment in moments if moment >= at)])
    return max(at, until)


def _rollover_rule(work: UnitOfWork, grant: Grant) -> RolloverRule | None:
    item = item_of(work, grant)
    if item is None or not item.rollover_expiry_unit:
        return None
    months = (item.rollover_expiry_length or 1) if item.rollover_expiry_unit == "month" else None
    return RolloverRule(maximum=item.rollover_max, months=months)


def item_of(work: UnitOfWork, grant: Grant) -> PlanItem | None:
    """The item of its plan that a grant comes from: of the same feature, interval and way of billing, or nearly."""
    if grant.plan_id is None:
        return None
    feature_id = next(key for key, each in work.balances.items() if each.pk == grant.balance_id)
    same = [each for each in work.plan_items.of(str(grant.plan_id)) if each.feature_id == feature_id]
    return max(
        same,
        key=lambda item: (
            item.reset_interval == grant.reset_interval,
            item.billing_method == grant.billing_method,
        ),
        default=None,
    )


def _anchor_of(grant: Grant) -> int | None:
    if grant.next_reset_at is None or not is_made_of_months(grant.reset_interval):
        return None
    source: Subscription | Purchase | None = grant.subscription or grant.purchase
    days = [grant.anchor_day]
    if isinstance(source, Subscription):
        days += anchor_days_of(source, grant.next_reset_at)
    elif source is not None:
        days.append(source.started_at.day)
    elif not grant.imported:
        days.append(grant.created_at.day)
    return anchor_day(grant.next_reset_at, *days)


def _mark_past_due(work: UnitOfWork, at: datetime, happened: Renewals) -> None:
    overdue = {subscription_id for due_at, subscription_id in work.open_invoices if due_at <= at}
    for subscription in work.active():
        if str(subscription.pk) in overdue and not subscription.past_due:
            subscription.past_due = True
            work.change(subscription)
            happened.past_due += 1
