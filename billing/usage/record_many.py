"""Record many usages together: deducted in memory in their order, then written at once.

Several usages in a row often come from one grant that has room for all of them. `_SingleSource` remembers that grant, so
that `billing.rules.drawing`, which is the reference for what usage deducts, need not be run again for each.
`tests/billing/usage/test_same_results.py` compares the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import Min

from billing.ledger.drawable_balances import DrawableBalances, drawable_balances_by_customer
from billing.ledger.entries import FigureChange, apply_change, locked_balances
from billing.models import CreditCost, Grant, Posting, Rollover, Subscription
from billing.rules.drawing import DrawnPart
from billing.rules.drawing_order import drawing_order
from billing.rules.exact import EXACT, ZERO
from billing.subscriptions import renew_customers
from billing.subscriptions.thresholds import bill_thresholds, is_threshold_possible
from billing.usage.bulk_ledger import DrawnUsage, write
from billing.usage.deduct import (
    UsageRefused,
    UsageRequest,
    UsageResult,
    check_entity,
    check_request,
    deduct,
    no_balance_refusal,
    remaining_by_feature,
)
from billing.usage.idempotency import KeyConflict, key_problem
from billing.usage.late import grace
from billing.usage.record import NOT_RENEWED, digest_of_request, draft_of, record_usage, replay
from customers import clock
from customers.bulk import pieces
from customers.lookup import survivor_of
from customers.models import Customer

UsageOutcome = UsageResult | UsageRefused | KeyConflict

_LATEST = datetime.max.replace(tzinfo=UTC)


def record_usage_batch(requests: Sequence[UsageRequest]) -> list[UsageOutcome]:
    """Record each usage as `record_usage` does, in order, and return the outcome of each.

    A refused usage changes nothing and does not affect the others. If two tries could not write them together, they are
    recorded one by one. A `DatabaseError` that no usage caused is raised: some usages may have been recorded by then,
    and those with keys can safely be repeated.
    """
    now = clock.now()
    pending = [_PendingUsage(request, now) for request in requests]
    survivors = _survivors({request.customer_id for request in requests})
    for each in pending:
        each.customer_id = survivors.get(each.request.customer_id, each.request.customer_id)
        each.check(now)
    renewed: dict[str, datetime] = {}
    for each in pending:
        if each.outcome is None and each.request.account_id is not None:
            each.outcome = _record_alone(each.request)
    waiting = [each for each in pending if each.outcome is None]
    while waiting:
        _record_round(waiting, renewed)
        waiting = _record_late([each for each in waiting if each.outcome is None])
        _renew(waiting, renewed)
    return [each.outcome for each in pending if each.outcome is not None]


@dataclass(slots=True)
class _PendingUsage:
    """A request with the customer that it is for, and its outcome once it has one.

    The first usage of a customer that has to wait has one of these: `renew_until`, until when the customer must be
    renewed first, or `late_before`: usage before that is recorded by itself, because it is of a period that is over.
    """

    request: UsageRequest
    at: datetime
    customer_id: str = ""
    digest: str = ""
    outcome: UsageOutcome | None = None
    renew_until: datetime | None = None
    late_before: datetime | None = None

    def check(self, now: datetime) -> None:
        """Set the outcome if the request is invalid for every customer, else compute its digest."""
        request = self.request
        if request.at is not None:
            self.at = request.at
        try:
            check_request(request, now)
        except UsageRefused as refused:
            self.outcome = refused
            return
        if request.key is not None:
            problem = key_problem(request.key)
            if problem is not None:
                self.outcome = UsageRefused(problem)
            else:
                self.digest = digest_of_request(request)


@dataclass(slots=True)
class _SingleSource:
    """The grant that covers every usage of one customer, feature and entity while it has room.

    Valid for usages from `since` until before `until`, and as long as nothing else of the customer changes (`version`).
    """

    grant: Grant
    room: Decimal
    remaining: dict[str, Decimal | None]
    at: datetime
    since: datetime
    until: datetime
    version: int

    def covers(self, amount: Decimal, at: datetime, version: int) -> bool:
        """Whether this grant covers the whole usage."""
        return (
            version == self.version
            and 0 < amount <= self.room
            and (self.since <= at < self.until or at == self.at)
        )


@dataclass(slots=True)
class _CustomerState:
    """The balances of one customer while usages are deducted from them.

    `drawable` is by feature; all of its values share the same rows. `version` counts the changes. `is_waiting` is set
    once a usage has to wait, so that all later ones wait too.
    """

    drawable: dict[str, DrawableBalances]
    sources: dict[tuple[str, str | None], _SingleSource | None] = field(default_factory=dict)
    version: int = 0
    is_waiting: bool = False


def _survivors(customer_ids: Iterable[str]) -> dict[str, str]:
    """The merge survivors of those customers that were merged."""
    merged: list[str] = []
    for piece in pieces(customer_ids):
        found = Customer.objects.filter(pk__in=piece, merged_into__isnull=False)
        merged += [str(key) for key in found.values_list("pk", flat=True)]
    return {key: survivor_of(key) for key in merged}


def _renew(waiting: Sequence[_PendingUsage], renewed: dict[str, datetime]) -> None:
    """Renew each customer as far as the first of its waiting usages needs."""
    together: dict[tuple[datetime, str], list[str]] = defaultdict(list)
    for customer_id, first in _firsts(waiting).items():
        if (until := first.renew_until) is not None:
            together[until, first.request.done_by].append(customer_id)
            renewed[customer_id] = until
    for (until, done_by), customer_ids in together.items():
        renew_customers(customer_ids, until, done_by=done_by)


def _record_late(waiting: Sequence[_PendingUsage]) -> list[_PendingUsage]:
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


def _firsts(waiting: Iterable[_PendingUsage]) -> dict[str, _PendingUsage]:
    """The first of the waiting usages of each customer."""
    firsts: dict[str, _PendingUsage] = {}
    for each in waiting:
        firsts.setdefault(each.customer_id, each)
    return firsts


def _record_round(waiting: Sequence[_PendingUsage], renewed: dict[str, datetime]) -> None:
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
    waiting: Sequence[_PendingUsage], renewed: dict[str, datetime]
) -> tuple[list[UsageOutcome | None], dict[str, datetime]]:
    """Deduct and write; the outcome is None for what must wait.

    Returns also when each customer with usage that may have reached a billing threshold used something last.
    """
    batch = _BatchDeduction(waiting, renewed)
    outcomes = [batch.outcome_of(each) for each in waiting]
    write(batch.drawn, batch.changed.values())
    last_used: dict[str, datetime] = {}
    if is_threshold_possible(batch.changed.values()):
        for each, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, UsageResult):
                last_used[each.customer_id] = max(each.at, last_used.get(each.customer_id, each.at))
    return outcomes, last_used


class _BatchDeduction:
    """Usages being deducted in memory, from locked balances."""

    def __init__(self, waiting: Sequence[_PendingUsage], renewed: dict[str, datetime]) -> None:
        self.drawn: list[DrawnUsage] = []
        self.changed: dict[str, Grant | Rollover] = {}
        self._renewed = renewed
        self._recorded_at, self._grace = clock.now(), grace()
        self._answers: dict[str, tuple[str, str, UsageResult]] = {}
        self._customers = _load_customers(waiting)
        self._starts: dict[str, datetime] | None = None
        self._earlier = _earlier_postings(
            {each.request.key for each in waiting if each.request.key is not None}
        )

    def outcome_of(self, pending: _PendingUsage) -> UsageOutcome | None:
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

    def _replayed(self, pending: _PendingUsage, key: str) -> UsageResult | None:
        """The result that was given for this key, before or earlier in this batch."""
        if (posting := self._earlier.get(key)) is not None:
            return replay(posting, pending.customer_id, pending.digest)
        if (given := self._answers.get(key)) is None:
            return None
        customer_id, digest, result = given
        if (customer_id, digest) != (pending.customer_id, pending.digest):
            raise KeyConflict(key)
        return result.as_replay()

    def _deduct(self, pending: _PendingUsage, customer: _CustomerState) -> UsageResult | None:
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
        source = customer.sources[place] = _single_source(drawable, request.entity_id, at, customer.version)
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

    def _may_renew(self, pending: _PendingUsage, until: datetime) -> bool:
        return until > self._renewed.get(pending.customer_id, NOT_RENEWED)

    def _is_start_due(self, pending: _PendingUsage) -> bool:
        """Whether a scheduled plan starts before the usage, and so may grant what is missing."""
        if not self._may_renew(pending, pending.at):
            return False
        if self._starts is None:
            self._starts = _scheduled_starts(self._customers)
        start = self._starts.get(pending.customer_id)
        return start is not None and start <= pending.at

    def _deduct_from(
        self, source: _SingleSource, pending: _PendingUsage, customer: _CustomerState
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

    def _keep(self, pending: _PendingUsage, result: UsageResult, changes: list[FigureChange]) -> None:
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


def _earlier_postings(keys: Iterable[str]) -> dict[str, Posting]:
    """The postings of those keys that were used before."""
    known = sorted(keys)
    if connection.vendor == "postgresql":
        # One array instead of thousands of parameters; most often no key was used before.
        with connection.cursor() as cursor:
            cursor.execute("SELECT key FROM billing_posting WHERE key = ANY(%s)", [known])
            known = [key for (key,) in cursor.fetchall()]
    return {
        str(posting.key): posting
        for piece in pieces(known)
        for posting in Posting.objects.filter(key__in=piece)
    }


def _load_customers(waiting: Sequence[_PendingUsage]) -> dict[str, _CustomerState]:
    """Lock and load the balances of the customers; of a customer that was just merged, those of its survivor."""
    while True:
        customers = _lock_customers(waiting)
        without_balances = {
            key
            for key, state in customers.items()
            if any(not drawable.balances for drawable in state.drawable.values())
        }
        survivors = _survivors(without_balances)
        if not survivors:
            return customers
        for each in waiting:
            each.customer_id = survivors.get(each.customer_id, each.customer_id)


def _lock_customers(waiting: Sequence[_PendingUsage]) -> dict[str, _CustomerState]:
    """Lock and load the balances of the features that each customer uses, in a fixed number of queries."""
    features: dict[str, set[str]] = defaultdict(set)
    for each in waiting:
        features[each.customer_id].add(each.request.feature.pk)
    used = sorted(set().union(*features.values()))
    costs: dict[str, dict[str, Decimal | None]] = {feature_id: {feature_id: None} for feature_id in used}
    for cost in CreditCost.objects.filter(metered_feature__pk__in=used):
        costs[cost.metered_feature_id][cost.credit_system_id] = cost.credit_cost
    wanted = {
        customer_id: {key: None for feature_id in each for key in costs[feature_id]}
        for customer_id, each in features.items()
    }
    drawn = sorted({key for each in wanted.values() for key in each})
    balances = [balance for piece in pieces(sorted(wanted)) for balance in locked_balances(piece, drawn)]
    whole = drawable_balances_by_customer(
        wanted, [each for each in balances if each.feature_id in wanted[each.customer_id]]
    )
    return {
        customer_id: _CustomerState({key: _of_feature(whole[customer_id], costs[key]) for key in each})
        for customer_id, each in features.items()
    }


def _scheduled_starts(customer_ids: Iterable[str]) -> dict[str, datetime]:
    """When the first scheduled plan of each customer starts."""
    scheduled = Subscription.objects.filter(status=Subscription.Status.SCHEDULED)
    return {
        str(customer_id): start
        for piece in pieces(sorted(customer_ids))
        for customer_id, start in scheduled.filter(customer__pk__in=piece)
        .order_by()
        .values_list("customer")
        .annotate(Min("started_at"))
    }


def _of_feature(whole: DrawableBalances, costs: dict[str, Decimal | None]) -> DrawableBalances:
    """The part that usage of one feature draws from, sharing the rows of the whole."""
    if whole.costs.keys() == costs.keys():
        return DrawableBalances(costs, whole.balances, whole.grants, whole.rollovers, whole.controls)
    balances = {key: each for key, each in whole.balances.items() if each.feature_id in costs}
    return DrawableBalances(
        costs,
        balances,
        {key: each for key, each in whole.grants.items() if each.balance_id in balances},
        {key: each for key, each in whole.rollovers.items() if each.balance_id in balances},
        whole.controls,
    )


def _single_source(
    drawable: DrawableBalances, entity_id: str | None, at: datetime, version: int
) -> _SingleSource | None:
    """The grant that the next usages come from; None if anything but plain, open grants of the feature is involved."""
    starts = [start for grant in drawable.grants.values() for start in _starts_of(grant)]
    if drawable.controls.limits or any(start > at for start in starts):
        return None
    grants = drawing_order(drawable.drawable_grants(at), entity_id)
    if any(grant.unlimited for grant in grants) or any(each.left > 0 for each in drawable.rollovers.values()):
        return None
    first = next((grant for grant in grants if grant.balance > 0), None)
    if first is None or first.credit_cost is not None:
        return None
    ends = [grant.expires_at for grant in drawable.grants.values() if grant.expires_at is not None]
    due = drawable.next_due()
    return _SingleSource(
        grant=drawable.grants[first.id],
        room=first.balance,
        remaining=remaining_by_feature(drawable, entity_id, grants, []),
        at=at,
        since=max([*starts, *(end for end in ends if end <= at)], default=NOT_RENEWED),
        until=min([_LATEST if due is None else due, *(end for end in ends if end > at)]),
        version=version,
    )


def _starts_of(grant: Grant) -> Iterator[datetime]:
    """When the grant and its open period began, as far as that is known."""
    for start in (grant.started_at, grant.last_reset_at):
        if start is not None:
            yield start
