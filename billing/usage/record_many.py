"""Record many usages together: deducted in memory in their order, then written at once.

Several usages in a row often come from one grant that has room for all of them. `SingleSource` remembers that grant, so
that `billing.rules.drawing`, which is the reference for what usage deducts, need not be run again for each.
`tests/billing/usage/test_same_results.py` compares the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import DataError, IntegrityError, OperationalError, transaction

from billing.ledger.entries import FigureChange, apply_change
from billing.models import Grant, Rollover
from billing.rules.drawing import DrawnPart
from billing.rules.exact import EXACT, ZERO
from billing.subscriptions import renew_customers
from billing.subscriptions.thresholds import balances_near_threshold, bill_thresholds
from billing.usage.batch import (
    CustomerState,
    PendingUsage,
    SingleSource,
    UsageOutcome,
    earlier_postings,
    load_customers,
    scheduled_starts,
    single_source,
    survivors_of,
)
from billing.usage.bulk_ledger import DrawnUsage, write
from billing.usage.deduct import (
    UsageRefused,
    UsageRequest,
    UsageResult,
    check_entity,
    deduct,
    no_balance_refusal,
)
from billing.usage.idempotency import KeyConflict
from billing.usage.late import grace
from billing.usage.record import NOT_RENEWED, draft_of, record_usage, replay
from customers import clock


def record_usage_batch(requests: Sequence[UsageRequest]) -> list[UsageOutcome]:
    """Record each usage as `record_usage` does, in order, and return the outcome of each.

    A refused usage changes nothing and does not affect the others. If two tries could not write them together, they are
    recorded one by one. A `DatabaseError` that no usage caused is raised: some usages may have been recorded by then,
    and those with keys can safely be repeated.
    """
    now = clock.now()
    pending = [PendingUsage(request, now) for request in requests]
    survivors = survivors_of({request.customer_id for request in requests})
    for each in pending:
        each.customer_id = survivors.get(each.request.customer_id, each.request.customer_id)
        each.check(now)
    renewed: dict[str, datetime] = {}
    # In order with the others of the customer: a later one may close the period of an earlier one.
    apart = {each.customer_id for each in pending if each.request.account_id is not None}
    for each in pending:
        if each.outcome is None and each.customer_id in apart:
            each.outcome = _record_alone(each.request)
    waiting = [each for each in pending if each.outcome is None]
    while waiting:
        _record_round(waiting, renewed)
        waiting = _record_late([each for each in waiting if each.outcome is None])
        _renew(waiting, renewed)
    return [each.outcome for each in pending if each.outcome is not None]


def _renew(waiting: Sequence[PendingUsage], renewed: dict[str, datetime]) -> None:
    """Renew each customer as far as the first of its waiting usages needs."""
    together: dict[tuple[datetime, str], list[str]] = defaultdict(list)
    for customer_id, first in _firsts(waiting).items():
        if (until := first.renew_until) is not None:
            together[until, first.request.done_by].append(customer_id)
            renewed[customer_id] = until
    for (until, done_by), customer_ids in together.items():
        renew_customers(customer_ids, until, done_by=done_by)


def _record_late(waiting: Sequence[PendingUsage]) -> list[PendingUsage]:
    """Record late usages that are the first ones of their customers, one by one. Returns what still waits."""
    late_before = {key: first.late_before for key, first in _firsts(waiting).items()}
    still_waiting = []
    for each in waiting:
        until = late_before[each.customer_id]
        if until is not None and each.at < until:
            each.outcome = _record_alone(each.request)
        else:
            late_before[each.customer_id] = None
            still_waiting.append(each)
    return still_waiting


def _firsts(waiting: Iterable[PendingUsage]) -> dict[str, PendingUsage]:
    """The first of the waiting usages of each customer."""
    firsts: dict[str, PendingUsage] = {}
    for each in waiting:
        firsts.setdefault(each.customer_id, each)
    return firsts


def _record_round(waiting: Sequence[PendingUsage], renewed: dict[str, datetime]) -> None:
    """Set the outcome of every usage, except those that must wait."""
    for tries_left in (True, False):
        try:
            outcomes, thresholds = _deduct_all(waiting, renewed)
        except (IntegrityError, OperationalError, DataError):
            # Another transaction may have used a key at the same time, or the two may have deadlocked.
            if tries_left:
                continue
            for each in waiting:
                each.outcome = _record_alone(each.request)
        else:
            for each, outcome in zip(waiting, outcomes, strict=True):
                each.outcome = outcome
            for customer_id, at in thresholds.items():
                bill_thresholds(customer_id, at, done_by=waiting[0].request.done_by)
        return


def _record_alone(request: UsageRequest) -> UsageOutcome:
    try:
        return record_usage(request)
    except (UsageRefused, KeyConflict) as refused:
        return refused
    except (DataError, IntegrityError) as problem:
        return UsageRefused(f"The database refused it: {str(problem).splitlines()[0]}.")


@transaction.atomic
def _deduct_all(
    waiting: Sequence[PendingUsage], renewed: dict[str, datetime]
) -> tuple[list[UsageOutcome | None], dict[str, datetime]]:
    """Deduct and write; the outcome is None for what must wait.

    Returns also when each customer who may have reached a billing threshold used something last.
    """
    batch = _BatchDeduction(waiting, renewed)
    outcomes = [batch.outcome_of(each) for each in waiting]
    write(batch.drawn, batch.changed.values())
    last_used: dict[str, datetime] = {}
    if balances := balances_near_threshold(batch.changed.values()):
        owners = batch.owners_of(balances)
        for each, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, UsageResult) and each.customer_id in owners:
                last_used[each.customer_id] = max(each.at, last_used.get(each.customer_id, each.at))
    return outcomes, last_used


class _BatchDeduction:
    """Usages being deducted in memory, from locked balances."""

    def __init__(self, waiting: Sequence[PendingUsage], renewed: dict[str, datetime]) -> None:
        self.drawn: list[DrawnUsage] = []
        self.changed: dict[str, Grant | Rollover] = {}
        self._renewed = renewed
        self._recorded_at, self._grace = clock.now(), grace()
        self._answers: dict[str, tuple[str, str, UsageResult]] = {}
        self._customers = load_customers(waiting)
        self._starts: dict[str, datetime] | None = None
        self._earlier = earlier_postings(
            {each.request.key for each in waiting if each.request.key is not None}
        )

    def owners_of(self, balances: Collection[str]) -> set[str]:
        """The customers of these balances."""
        return {
            balance.customer_id
            for customer in self._customers.values()
            for drawable in customer.drawable.values()
            for key, balance in drawable.balances.items()
            if key in balances
        }

    def outcome_of(self, pending: PendingUsage) -> UsageOutcome | None:
        """Deduct one usage; None if it has to wait. Then all later usages of the customer wait too."""
        customer = self._customers[pending.customer_id]
        pending.renew_until = pending.late_before = None
        if customer.is_waiting:
            return None
        try:
            key = pending.request.key
            if key is not None and (result := self._replayed(pending, key)) is not None:
                return result
            return self._deduct(pending, customer)
        except (UsageRefused, KeyConflict) as refused:
            return refused

    def _replayed(self, pending: PendingUsage, key: str) -> UsageResult | None:
        """The result that was given for this key, before or earlier in this batch."""
        if (posting := self._earlier.get(key)) is not None:
            return replay(posting, pending.customer_id, pending.digest)
        if (given := self._answers.get(key)) is None:
            return None
        customer_id, digest, result = given
        if (customer_id, digest) != (pending.customer_id, pending.digest):
            raise KeyConflict(key)
        return result.as_replay()

    def _deduct(self, pending: PendingUsage, customer: CustomerState) -> UsageResult | None:
        request, at = pending.request, pending.at
        place = request.feature.pk, request.entity_id
        source = customer.sources.get(place)
        if source is not None and source.covers(request.amount, at, customer.version):
            return self._deduct_from(source, pending, customer)
        check_entity(request, pending.customer_id)
        drawable = customer.drawable[request.feature.pk]
        until = drawable.renewal_before_usage(at, self._recorded_at, self._grace)
        if until is not None and self._may_renew(pending, until):
            customer.is_waiting, pending.renew_until = True, until
            return None
        if request.amount and drawable.was_reset_after(at):
            customer.is_waiting, pending.late_before = True, drawable.last_reset()
            return None
        source = customer.sources[place] = single_source(drawable, request.entity_id, at, customer.version)
        if source is not None and source.covers(request.amount, at, customer.version):
            return self._deduct_from(source, pending, customer)
        try:
            if not drawable.balances:
                raise no_balance_refusal(request)
            result, changes = deduct(drawable, request, at)
        except UsageRefused as refused:
            if refused.missing is not None and self._is_start_due(pending):
                customer.is_waiting, pending.renew_until = True, at
                return None
            raise
        if result.dropped and request.amount > 0 and self._is_start_due(pending):
            customer.is_waiting, pending.renew_until = True, at
            return None
        customer.version += 1
        drawable.count_use(
            request.feature.pk, request.entity_id, at, result.parts, is_refund=request.amount < 0
        )
        self._keep(pending, result, changes)
        return result

    def _may_renew(self, pending: PendingUsage, until: datetime) -> bool:
        return until > self._renewed.get(pending.customer_id, NOT_RENEWED)

    def _is_start_due(self, pending: PendingUsage) -> bool:
        """Whether a scheduled plan starts before the usage, and so may grant what is missing."""
        if not self._may_renew(pending, pending.at):
            return False
        if self._starts is None:
            self._starts = scheduled_starts(self._customers)
        start = self._starts.get(pending.customer_id)
        return start is not None and start <= pending.at

    def _deduct_from(
        self, source: SingleSource, pending: PendingUsage, customer: CustomerState
    ) -> UsageResult:
        feature_id, amount = pending.request.feature.pk, pending.request.amount
        source.room = EXACT.subtract(source.room, amount)
        customer.version = source.version = customer.version + 1
        left = source.remaining[feature_id]
        # A new dictionary, because earlier results refer to the old one.
        source.remaining = {
            **source.remaining,
            feature_id: None if left is None else EXACT.subtract(left, amount),
        }
        result = UsageResult(
            amount=amount,
            parts=(DrawnPart(source.grant.pk, "granted", amount, amount),),
            dropped=ZERO,
            why="",
            remaining=source.remaining,
        )
        self._keep(pending, result, [FigureChange(source.grant, "usage", amount)])
        return result

    def _keep(self, pending: PendingUsage, result: UsageResult, changes: list[FigureChange]) -> None:
        """Apply the changes in memory, and keep what is to be written."""
        entries = []
        for change in changes:
            if (entry := apply_change(change)) is not None:
                entries.append(entry)
                self.changed[change.row.pk] = change.row
        request = pending.request
        if request.key is not None:
            self._answers[request.key] = pending.customer_id, pending.digest, result
        elif not entries:
            return
        draft = draft_of(request, pending.customer_id, pending.at, pending.digest)
        self.drawn.append(DrawnUsage(draft, self._recorded_at, result, entries))
