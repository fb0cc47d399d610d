"""The customers, balances and earlier postings that a batch of usage needs, loaded in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Min

from billing.ledger.drawable_balances import DrawableBalances, drawable_balances_by_customer
from billing.ledger.entries import locked_balances
from billing.models import CreditCost, Grant, Posting, Subscription
from billing.rules.drawing_order import drawing_order
from billing.usage.deduct import UsageRefused, UsageRequest, UsageResult, check_request, remaining_by_feature
from billing.usage.idempotency import KeyConflict, key_problem
from billing.usage.record import NOT_RENEWED, digest_of_request
from customers.bulk import pieces
from customers.lookup import survivor_of
from customers.models import Customer

UsageOutcome = UsageResult | UsageRefused | KeyConflict

_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class PendingUsage:
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
class SingleSource:
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
class CustomerState:
    """The balances of one customer while usages are deducted from them.

    `drawable` is by feature; all of its values share the same rows. `version` counts the changes. `is_waiting` is set
    once a usage has to wait, so that all later ones wait too.
    """

    drawable: dict[str, DrawableBalances]
    sources: dict[tuple[str, str | None], SingleSource | None] = field(default_factory=dict)
    version: int = 0
    is_waiting: bool = False


def survivors_of(customer_ids: Iterable[str]) -> dict[str, str]:
    """The merge survivors of those customers that were merged."""
    merged: list[str] = []
    for piece in pieces(customer_ids):
        found = Customer.objects.filter(pk__in=piece, merged_into__isnull=False)
        merged += [str(key) for key in found.values_list("pk", flat=True)]
    return {key: survivor_of(key) for key in merged}


def earlier_postings(keys: Iterable[str]) -> dict[str, Posting]:
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


def load_customers(waiting: Sequence[PendingUsage]) -> dict[str, CustomerState]:
    """Lock and load the balances of the customers; of a customer that was just merged, those of its survivor."""
    while True:
        customers = _lock_customers(waiting)
        without_balances = {
            key
            for key, state in customers.items()
            if any(not drawable.balances for drawable in state.drawable.values())
        }
        survivors = survivors_of(without_balances)
        if not survivors:
            return customers
        for each in waiting:
            each.customer_id = survivors.get(each.customer_id, each.customer_id)


def _lock_customers(waiting: Sequence[PendingUsage]) -> dict[str, CustomerState]:
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
        customer_id: CustomerState({key: _of_feature(whole[customer_id], costs[key]) for key in each})
        for customer_id, each in features.items()
    }


def scheduled_starts(customer_ids: Iterable[str]) -> dict[str, datetime]:
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


def single_source(
    drawable: DrawableBalances, entity_id: str | None, at: datetime, version: int
) -> SingleSource | None:
    """The grant that the next usages come from; None if anything but plain, open grants of the feature is involved."""
    starts = [start for grant in drawable.grants.values() for start in _starts_of(grant)]
    if drawable.controls.limits or drawable.controls.shares or any(start > at for start in starts):
        return None
    grants = drawing_order(drawable.drawable_grants(at), entity_id)
    if any(grant.unlimited for grant in grants) or any(each.left > 0 for each in drawable.rollovers.values()):
        return None
    first = next((grant for grant in grants if grant.balance > 0), None)
    if first is None or first.credit_cost is not None:
        return None
    ends = [grant.expires_at for grant in drawable.grants.values() if grant.expires_at is not None]
    due = drawable.next_due()
    return SingleSource(
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
