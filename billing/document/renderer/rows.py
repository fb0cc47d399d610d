"""Fetches the rows of billing documents for many customers at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from msgspec import UNSET, UnsetType

from billing.document import schema
from billing.document.renderer.catalog import RenderedCatalog, render_catalog
from billing.ledger.limits_in_use import used_of_limits
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
    OverageAllowed,
    Plan,
    Purchase,
    Referral,
    Rollover,
    SpendLimit,
    Subscription,
    TrialUsed,
    UsageAlert,
    UsageLimit,
)
from customers.ingest.accounts import account_of, places_of, rows_of_accounts
from customers.models import Customer, shown_once

M = TypeVar("M", bound=Model)
#: Rows by the key of their customer or balance.
Grouped = Mapping[str, Sequence[M]]

#: Lists that are fetched only when expanded, and the name that expands them.
ON_REQUEST = {
    "invoices": "invoices",
    "entities": "entities",
    "trials_used": "trials_used",
    "discounts": "rewards",
    "referrals": "referrals",
}
#: The controls that an entity can have of its own.
CONTROLS_OF_ENTITIES = ("spend_limits", "usage_limits", "usage_alerts", "overage_allowed")


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRows:
    """The rows of some customers. `plan_ids`, `feature_ids` and `entity_ids` are the IDs in documents, by the rows' keys.

    `entity_ids` has the entities with controls of their own. `used` is what is used of each usage limit, by its key.
    `catalog` has the plans and features that are expanded.
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
    usage_limits: Grouped[UsageLimit]
    usage_alerts: Grouped[UsageAlert]
    overage_allowed: Grouped[OverageAllowed]
    invoices: Grouped[Invoice]
    entities: Grouped[Entity]
    trials_used: Grouped[TrialUsed]
    discounts: Grouped[Discount]
    referrals: Grouped[Referral]
    plan_ids: Mapping[str, str]
    feature_ids: Mapping[str, str]
    entity_ids: Mapping[str, str | None]
    used: Mapping[str, Decimal | None]
    catalog: RenderedCatalog
    expand: Collection[str]
    at: datetime

    def plan(self, key: str, name: str) -> schema.Plan | UnsetType:
        """The plan in full, if `name` is expanded and the plan isn't a stub."""
        return self.catalog.plans.get(key, UNSET) if name in self.expand else UNSET

    def feature(self, key: str, name: str) -> schema.Feature | UnsetType:
        """The feature in full, if `name` is expanded and the feature isn't a stub."""
        return self.catalog.features.get(key, UNSET) if name in self.expand else UNSET


def fetch_rows(
    customers: Sequence[Customer], expand: Collection[str], at: datetime, *, apart: bool = False
) -> BillingRows:
    """The rows of `customers` at a moment, with what is expanded, in a fixed number of queries.

    With `apart`, those of the account of each, merged or not, without those that others brought.
    """
    lists: dict[str, QuerySet[Any]] = {
        "subscriptions": Subscription.objects.running(),
        "purchases": Purchase.objects.begun(),
        "licenses": License.objects.all(),
        "balances": Balance.objects.all(),
        "flags": Flag.objects.all(),
        "auto_topups": AutoTopup.objects.all(),
        "spend_limits": SpendLimit.objects.all(),
        "usage_limits": UsageLimit.objects.all(),
        "usage_alerts": UsageAlert.objects.all(),
        "overage_allowed": OverageAllowed.objects.all(),
    }
    on_request: dict[str, QuerySet[Any]] = {
        "invoices": Invoice.objects.filter(removed_at=None),
        "entities": Entity.objects.filter(removed_at=None),
        "trials_used": TrialUsed.objects.all(),
        "discounts": Discount.objects.all(),
        "referrals": Referral.objects.all(),
    }
    lists |= {name: rows for name, rows in on_request.items() if ON_REQUEST[name] in expand}
    places = places_of(customers)

    def theirs(rows: QuerySet[Any], scope: str = "customer") -> QuerySet[Any]:
        return rows_of_accounts(rows, places, scope) if apart else rows.filter(**{f"{scope}__in": customers})

    found: dict[str, Sequence[Any]] = {
        name: list(theirs(rows).order_by("position", "pk")) for name, rows in lists.items()
    }
    for name, counted in (("grants", Grant.objects.counted(at)), ("rollovers", Rollover.objects.counted(at))):
        found[name] = list(theirs(counted, "balance__customer").order_by("position", "pk"))
    return arrange_rows(found, theirs(BillingAccount.objects.all()), expand, at, apart=apart)


def arrange_rows(
    found: Mapping[str, Sequence[Any]],
    accounts: Iterable[BillingAccount],
    expand: Collection[str],
    at: datetime,
    *,
    apart: bool = False,
    known_at: datetime | None = None,
) -> BillingRows:
    """`BillingRows` of the rows in `found`: the rows of each list, in order, by the name of the list.

    With `apart` they are those of accounts, by the key of the account's customer. With `known_at`, the rows are those
    that were known then.

    Fetches the plans and features that the rows refer to, as they are now: the terms of a plan version never change.
    """
    plans = Plan.objects.in_bulk(_keys(Plan, found.values()))
    features = Feature.objects.in_bulk(_keys(Feature, found.values()))
    # Few customers have controls of entities.
    with_entity = _keys(Entity, [found.get(name, ()) for name in CONTROLS_OF_ENTITIES])
    entities = Entity.objects.in_bulk(with_entity) if with_entity else {}
    expanded_plans = _keys(Plan, [rows for name, rows in found.items() if f"{name}.plan" in expand])
    expanded_features = _keys(Feature, [rows for name, rows in found.items() if f"{name}.feature" in expand])
    owner = account_of if apart else _customer_of
    groups = {
        name: _grouped(found.get(name, ()), _balance_of if name in ("grants", "rollovers") else owner)
        for name in {**found, **ON_REQUEST}
    }
    return BillingRows(
        accounts={owner(row): row for row in shown_once(accounts, owner)},
        plan_ids={key: plan.plan_id for key, plan in plans.items()},
        feature_ids={key: feature.feature_id for key, feature in features.items()},
        entity_ids={key: entity.entity_id for key, entity in entities.items()},
        used=used_of_limits(found.get("usage_limits", ()), at, known_at=known_at),
        catalog=render_catalog(
            [features[key] for key in expanded_features], [plans[key] for key in expanded_plans]
        ),
        expand=expand,
        at=at,
        **groups,
    )


def _grouped(rows: Iterable[Any], key: Callable[[Any], str]) -> Grouped[Any]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _customer_of(row: Any) -> str:
    return str(row.customer_id)


def _balance_of(row: Any) -> str:
    return str(row.balance_id)


def _keys(kind: type[Model], lists: Iterable[Sequence[Model]]) -> list[str]:
    """The keys of all rows of the model `kind` that rows in `lists` refer to."""
    keys: dict[str, None] = {}
    for rows in lists:
        if rows:
            columns = [
                field.attname for field in rows[0]._meta.concrete_fields if field.related_model is kind
            ]
            keys |= dict.fromkeys(getattr(row, column) for row in rows for column in columns)
    return [key for key in keys if key is not None]
