"""The rows that billing documents are made of, fetched for many customers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from msgspec import UNSET, UnsetType

from billing.document import schema
from billing.document.renderer.catalog import RenderedCatalog, render_catalog
from billing.models import (
    AutoTopup,
    Balance,
    BillingAccount,
    Discount,
    Entity,
    Feature,
    Flag,
    Grant,
    Invoice,
    License,
    Plan,
    Purchase,
    Referral,
    Rollover,
    SpendLimit,
    Subscription,
    TrialUsed,
    UsageAlert,
)
from customers.models import Customer

M = TypeVar("M", bound=Model)
#: Rows by the key of the customer or the balance that they belong to.
Grouped = Mapping[str, Sequence[M]]

#: Lists that are fetched only when they are expanded, and by which name.
ON_REQUEST = {
    "invoices": "invoices",
    "entities": "entities",
    "trials_used": "trials_used",
    "discounts": "rewards",
    "referrals": "referrals",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRows:
    """What is shown of some customers. `plan_ids` and `feature_ids` are the names that documents use, by key.

    `catalog` has the plans and features that are to be shown in full.
    """

    accounts: Mapping[str, BillingAccount]
    subscriptions: Grouped[Subscription]
    purchases: Grouped[Purchase]
    licenses: Grouped[License]
    balances: Grouped[Balance]
    grants: Grouped[Grant]
    rollovers: Grouped[Rollover]
    flags: Grouped[Flag]
    auto_topups: Grouped[AutoTopup]
    spend_limits: Grouped[SpendLimit]
    usage_alerts: Grouped[UsageAlert]
    invoices: Grouped[Invoice]
    entities: Grouped[Entity]
    trials_used: Grouped[TrialUsed]
    discounts: Grouped[Discount]
    referrals: Grouped[Referral]
    plan_ids: Mapping[str, str]
    feature_ids: Mapping[str, str]
    catalog: RenderedCatalog
    expand: Collection[str]
    at: datetime

    def plan(self, key: str, name: str) -> schema.Plan | UnsetType:
        """A plan in full, if `name` is expanded and somebody has described it."""
        return self.catalog.plans.get(key, UNSET) if name in self.expand else UNSET

    def feature(self, key: str, name: str) -> schema.Feature | UnsetType:
        """A feature in full, if `name` is expanded and somebody has described it."""
        return self.catalog.features.get(key, UNSET) if name in self.expand else UNSET


def fetch_rows(customers: Sequence[Customer], expand: Collection[str], at: datetime) -> BillingRows:
    """The rows of `customers` at an instant, and of what is expanded, in a fixed number of queries."""
    lists: dict[str, QuerySet[Any]] = {
        "subscriptions": Subscription.objects.running(),
        "purchases": Purchase.objects.filter(removed_at=None),
        "licenses": License.objects.all(),
        "balances": Balance.objects.all(),
        "flags": Flag.objects.all(),
        "auto_topups": AutoTopup.objects.all(),
        "spend_limits": SpendLimit.objects.all(),
        "usage_alerts": UsageAlert.objects.all(),
    }
    on_request: dict[str, QuerySet[Any]] = {
        "invoices": Invoice.objects.filter(removed_at=None),
        "entities": Entity.objects.filter(removed_at=None),
        "trials_used": TrialUsed.objects.all(),
        "discounts": Discount.objects.all(),
        "referrals": Referral.objects.all(),
    }
    lists |= {name: rows for name, rows in on_request.items() if ON_REQUEST[name] in expand}
    found: dict[str, Sequence[Any]] = {
        name: list(rows.filter(customer__in=customers).order_by("position", "pk"))
        for name, rows in lists.items()
    }
    found["grants"] = list(
        Grant.objects.counted(at).filter(balance__customer__in=customers).order_by("position", "pk")
    )
    found["rollovers"] = list(
        Rollover.objects.counted(at).filter(balance__customer__in=customers).order_by("position", "pk")
    )
    return arrange_rows(found, BillingAccount.objects.filter(customer__in=customers), expand, at)


def arrange_rows(
    found: Mapping[str, Sequence[Any]],
    accounts: Iterable[BillingAccount],
    expand: Collection[str],
    at: datetime,
) -> BillingRows:
    """The rows found, by the names of their lists and in order, as documents are made of them.

    What they name of the catalog is fetched: versions of plans never change what they grant, and their names and
    descriptions are shown as they are now.
    """
    plans = Plan.objects.in_bulk(_keys(Plan, found.values()))
    features = Feature.objects.in_bulk(_keys(Feature, found.values()))
    expanded_plans = _keys(Plan, [rows for name, rows in found.items() if f"{name}.plan" in expand])
    expanded_features = _keys(Feature, [rows for name, rows in found.items() if f"{name}.feature" in expand])
    groups = {
        name: _grouped(
            found.get(name, ()), "balance_id" if name in ("grants", "rollovers") else "customer_id"
        )
        for name in {**found, **ON_REQUEST}
    }
    return BillingRows(
        accounts={row.customer_id: row for row in accounts},
        plan_ids={key: plan.plan_id for key, plan in plans.items()},
        feature_ids={key: feature.feature_id for key, feature in features.items()},
        catalog=render_catalog(
            [features[key] for key in expanded_features], [plans[key] for key in expanded_plans]
        ),
        expand=expand,
        at=at,
        **groups,
    )


def _grouped(rows: Iterable[Any], by: str) -> Grouped[Any]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, by)].append(row)
    return groups


def _keys(kind: type[Model], lists: Iterable[Sequence[Model]]) -> list[str]:
    """The keys of all rows of `kind` that the rows in `lists` point at."""
    keys: dict[str, None] = {}
    for rows in lists:
        if rows:
            columns = [
                field.attname for field in rows[0]._meta.concrete_fields if field.related_model is kind
            ]
            keys |= dict.fromkeys(getattr(row, column) for row in rows for column in columns)
    return [key for key in keys if key is not None]
