"""The shares of a customer's balances that are allocated to its entities.

What the customer as a whole is granted per interval is shared out: an entity uses at most its share, and everybody else
what is left. If more is requested than there is, all shares shrink in proportion. What an entity is granted itself comes
on top of its share.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

from billing.models import BillingAccount, Entity, Feature, Grant, Rollover, UsageLimit
from billing.rules.exact import EXACT, ZERO, total

_FINEST = Decimal(1).scaleb(-10)


@dataclass(slots=True)
class Shares:
    """What is requested of one feature per interval, by the key of the entity."""

    customer_id: str
    feature: Feature
    interval: str
    requested: dict[str, Decimal] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)
    #: One for each entity, and one for everybody else, so that what is counted of them is read once.
    _limits: dict[str | None, UsageLimit] = field(default_factory=dict)

    def limits(
        self,
        grants: Iterable[tuple[str, Grant]],
        rollovers: Iterable[tuple[str, Rollover]],
        *,
        may_exceed: bool,
    ) -> list[UsageLimit]:
        """The shares as limits of usage in the interval. `grants` and `rollovers` come with the keys of their features.

        None if there is nothing to share in that interval, or without end. If usage `may_exceed` the balance, only the
        entities with a share are held to it. An entity with an unlimited grant of its own is held to nothing.
        """
        granted: dict[str | None, Decimal] = defaultdict(Decimal)
        free: set[str] = set()
        for feature_id, grant in grants:
            if feature_id != self.feature.pk:
                continue
            if grant.unlimited:
                if grant.entity_id is None:
                    return []
                free.add(grant.entity_id)
            is_other = (grant.reset_interval, grant.reset_interval_count or 1) != (self.interval, 1)
            if grant.entity_id is None and is_other:
                continue
            held = EXACT.add(grant.included_grant, grant.prepaid_grant)
            granted[grant.entity_id] = EXACT.add(granted[grant.entity_id], held)
        for feature_id, rollover in rollovers:
            if feature_id == self.feature.pk:
                owner = rollover.grant.entity_id if rollover.grant else None
                granted[owner] = EXACT.add(granted[owner], rollover.granted)
        if None not in granted:
            return []
        shared, requested = granted[None], total(self.requested.values())
        shares = {
            key: amount
            if requested <= shared
            else EXACT.divide(EXACT.multiply(amount, shared), requested).quantize(_FINEST, ROUND_FLOOR, EXACT)
            for key, amount in self.requested.items()
        }
        found = [
            self._limit(key, EXACT.add(share, granted[key]))
            for key, share in shares.items()
            if key not in free
        ]
        # What an entity that is held to nothing uses would count for everybody else.
        if not may_exceed and not free:
            own = total(amount for key, amount in granted.items() if key is not None and key not in shares)
            rest = EXACT.subtract(EXACT.add(shared, own), total(shares.values()))
            found.append(self._limit(None, rest))
        return found

    def _limit(self, entity_id: str | None, amount: Decimal) -> UsageLimit:
        limit = self._limits.get(entity_id)
        if limit is None:
            limit = UsageLimit(
                customer_id=self.customer_id,
                feature=self.feature,
                entity=None if entity_id is None else self.entities[entity_id],
                interval=self.interval,
            )
            self._limits[entity_id] = limit
        limit.limit = max(ZERO, amount)
        return limit


def shares_of(customer_ids: Collection[str]) -> Mapping[str, list[Shares]]:
    """The shares of each of these customers, in three queries. Entities and features that nobody knows have none."""
    accounts = BillingAccount.objects.filter(
        customer_id__in=customer_ids, balance_allocations__isnull=False
    ).order_by("pk")
    rows = [(account, group) for account in accounts for group in _groups(account.balance_allocations)]
    features = {
        feature.feature_id: feature
        for feature in Feature.objects.filter(feature_id__in={group.feature_id for _, group in rows})
    }
    entities = {
        (entity.customer_id, entity.came_with_id, entity.entity_id): entity
        for entity in Entity.objects.filter(customer_id__in=customer_ids, removed_at=None)
    }
    found: dict[str, list[Shares]] = defaultdict(list)
    for account, group in rows:
        feature = features.get(group.feature_id)
        if feature is None or group.interval not in UsageLimit.Interval.values:
            continue
        shares = Shares(str(account.customer_id), feature, group.interval)
        for each in group.allocations:
            entity = entities.get((account.customer_id, account.came_with_id, each.entity_id))
            if entity is not None and each.amount > 0:
                shares.requested[str(entity.pk)] = each.amount
                shares.entities[str(entity.pk)] = entity
        if shares.requested:
            found[shares.customer_id].append(shares)
    return found


@dataclass(frozen=True, slots=True)
class _Share:
    entity_id: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class _Group:
    feature_id: str
    interval: str
    allocations: list[_Share]


def _groups(stored: Any) -> list[_Group]:
    """What is stored, as importers and forms write it. Anything else shares nothing out, so that usage goes on."""
    try:
        return [
            _Group(
                str(group["feature_id"]),
                str(group["interval"]),
                [
                    _Share(str(each["entity_id"]), Decimal(str(each["amount"])))
                    for each in group["allocations"]
                ],
            )
            for group in stored or ()
        ]
    except (TypeError, KeyError, InvalidOperation):
        return []
