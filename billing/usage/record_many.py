"""Record many uses together: drawn in memory in their order, written at once, each with its posting and entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from django.db import DataError, IntegrityError, OperationalError, connection, transaction
from django.db.models import Min

from billing.ledger.drawable_balances import DrawableBalances, drawable_balances_by_customer
from billing.ledger.entries import FigureChange, locked_balances
from billing.models import CreditCost, Grant, Posting, Rollover, Subscription
from billing.rules.drawing import DrawnPart, drawing_order
from billing.subscriptions import renew_customers
from billing.usage.bulk_ledger import DrawnEntry, DrawnUsage, write
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
from billing.usage.record import digest_of_request, record_usage, replay
from customers import clock
from customers.bulk import pieces
from customers.lookup import survivor_of
from customers.models import Customer

UsageOutcome = UsageResult | UsageRefused | KeyConflict

_ZERO = Decimal(0)
_ALWAYS = datetime.min.replace(tzinfo=UTC)
_FOREVER = datetime.max.replace(tzinfo=UTC)


def record_usage_batch(uses: Sequence[UsageRequest]) -> list[UsageOutcome]:
    """Record each use as `record_usage` does, in their order, and answer what came of each.

    One that is refused changes nothing and does not hinder the others. What two tries could not write together is
    recorded one by one. A `DatabaseError` that is no use's fault is raised: some of the uses may have been recorded
    then, and those that have keys can be given again.
    """
    asked = [_PendingUsage(use, clock.now()) for use in uses]
    survivors = _survivors({use.customer_id for use in uses})
    for each in asked:
        each.customer_id = survivors.get(each.use.customer_id, each.use.customer_id)
        each.judge()
    renewed: dict[str, datetime] = {}
    waiting = [each for each in asked if each.outcome is None]
    while waiting:
        _record_round(waiting, renewed)
        waiting = [each for each in waiting if each.outcome is None]
        _renew(waiting, renewed)
    return [each.outcome for each in asked if each.outcome is not None]


@dataclass(slots=True)
class _PendingUsage:
    """A use with the customer it reaches, and what came of it."""

    use: UsageRequest
    at: datetime
    customer_id: str = ""
    digest: str = ""
    outcome: UsageOutcome | None = None

    def judge(self) -> None:
        """Refuse what no customer could have."""
        use = self.use
        if use.at is not None:
            self.at = use.at
        try:
            check_request(use)
        except UsageRefused as refused:
            self.outcome = refused
            return
        if use.key is not None:
            problem = key_problem(use.key)
            if problem is not None:
                self.outcome = UsageRefused(problem)
            else:
                self.digest = digest_of_request(use)


@dataclass(slots=True)
class _SingleSource:
    """Of one customer, feature and entity: the grant that gives every use as long as it has room for it.

    That holds from `since` until `until`, and as long as nothing else of the customer's is drawn (`version`).
    """

    grant: Grant
    room: Decimal
    remaining: dict[str, Decimal | None]
    at: datetime
    since: datetime
    until: datetime
    version: int

    def serves(self, amount: Decimal, at: datetime, version: int) -> bool:
        """Whether the use is drawn from this grant alone."""
        return (
            version == self.version
            and 0 < amount <= self.room
            and (self.since <= at < self.until or at == self.at)
        )


@dataclass(slots=True)
class _CustomerState:
    """What one customer holds, while uses are drawn from it. `holdings` are by feature and share their rows."""

    holdings: dict[str, DrawableBalances]
    wells: dict[tuple[str, str | None], _SingleSource | None] = field(default_factory=dict)
    version: int = 0
    is_waiting: bool = False


def _survivors(customer_ids: Iterable[str]) -> dict[str, str]:
    """Those of the customers that were merged, with the ones they became part of."""
    merged: list[str] = []
    for piece in pieces(customer_ids):
        found = Customer.objects.filter(pk__in=piece, merged_into__isnull=False)
        merged += [str(key) for key in found.values_list("pk", flat=True)]
    return {key: survivor_of(key) for key in merged}


def _renew(waiting: Sequence[_PendingUsage], renewed: dict[str, datetime]) -> None:
    """Do what falls due for each customer before the first of its waiting uses."""
    firsts: dict[str, _PendingUsage] = {}
    for each in waiting:
        firsts.setdefault(each.customer_id, each)
    together: dict[tuple[datetime, str], list[str]] = defaultdict(list)
    for customer_id, first in firsts.items():
        together[first.at, first.use.done_by].append(customer_id)
        renewed[customer_id] = first.at
    for (at, done_by), customer_ids in together.items():
        renew_customers(customer_ids, at, done_by=done_by)


def _record_round(waiting: Sequence[_PendingUsage], renewed: dict[str, datetime]) -> None:
    """Give every use its outcome, but those of a customer for whom something falls due first."""
    for tries_left in (True, False):
        try:
            outcomes = _draw_all(waiting, renewed)
        except (IntegrityError, OperationalError, DataError):
            # Another may have used a key meanwhile, or have waited for what we hold.
            if tries_left:
                continue
            for each in waiting:
                each.outcome = _record_alone(each.use)
        else:
            for each, outcome in zip(waiting, outcomes, strict=True):
                each.outcome = outcome
        return


def _record_alone(use: UsageRequest) -> UsageOutcome:
    try:
        return record_usage(use)
    except (UsageRefused, KeyConflict) as refused:
        return refused
    except (DataError, IntegrityError) as problem:
        return UsageRefused(f"The database refused it: {str(problem).splitlines()[0]}.")


@transaction.atomic
def _draw_all(waiting: Sequence[_PendingUsage], renewed: dict[str, datetime]) -> list[UsageOutcome | None]:
    """The outcomes, written; None for what must wait for a renewal."""
    drawing = _BatchDrawing(waiting, renewed)
    outcomes = [drawing.outcome_of(each) for each in waiting]
    write(drawing.posted, drawing.changed.values())
    return outcomes


class _BatchDrawing:
    """Uses being drawn in memory, of balances that are locked."""

    def __init__(self, waiting: Sequence[_PendingUsage], renewed: dict[str, datetime]) -> None:
        self.posted: list[DrawnUsage] = []
        self.changed: dict[str, Grant | Rollover] = {}
        self._renewed = renewed
        self._recorded_at = clock.now()
        self._answers: dict[str, tuple[str, str, UsageResult]] = {}
        self._hands = _hands_reached(waiting)
        self._starts: dict[str, datetime] | None = None
        self._earlier = _used_before({each.use.key for each in waiting if each.use.key is not None})

    def outcome_of(self, asked: _PendingUsage) -> UsageOutcome | None:
        """Draw one use; None if something falls due first, for which all later ones of the customer wait too."""
        hands = self._hands[asked.customer_id]
        if hands.is_waiting:
            return None
        try:
            if asked.use.key is not None and (used := self._answered(asked, asked.use.key)) is not None:
                return used
            return self._draw(asked, hands)
        except (UsageRefused, KeyConflict) as refused:
            return refused

    def _answered(self, asked: _PendingUsage, key: str) -> UsageResult | None:
        if (posting := self._earlier.get(key)) is not None:
            return replay(posting, asked.customer_id, asked.digest)
        if (given := self._answers.get(key)) is None:
            return None
        customer_id, digest, used = given
        if (customer_id, digest) != (asked.customer_id, asked.digest):
            raise KeyConflict(key)
        return used.again()

    def _draw(self, asked: _PendingUsage, hands: _CustomerState) -> UsageResult | None:
        use, at = asked.use, asked.at
        place = use.feature.pk, use.entity_id
        well = hands.wells.get(place)
        if well is not None and well.serves(use.amount, at, hands.version):
            return self._draw_plainly(asked, hands, well)
        check_entity(use, asked.customer_id)
        holding = hands.holdings[use.feature.pk]
        due = holding.next_due()
        if due is not None and due <= at and self._may_renew(asked):
            hands.is_waiting = True
            return None
        well = hands.wells[place] = _well(holding, use.entity_id, at, hands.version)
        if well is not None and well.serves(use.amount, at, hands.version):
            return self._draw_plainly(asked, hands, well)
        try:
            if not holding.balances:
                raise no_balance_refusal(use)
            used, changes = deduct(holding, use, at)
        except UsageRefused as refused:
            if refused.missing is not None and self._is_start_due(asked):
                hands.is_waiting = True
                return None
            raise
        if used.dropped and use.amount > 0 and self._is_start_due(asked):
            hands.is_waiting = True
            return None
        hands.version += 1
        self._post(asked, used, [self._enter(change) for change in changes])
        return used

    def _may_renew(self, asked: _PendingUsage) -> bool:
        return asked.at > self._renewed.get(asked.customer_id, _ALWAYS)

    def _is_start_due(self, asked: _PendingUsage) -> bool:
        """Whether a plan that was scheduled begins before the use, and so may grant what is missing."""
        if not self._may_renew(asked):
            return False
        if self._starts is None:
            self._starts = _scheduled_starts(self._hands)
        start = self._starts.get(asked.customer_id)
        return start is not None and start <= asked.at

    def _draw_plainly(self, asked: _PendingUsage, hands: _CustomerState, well: _SingleSource) -> UsageResult:
        use, grant = asked.use, well.grant
        amount = use.amount
        well.room -= amount
        hands.version = well.version = hands.version + 1
        left = well.remaining[use.feature.pk]
        well.remaining = {**well.remaining, use.feature.pk: None if left is None else left - amount}
        used = UsageResult(
            amount=amount,
            parts=(DrawnPart(grant.pk, "granted", amount, amount),),
            dropped=_ZERO,
            why="",
            remaining=well.remaining,
        )
        self._post(asked, used, [self._enter(FigureChange(grant, "usage", amount))])
        return used

    def _enter(self, change: FigureChange) -> DrawnEntry:
        row = change.row
        after = getattr(row, change.figure) + change.amount
        setattr(row, change.figure, after)
        row.entries += 1
        self.changed[row.pk] = row
        return DrawnEntry(row, change.figure, row.entries, change.amount, after)

    def _post(self, asked: _PendingUsage, used: UsageResult, entries: list[DrawnEntry]) -> None:
        use = asked.use
        if use.key is not None:
            self._answers[use.key] = asked.customer_id, asked.digest, used
        elif not entries:
            return
        self.posted.append(
            DrawnUsage(use, asked.customer_id, asked.at, self._recorded_at, asked.digest, used, entries)
        )


def _used_before(keys: Iterable[str]) -> dict[str, Posting]:
    """The postings under those of the keys that were used before."""
    known = sorted(keys)
    if connection.vendor == "postgresql":
        # One array instead of thousands of parameters, and mostly no answer.
        with connection.cursor() as cursor:
            cursor.execute("SELECT key FROM billing_posting WHERE key = ANY(%s)", [known])
            known = [key for (key,) in cursor.fetchall()]
    return {
        str(posting.key): posting
        for piece in pieces(known)
        for posting in Posting.objects.filter(key__in=piece)
    }


def _hands_reached(waiting: Sequence[_PendingUsage]) -> dict[str, _CustomerState]:
    """What the customers hold, locked; for one that was merged while this waited, what its survivor holds."""
    while True:
        hands = _hands_of(waiting)
        without = {
            key for key, each in hands.items() if any(not held.balances for held in each.holdings.values())
        }
        survivors = _survivors(without)
        if not survivors:
            return hands
        for each in waiting:
            each.customer_id = survivors.get(each.customer_id, each.customer_id)


def _hands_of(waiting: Sequence[_PendingUsage]) -> dict[str, _CustomerState]:
    """What the customers hold of the features they use, locked, in a fixed number of queries."""
    features: dict[str, set[str]] = defaultdict(set)
    for each in waiting:
        features[each.customer_id].add(each.use.feature.pk)
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
    """When the first of the plans begins that are scheduled, by customer."""
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
    """The part of a holding that a use of one feature draws, with the same rows."""
    if whole.costs.keys() == costs.keys():
        return DrawableBalances(costs, whole.balances, whole.grants, whole.rollovers, whole.overage_limits)
    balances = {key: each for key, each in whole.balances.items() if each.feature_id in costs}
    return DrawableBalances(
        costs,
        balances,
        {key: each for key, each in whole.grants.items() if each.balance_id in balances},
        {key: each for key, each in whole.rollovers.items() if each.balance_id in balances},
        {key: limit for key, limit in whole.overage_limits.items() if key in costs},
    )


def _well(
    holding: DrawableBalances, entity_id: str | None, at: datetime, version: int
) -> _SingleSource | None:
    """The grant that will give the next uses, if they are as plain as can be."""
    rows = drawing_order(holding.drawable_grants(at), entity_id)
    if any(row.unlimited for row in rows) or any(each.left > 0 for each in holding.rollovers.values()):
        return None
    first = next((row for row in rows if row.balance > 0), None)
    if first is None or first.credit_cost is not None:
        return None
    ends = [grant.expires_at for grant in holding.grants.values() if grant.expires_at is not None]
    due = holding.next_due()
    return _SingleSource(
        grant=holding.grants[first.id],
        room=first.balance,
        remaining=remaining_by_feature(holding, entity_id, rows, []),
        at=at,
        since=max((end for end in ends if end <= at), default=_ALWAYS),
        until=min([_FOREVER if due is None else due, *(end for end in ends if end > at)]),
        version=version,
    )
