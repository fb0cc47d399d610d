"""Usage of a period that was billed before the usage was recorded.

Within the grace it is deducted from what that period still had, and what the period's invoice would have billed more
waits for the next invoice. Nothing is taken from the open period: the ledger has the usage, and a reset that takes it
out again, as the reset at the end of its period would have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from billing.formats import money
from billing.ledger.drawable_balances import DrawableBalances, is_usage_based
from billing.ledger.entries import FigureChange, PostingDraft
from billing.models import Grant, LedgerEntry, PendingLine, Posting, Rollover
from billing.rules.drawing import grants_after, rollovers_after
from billing.rules.drawing_order import DrawableGrant
from billing.rules.exact import EXACT, ZERO, total
from billing.rules.intervals import NEVER_RESETS, first_after
from billing.rules.moments import late_usage_problem
from billing.rules.money import round_to_minor
from billing.rules.prices import cost_of
from billing.subscriptions.charges import price_of
from billing.subscriptions.free_overage import FreeOverage, free_overage
from billing.usage.deduct import (
    UsageRefused,
    UsageRequest,
    UsageResult,
    changes_of,
    draw_for,
    remaining_by_feature,
    started_grants,
)
from customers.configuration.table import USAGE_GRACE_MINUTES
from customers.configuration.values import value_of
from customers.formats import moment

_USES = (Posting.Kind.USAGE, Posting.Kind.REFUND)


def grace() -> timedelta:
    """How long after the end of a period usage of it is accepted once it was billed."""
    return timedelta(minutes=value_of(USAGE_GRACE_MINUTES))


@dataclass(frozen=True, slots=True, kw_only=True)
class LateUsage:
    """A late usage, computed: `closings` are the postings that follow its own, with its `changes`."""

    result: UsageResult
    changes: Sequence[FigureChange]
    closings: Sequence[PostingDraft]
    pending_lines: Sequence[PendingLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClosedPeriod:
    """A period of a grant that ended with a reset: the figures before that reset, and the rollovers that it made."""

    grant: Grant
    end: datetime
    figures: DrawableGrant
    rollovers: Sequence[Rollover]


def deduct_late(drawable: DrawableBalances, request: UsageRequest, at: datetime, now: datetime) -> LateUsage:
    """Compute a usage at a time before the last reset of some of the grants. Changes nothing.

    Grants that were not reset since are drawn from as usual. Raises `UsageRefused` if another grant is drawn from after
    the grace.
    """
    closed = _closed_periods(drawable, at)
    made_since = {str(row.pk) for period in closed.values() for row in period.rollovers}
    current, rollovers = started_grants(drawable, request, at), drawable.drawable_rollovers(at)
    drawn = draw_for(
        drawable,
        request,
        at,
        [closed[grant.id].figures if grant.id in closed else grant for grant in current],
        [rollover for rollover in rollovers if rollover.id not in made_since],
    )
    late = {key: closed[key] for key in drawn.usage_changes if key in closed}
    for period in late.values():
        problem = late_usage_problem(at, period.end, period.grant.last_reset_at or period.end, now, grace())
        if problem:
            raise UsageRefused(problem)
    carried = [
        change
        for key, period in late.items()
        for change in _rollover_changes(period, drawn.usage_changes[key])
    ]
    free = free_overage({period.grant.balance.customer_id for period in late.values()})
    pending = [
        line
        for key, period in late.items()
        if (line := _pending_line(period, drawn.usage_changes[key], free))
    ]
    left_changes = dict(drawn.rollover_changes) | {
        str(change.row.pk): change.amount for change in carried if change.figure == "left"
    }
    result = UsageResult(
        amount=request.amount,
        parts=drawn.parts,
        dropped=drawn.dropped,
        why=drawn.why,
        note=_note(late.values(), pending),
        remaining=remaining_by_feature(
            drawable,
            request.entity_id,
            grants_after(current, {key: n for key, n in drawn.usage_changes.items() if key not in late}),
            rollovers_after(rollovers, left_changes),
        ),
    )
    return LateUsage(
        result=result,
        changes=changes_of(drawable, request, drawn),
        closings=_closings(request, drawable, late, drawn.usage_changes, carried),
        pending_lines=pending,
    )


def _closed_periods(drawable: DrawableBalances, at: datetime) -> dict[str, _ClosedPeriod]:
    """The periods of `at` that were closed, by grant ID."""
    customers = {balance.customer_id for balance in drawable.balances.values()}
    grants = {key: row for key, row in drawable.grants.items() if row.was_reset_after(at)}
    # What happened to figures since, except for usage: what a reset took out, and what was granted or carried over.
    entries = (
        LedgerEntry.objects.filter(
            Q(grant__in=grants) | Q(rollover__grant__in=grants, figure="granted", number=1),
            ~Q(posting__kind__in=_USES),
            # Postings stay with a customer that is merged.
            Q(posting__customer__in=customers) | Q(posting__customer__merged_into__in=customers),
            posting__occurred_at__gt=at,
        )
        .select_related("posting", "rollover")
        .order_by("number")
    )
    of_grant: dict[str, list[LedgerEntry]] = defaultdict(list)
    for entry in entries:
        owner = entry.grant_id if entry.rollover is None else entry.rollover.grant_id
        of_grant[str(owner)].append(entry)
    figures = {row.id: row for row in drawable.drawable_grants(at)}
    return {
        key: _closed_period(grant, figures[key], at, of_grant[key], drawable)
        for key, grant in grants.items()
        if key in figures
    }


def _closed_period(
    grant: Grant, now: DrawableGrant, at: datetime, since: Sequence[LedgerEntry], drawable: DrawableBalances
) -> _ClosedPeriod:
    """The period of `at` of one grant, from its figures `now` and the entries `since`."""
    grant.balance = drawable.balances[grant.balance_id]
    resets = [each for each in since if each.figure == "usage" and each.posting.kind == Posting.Kind.RESET]
    end = min([_end_of_period(grant, at), *(each.posting.occurred_at for each in resets)])
    used = total(each.amount.copy_negate() for each in resets if each.posting.occurred_at == end)
    granted = [each for each in since if each.posting.occurred_at >= end]
    return _ClosedPeriod(
        grant=grant,
        end=end,
        figures=replace(
            now,
            usage=used,
            included_grant=EXACT.subtract(now.included_grant, _sum_of(granted, "included_grant")),
            prepaid_grant=EXACT.subtract(now.prepaid_grant, _sum_of(granted, "prepaid_grant")),
        ),
        rollovers=[
            drawable.rollovers[str(each.rollover_id)]
            for each in since
            if each.rollover_id is not None and str(each.rollover_id) in drawable.rollovers
        ],
    )


def _end_of_period(grant: Grant, at: datetime) -> datetime:
    last = grant.last_reset_at
    if last is None:
        raise ValueError(f"{grant.pk} was never reset")
    if grant.reset_interval in NEVER_RESETS:
        return last
    return first_after(last, grant.reset_interval, grant.reset_interval_count or 1, at, grant.anchor_day)


def _sum_of(entries: Iterable[LedgerEntry], figure: str) -> Decimal:
    return total(each.amount for each in entries if each.figure == figure)


def _pending_line(
    period: _ClosedPeriod, usage: Decimal, free: Mapping[str, FreeOverage]
) -> PendingLine | None:
    """What the invoice of the period would have billed more for this usage."""
    grant, subscription = period.grant, period.grant.subscription
    price = price_of(grant)
    if subscription is None or grant.plan is None or price is None:
        return None
    is_trial = subscription.trial_ends_at is not None and period.end <= subscription.trial_ends_at
    if not is_usage_based(grant) or not subscription.billed_here or is_trial:
        return None
    if free.get(grant.balance.customer_id, FreeOverage()).covers(grant):
        return None
    before = period.figures.overage
    after = replace(period.figures, usage=EXACT.add(period.figures.usage, usage)).overage
    if before == after:
        return None
    included, currency = period.figures.granted, grant.billing_currency
    # Rounded as the invoice is, so that all lines of the period add up to what one invoice would have billed.
    was, will_be = (
        round_to_minor(cost_of(price, overage, included), currency) for overage in (before, after)
    )
    return PendingLine(
        subscription=subscription,
        grant=grant,
        period_end=period.end,
        quantity=EXACT.subtract(after, before),
        amount=will_be - was,
    )


def _rollover_changes(period: _ClosedPeriod, usage: Decimal) -> list[FigureChange]:
    """What was carried over although this usage needs it, as far as it is still left."""
    remaining = max(ZERO, EXACT.subtract(period.figures.balance, usage))
    changes = []
    for rollover in period.rollovers:
        surplus = min(rollover.left, max(ZERO, EXACT.subtract(rollover.granted, remaining)))
        if surplus > 0 and usage > 0:
            changes += [
                FigureChange(rollover, "granted", surplus.copy_negate()),
                FigureChange(rollover, "left", surplus.copy_negate()),
            ]
    return changes


def _closings(
    request: UsageRequest,
    drawable: DrawableBalances,
    late: Mapping[str, _ClosedPeriod],
    usage: Mapping[str, Decimal],
    carried: Sequence[FigureChange],
) -> list[PostingDraft]:
    drafts = []
    for key, period in late.items():
        balance = drawable.balances[period.grant.balance_id]
        own = [change for change in carried if change.row in period.rollovers]
        for kind, changes in (
            (Posting.Kind.RESET, [FigureChange(period.grant, "usage", usage[key].copy_negate())]),
            (Posting.Kind.ROLLOVER, own),
        ):
            drafts.append(
                PostingDraft(
                    customer_id=balance.customer_id,
                    kind=kind,
                    occurred_at=period.end,
                    done_by=request.done_by,
                    changes=changes,
                    reason="Usage recorded after its period was billed",
                    feature_id=balance.feature_id,
                    entity_id=period.grant.entity_id,
                )
            )
    return drafts


def _note(late: Iterable[_ClosedPeriod], pending: Sequence[PendingLine]) -> str:
    ends = sorted({period.end for period in late})
    if not ends:
        return ""
    ended = ", ".join(moment(end) for end in ends)
    amounts: dict[str, int] = defaultdict(int)
    for line in pending:
        amounts[line.subscription.billing_currency] += line.amount
    billed = " and ".join(money(amount, currency) for currency, amount in amounts.items() if amount)
    more = f"The next invoice bills {billed} for it." if billed else "Nothing more is billed for it."
    return f"The period of this usage ended on {ended} and was billed. {more}"
