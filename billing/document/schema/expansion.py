"""The view of the billing document that readers get: without what they didn't expand."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from msgspec import UNSET, UnsetType, structs

from billing.document.schema.balance import Balance, Flag
from billing.document.schema.catalog import Feature, Plan
from billing.document.schema.customer import BillingCustomer
from billing.document.schema.subscription import Purchase, Subscription
from customers.json_types import JsonDocument

_D = TypeVar("_D", bound=JsonDocument)

_OWN_KEYS = ("invoices", "entities", "trials_used", "rewards", "referrals", "payment_method")
#: Keys that the billing platform fills: expanded, they come back as they were received. `previews` adds our own invoices.
_RECEIVED_KEYS = ("billing_details", "invoice_previews")

#: The values of `?expand=`. The purchase limits of top-ups are always included: the client may ask for them all the same.
EXPANDABLE = frozenset(
    {
        *_OWN_KEYS,
        *_RECEIVED_KEYS,
        "billing_controls.auto_topups.purchase_limit",
        "subscriptions.plan",
        "purchases.plan",
        "balances.feature",
        "flags.feature",
    }
)


def expanded(document: BillingCustomer, names: Collection[str]) -> BillingCustomer:
    """A copy of the full `document` without the `EXPANDABLE` keys that are not in `names`.

    Empty optional lists are left out, unless they are in `names`. Features of plan items are always left out, because
    the billing client can't parse them. Raises `ValueError` for a name that can't be expanded.
    """
    unknown = sorted(set(names) - EXPANDABLE)
    if unknown:
        raise ValueError(f"Cannot expand {', '.join(unknown)}: expected {', '.join(sorted(EXPANDABLE))}")
    changes: dict[str, Any] = {name: UNSET for name in _OWN_KEYS if name not in names}
    if document.billing_controls is not UNSET:
        changes["billing_controls"] = _without_empty(document.billing_controls)
    if document.subscriptions is not UNSET:
        with_plan = "subscriptions.plan" in names
        changes["subscriptions"] = [_shown_plan(each, with_plan) for each in document.subscriptions]
    if document.purchases is not UNSET:
        with_plan = "purchases.plan" in names
        changes["purchases"] = [_shown_plan(each, with_plan) for each in document.purchases]
    if document.balances is not UNSET:
        with_feature = "balances.feature" in names
        changes["balances"] = _shown_features(document.balances, with_feature)
    if document.flags is not UNSET:
        with_feature = "flags.feature" in names
        changes["flags"] = _shown_features(document.flags, with_feature)
    return structs.replace(document, **changes)


_HasPlan = TypeVar("_HasPlan", Subscription, Purchase)
_HasFeature = TypeVar("_HasFeature", Balance, Flag)


def _shown_plan(item: _HasPlan, with_plan: bool) -> _HasPlan:
    return structs.replace(item, plan=_plan(item.plan) if with_plan else UNSET)


def _shown_features(items: dict[str, _HasFeature], with_feature: bool) -> dict[str, _HasFeature]:
    return {
        key: _without_empty(structs.replace(item, feature=_feature(item.feature) if with_feature else UNSET))
        for key, item in items.items()
    }


def _plan(plan: Plan | UnsetType) -> Plan | UnsetType:
    if plan is UNSET:
        return UNSET
    return structs.replace(plan, items=[structs.replace(item, feature=UNSET) for item in plan.items])


def _feature(feature: Feature | UnsetType) -> Feature | UnsetType:
    return UNSET if feature is UNSET else _without_empty(feature)


def _without_empty(document: _D) -> _D:
    empty = {name: UNSET for name, value in structs.asdict(document).items() if value == []}
    return structs.replace(document, **empty) if empty else document
