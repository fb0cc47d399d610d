"""The billing controls that bound a customer's usage: spend limits, usage limits, and whether overage is allowed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import connection

from billing.ledger.allocations import Shares, shares_of
from billing.ledger.usage_counts import UsageCounts
from billing.models import SpendLimit, UsageLimit
from billing.rules.drawing import OverageLimits, OverageOwner
from billing.rules.exact import EXACT
from customers.bulk import pieces
from customers.models import Customer
from customers.typed_ids import to_typed_id

_HUNDRED = Decimal(100)
_FINEST = Decimal(1).scaleb(-10)
_IN_FORCE = """
SELECT 'spend', customer_id, entity_id, feature_id, overage_limit, limit_type, position FROM billing_spendlimit
WHERE enabled AND overage_limit IS NOT NULL AND customer_id IN ({customers})
UNION ALL
SELECT 'overage', customer_id, entity_id, feature_id, NULL, CASE WHEN enabled THEN 'on' ELSE 'off' END, position
FROM billing_overageallowed WHERE enabled IS NOT NULL AND customer_id IN ({customers})
UNION ALL
SELECT 'usage', customer_id, NULL, NULL, NULL, '', 0 FROM billing_usagelimit
WHERE (enabled IS NULL OR enabled) AND "filter" IS NULL AND customer_id IN ({customers})
UNION ALL
SELECT 'share', customer_id, NULL, NULL, NULL, '', 0 FROM billing_billingaccount
WHERE balance_allocations IS NOT NULL AND customer_id IN ({customers})
"""


@dataclass(slots=True)
class UsageControls:
    """The controls of one customer that are in force. Keys are those of features and entities.

    `spend` has each spend limit with whether it is a percentage, by entity and feature, where None stands for the
    customer and for all features. `overage` says whether overage is allowed, by feature and entity. `shares` are what is
    allocated to entities.
    """

    spend: dict[tuple[str | None, str | None], tuple[Decimal, bool]] = field(default_factory=dict)
    overage: dict[tuple[str, str | None], bool] = field(default_factory=dict)
    limits: list[UsageLimit] = field(default_factory=list)
    shares: list[Shares] = field(default_factory=list)
    counts: UsageCounts = field(default_factory=UsageCounts)

    def may_exceed(self, feature_id: str, entity_id: str | None) -> bool | None:
        """Whether usage of the entity (None: of the customer) may exceed the balance; None leaves it to the grants."""
        of_customer = self.overage.get((feature_id, None))
        return self.overage.get((feature_id, entity_id), of_customer)

    def overage_limits(
        self, feature_ids: Collection[str], included: Mapping[OverageOwner, Decimal]
    ) -> OverageLimits:
        """The spend limits of these features in units: each feature's own, else the one for all features.

        `included` is what main plans include of each feature: what a percentage is of.
        """
        found: dict[OverageOwner, Decimal] = {}
        for entity_id in {entity_id for entity_id, _ in self.spend}:
            for feature_id in feature_ids:
                limit = self.spend.get((entity_id, feature_id)) or self.spend.get((entity_id, None))
                if limit is None:
                    continue
                owner = feature_id if entity_id is None else (feature_id, entity_id)
                figure, is_percentage = limit
                if is_percentage:
                    share = EXACT.divide(EXACT.multiply(figure, included.get(owner, Decimal(0))), _HUNDRED)
                    figure = share.quantize(_FINEST, ROUND_FLOOR, EXACT)
                found[owner] = figure
        return found


def limits_for(
    limits: Iterable[UsageLimit], feature_ids: Collection[str], entity_id: str | None
) -> list[UsageLimit]:
    """Those of the limits on these features that usage of the entity (None: of the customer) must keep."""
    found, all_limits = [], list(limits)
    for feature_id in feature_ids:
        of_feature = [limit for limit in all_limits if limit.feature_id == feature_id]
        own = [limit for limit in of_feature if limit.entity_id is not None and limit.entity_id == entity_id]
        found += own or [limit for limit in of_feature if limit.entity_id is None]
    return found


def controls_of(customer_ids: Iterable[str]) -> dict[str, UsageControls]:
    """The controls in force of each customer. One query, one more if any has usage limits, three if any has allocations.

    The query is written out, because every usage makes it: building it of three query sets takes longer than it runs.
    """
    found = {customer_id: UsageControls() for customer_id in customer_ids}
    with_limits: set[str] = set()
    with_shares: set[str] = set()
    for piece in pieces(found):
        for kind, customer, entity, feature, figure, word, _ in sorted(_rows(piece), key=itemgetter(-1)):
            customer_id = to_typed_id(_uuid(customer), "cus")
            controls = found[customer_id]
            entity_id = None if entity is None else to_typed_id(_uuid(entity), "ent")
            feature_id = None if feature is None else to_typed_id(_uuid(feature), "feat")
            if kind == "usage":
                with_limits.add(customer_id)
            elif kind == "share":
                with_shares.add(customer_id)
            elif kind == "spend":
                is_percentage = word == SpendLimit.LimitType.USAGE_PERCENTAGE
                controls.spend[entity_id, feature_id] = Decimal(str(figure)), is_percentage
            elif feature_id is not None:
                controls.overage[feature_id, entity_id] = word == "on"
    if with_limits:
        limits = UsageLimit.objects.filter(customer_id__in=with_limits, filter__isnull=True)
        for limit in limits.exclude(enabled=False).order_by("position", "pk"):
            found[str(limit.customer_id)].limits.append(limit)
    if with_shares:
        for customer_id, shares in shares_of(with_shares).items():
            found[customer_id].shares = shares
    return found


def _rows(customer_ids: Sequence[str]) -> list[tuple[Any, ...]]:
    marks = ", ".join(["%s"] * len(customer_ids))
    key = Customer._meta.pk
    keys = [key.get_db_prep_value(customer_id, connection) for customer_id in customer_ids]
    with connection.cursor() as cursor:
        # Only the number of placeholders is put into the text.
        cursor.execute(_IN_FORCE.format(customers=marks), keys * 4)
        return list(cursor.fetchall())


def _uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)
