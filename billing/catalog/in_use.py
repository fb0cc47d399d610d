"""Who uses what is in the catalogue."""

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

#: An item that says more of its feature than that the plan has it.
_COUNTED = ~Q(included=0) | ~Q(reset_interval="") | ~Q(billing_method="") | ~Q(rollover_expiry_unit="")


def is_in_use(plan: Plan) -> bool:
    """Whether a customer has or had this version: a subscription or purchase, ended or not, seats, a grant, a flag."""
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
    """What there is of each of `features`, by the keys of their rows."""
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
