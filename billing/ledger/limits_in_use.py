"""How much is used of the usage limits of many customers, for documents and pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from billing.ledger.usage_counts import CountedLimit, counted, entities_with_their_own, interval_at
from billing.models import CreditCost, Grant, UsageLimit
from customers.models import Customer


def used_of_limits(
    limits: Sequence[UsageLimit], at: datetime, *, known_at: datetime | None = None
) -> dict[str, Decimal | None]:
    """What is used of each limit in its interval at `at`, by the key of the limit; None if nothing was ever counted.

    A limit of certain properties, which are not known of usage here, keeps the billing platform's count. With `known_at`,
    usage that was recorded later is left out. Four queries, and one for each 100 limits; none without limits.
    """
    found: dict[str, Decimal | None] = {}
    ours = [limit for limit in limits if limit.filter is None]
    if ours:
        found = {str(each.limit.pk): used for each, used in _counted(ours, at, known_at)}
    for limit in limits:
        if limit.filter is not None:
            found[str(limit.pk)] = limit.reported
    return found


def intervals_of_limits(limits: Sequence[UsageLimit], at: datetime) -> list[CountedLimit]:
    """Each limit in its interval at `at`, in three queries."""
    features = {str(limit.feature_id) for limit in limits}
    costs: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for cost in CreditCost.objects.filter(metered_feature__pk__in=features):
        costs[str(cost.metered_feature_id)][str(cost.credit_system_id)] = cost.credit_cost
    grants = _grants(limits, {*features, *(key for each in costs.values() for key in each)}, at)
    others = entities_with_their_own(limits)
    return [
        CountedLimit(
            limit=limit,
            start=start,
            end=end,
            costs=costs[str(limit.feature_id)],
            others=others.get((str(limit.customer_id), str(limit.feature_id)), frozenset()),
        )
        for limit in limits
        for start, end in (
            interval_at(limit, costs[str(limit.feature_id)], grants[str(limit.customer_id)], at),
        )
    ]


def _counted(
    limits: Sequence[UsageLimit], at: datetime, known_at: datetime | None
) -> Iterable[tuple[CountedLimit, Decimal | None]]:
    counting = intervals_of_limits(limits, at)
    customers = {str(limit.customer_id) for limit in limits}
    postings_of: dict[str, list[str]] = {key: [key] for key in customers}
    merged = Customer.objects.filter(merged_into__pk__in=customers).values_list("merged_into", "pk")
    for survivor, key in merged:
        postings_of[str(survivor)].append(str(key))
    for each, used in zip(counting, counted(counting, postings_of, known_at=known_at), strict=True):
        is_unknown = not used and each.limit.reported is None
        yield each, None if is_unknown else used


def _grants(
    limits: Sequence[UsageLimit], feature_ids: Collection[str], at: datetime
) -> dict[str, list[tuple[str, Grant]]]:
    """The grants of plans, by customer, with the keys of their features."""
    rows = Grant.objects.counted(at).filter(
        balance__customer__pk__in={str(limit.customer_id) for limit in limits},
        balance__feature__pk__in=feature_ids,
        plan__isnull=False,
    )
    found: dict[str, list[tuple[str, Grant]]] = defaultdict(list)
    for grant in rows.select_related("balance", "subscription", "purchase", "plan"):
        found[str(grant.balance.customer_id)].append((str(grant.balance.feature_id), grant))
    return found
