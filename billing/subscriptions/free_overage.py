"""Overage that a customer's spend limits say is counted and reset, but not billed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from billing.models import Grant, SpendLimit


@dataclass(frozen=True, slots=True)
class FreeOverage:
    """The enabled spend limits of a customer: entity, feature (None: all), and whether overage is free."""

    limits: tuple[tuple[str | None, str | None, bool], ...] = ()

    def covers(self, grant: Grant) -> bool:
        """Whether overage of the grant is free. An entity's own limit comes before the customer's, and that of its
        feature before the one of all features.
        """
        own = [
            (entity is not None, feature is not None, is_free)
            for entity, feature, is_free in self.limits
            if entity in (None, grant.entity_id) and feature in (None, grant.balance.feature_id)
        ]
        return max(own)[2] if own else False


def free_overage(customer_ids: Iterable[str]) -> Mapping[str, FreeOverage]:
    """By the ID of the customer, for those with a spend limit. One query."""
    found: dict[str, list[tuple[Any, Any, bool]]] = defaultdict(list)
    rows = SpendLimit.objects.filter(customer__in=list(customer_ids), enabled=True)
    for customer, entity, feature, skips in rows.values_list(
        "customer_id", "entity_id", "feature_id", "skip_overage_billing"
    ):
        found[str(customer)].append((entity, feature, skips is True))
    return {key: FreeOverage(tuple(limits)) for key, limits in found.items()}
