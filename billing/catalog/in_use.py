"""Which features and plan versions are in use."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from billing.catalog.rules import FeatureInUse
from billing.models import (
    Balance,
    CreditCost,
    Feature,
    Flag,
    Grant,
    License,
    Plan,
    PlanItem,
    Purchase,
    Subscription,
)
from customers.bulk import pieces

#: The condition that an item has an amount, a reset, a price or a rollover. An item of a boolean feature can't.
_COUNTED = ~Q(included=0) | ~Q(reset_interval="") | ~Q(billing_method="") | ~Q(rollover_expiry_unit="")


def is_in_use(plan: Plan) -> bool:
    """Whether a customer has or had this version, by a subscription, purchase, license, grant or flag."""
    this = OuterRef("pk")
    used = (
        Exists(Subscription.objects.filter(plan=this))
        | Exists(Purchase.objects.filter(plan=this))
        | Exists(License.objects.filter(Q(license_plan=this) | Q(parent_plan=this)))
        | Exists(Grant.objects.filter(plan=this))
        | Exists(Flag.objects.filter(plan=this))
    )
    return Plan.objects.filter(pk=plan.pk).filter(used).exists()


def uses_of(features: Iterable[Feature]) -> dict[str, FeatureInUse]:
    """How each feature is in use, by its key."""
    this = OuterRef("pk")
    uses: dict[str, FeatureInUse] = {}
    for piece in pieces(feature.pk for feature in features):
        rows = Feature.objects.filter(pk__in=piece).values_list(
            "pk",
            Exists(Balance.objects.filter(feature=this)),
            Exists(Flag.objects.filter(feature=this)),
            Exists(PlanItem.objects.filter(_COUNTED, feature=this)),
            Exists(CreditCost.objects.filter(metered_feature=this)),
        )
        uses |= {str(key): FeatureInUse(*found) for key, *found in rows}
    return uses
