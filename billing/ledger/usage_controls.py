"""The billing controls that bound a customer's usage: spend limits, usage limits, and whether overage is allowed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.db.models import Case, CharField, F, Value, When

from billing.ledger.usage_counts import UsageCounts
from billing.models import OverageAllowed, SpendLimit, UsageLimit
from billing.models.figures import FigureField
from billing.rules.drawing import OverageLimits, OverageOwner
from billing.rules.exact import EXACT

_HUNDRED = Decimal(100)
_FINEST = Decimal(1).scaleb(-10)


@dataclass(slots=True)
class UsageControls:
    """The controls of one customer that are in force. Keys are those of features and entities.

    `spend` has each spend limit with whether it is a percentage, by entity and feature, where None stands for the
    customer and for all features. `overage` says whether overage is allowed, by feature and entity.
    """

    spend: dict[tuple[str | None, str | None], tuple[Decimal, bool]] = field(default_factory=dict)
    overage: dict[tuple[str, str | None], bool] = field(default_factory=dict)
    limits: list[UsageLimit] = field(default_factory=list)
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

    def limits_of(self, feature_ids: Collection[str], entity_id: str | None) -> list[UsageLimit]:
        """The usage limits of these features that usage of the entity (None: of the customer) must keep."""
        found = []
        for feature_id in feature_ids:
            of_feature = [limit for limit in self.limits if limit.feature_id == feature_id]
            own = [
                limit for limit in of_feature if limit.entity_id is not None and limit.entity_id == entity_id
            ]
            found += own or [limit for limit in of_feature if limit.entity_id is None]
        return found


def controls_of(customer_ids: Iterable[str]) -> dict[str, UsageControls]:
    """The controls in force of each customer. One query, and one more if any has usage limits."""
    customers = list(customer_ids)
    found = {customer_id: UsageControls() for customer_id in customers}
    with_limits: set[str] = set()
    nothing = Value(None, output_field=FigureField())

    def rows(model: Any, kind: str, figure: Any, word: Any, **conditions: Any) -> Any:
        marked = model.objects.filter(customer_id__in=customers, **conditions).order_by()
        return marked.annotate(
            kind=Value(kind, output_field=CharField()), figure=figure, word=word
        ).values_list("kind", "customer_id", "entity_id", "feature_id", "figure", "word")

    no_word = Value("", output_field=CharField())
    switch = Case(When(enabled=True, then=Value("on")), default=Value("off"), output_field=CharField())
    query = rows(SpendLimit, "spend", F("overage_limit"), F("limit_type"), enabled=True).union(
        rows(OverageAllowed, "overage", nothing, switch, enabled__isnull=False),
        rows(UsageLimit, "usage", nothing, no_word, filter__isnull=True).exclude(enabled=False),
        all=True,
    )
    for kind, customer_id, entity_id, feature_id, figure, word in query:
        controls = found[customer_id]
        if kind == "overage":
            controls.overage[feature_id, entity_id] = word == "on"
        elif kind == "usage":
            with_limits.add(customer_id)
        elif figure is not None:
            is_percentage = word == SpendLimit.LimitType.USAGE_PERCENTAGE
            controls.spend[entity_id, feature_id] = figure, is_percentage
    if with_limits:
        limits = UsageLimit.objects.filter(customer_id__in=with_limits, filter__isnull=True).exclude(
            enabled=False
        )
        by_customer: dict[str, list[UsageLimit]] = defaultdict(list)
        for limit in limits.order_by("position", "pk"):
            by_customer[str(limit.customer_id)].append(limit)
        for customer_id, theirs in by_customer.items():
            found[customer_id].limits = theirs
    return found
