"""Load the rows that an explanation needs, in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import F

from billing.catalog.plan_items import item_of_grant
from billing.explain.types import EntryExplained
from billing.formats import name_of_grant, name_of_rollover
from billing.ledger.balance_figures import recent_usage
from billing.ledger.drawable_balances import DrawableBalances, credit_costs_of, drawable_balances_of
from billing.models import Balance, Entity, Feature, Grant, LedgerEntry, PlanItem, Posting, Rollover
from billing.rules.drawing_order import DrawableGrant, DrawableRollover
from customers.ingest.accounts import account_of
from customers.models import Customer

#: How many ledger lines of each balance are listed.
ENTRIES_SHOWN = 20
#: How many ended grants, and how many ended rollovers, are loaded.
_ENDED_READ = 50


@dataclass(slots=True, kw_only=True)
class Material:
    """A customer's balances of a feature and of its credit systems, the feature's own first.

    `rows` (grants) and `rollovers` count toward the figures. `left_out` do not count; the ones that ended are last, the
    latest of them first. `used` is the recent usage of each balance since `since`, both by balance ID. `entities` has
    names by entity ID, `items` has plan items by plan and feature. The other dictionaries are by the ID of a grant or
    rollover; `sources` names the grant that a rollover comes from.
    """

    at: datetime
    feature: Feature
    entity_id: str | None
    drawable: DrawableBalances
    balances: list[Balance]
    rows: list[DrawableGrant] = field(default_factory=list)
    rollovers: list[DrawableRollover] = field(default_factory=list)
    left_out: list[Grant | Rollover] = field(default_factory=list)
    grants: dict[str, Grant] = field(default_factory=dict)
    rollovers_by_id: dict[str, Rollover] = field(default_factory=dict)
    balance_of: dict[str, Balance] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    entities: dict[str, str] = field(default_factory=dict)
    items: dict[tuple[str, str], list[PlanItem]] = field(default_factory=dict)
    used: dict[str, Decimal] = field(default_factory=dict)
    since: dict[str, datetime] = field(default_factory=dict)

    def owner(self, entity_id: str | None) -> str:
        """The name of an entity; empty for the customer."""
        return "" if entity_id is None else self.entities.get(entity_id, entity_id)

    def full_name(self, row_id: str) -> str:
        """The name of a grant or rollover, with its entity in parentheses."""
        grant = self.grants.get(row_id) or self.rollovers_by_id[row_id].grant
        owner = self.owner(grant.entity_id if grant else None)
        return f"{self.names[row_id]} ({owner})" if owner else self.names[row_id]


def gather(
    customer: Customer, feature: Feature, at: datetime, entity: Entity | None, account_id: str | None = None
) -> Material:
    """Load the customer's balances of `feature` and of its credit systems; with `account_id`, those of one account."""
    costs = credit_costs_of(feature)
    found = Balance.objects.filter(customer=customer, feature_id__in=costs).select_related(
        "feature", "came_with"
    )
    rows = [row for row in found if account_id is None or account_of(row) == account_id]
    balances = sorted(rows, key=lambda balance: list(costs).index(str(balance.feature_id)))
    material = Material(
        at=at,
        feature=feature,
        entity_id=None if entity is None else str(entity.pk),
        drawable=drawable_balances_of(str(customer.pk), costs, balances),
        balances=balances,
    )
    _take_rows(material)
    _take_ended(material)
    _name(material)
    _take_items(material)
    _measure(material, customer)
    return material


def item_of(material: Material, grant: Grant) -> PlanItem | None:
    feature_id = str(material.balance_of[str(grant.pk)].feature_id)
    return item_of_grant(material.items.get((str(grant.plan_id), feature_id), ()), grant, feature_id)


def latest_entries(material: Material) -> dict[str, tuple[EntryExplained, ...]]:
    """The latest ledger lines of each balance, by balance ID, newest first. Ended grants and rollovers are left out."""
    found: list[LedgerEntry] = []
    for owner in ("grant", "rollover"):
        entries = LedgerEntry.objects.filter(
            # Each row counts its entries, so its last ones are found without reading a long ledger.
            number__gt=F(f"{owner}__entries") - ENTRIES_SHOWN,
            **{f"{owner}__balance__in": material.balances, f"{owner}__ended_at": None},
        )
        found += entries.select_related("posting").order_by("-posting_id", "-number")[
            : ENTRIES_SHOWN * max(1, len(material.balances))
        ]
    reversals = Posting.objects.filter(reverses_id__in={entry.posting_id for entry in found})
    taken_back = {str(posting.reverses_id): str(posting.pk) for posting in reversals.only("reverses")}
    by_balance: dict[str, list[EntryExplained]] = defaultdict(list)
    for entry in sorted(found, key=lambda each: (each.posting_id, each.number), reverse=True):
        row_id = str(entry.grant_id or entry.rollover_id)
        posting = entry.posting
        if row_id not in material.balance_of:
            continue
        of_balance = by_balance[str(material.balance_of[row_id].pk)]
        if len(of_balance) < ENTRIES_SHOWN:
            of_balance.append(
                EntryExplained(
                    posting_id=str(posting.pk),
                    kind=posting.get_kind_display(),
                    row=material.full_name(row_id),
                    figure=entry.get_figure_display(),
                    amount=entry.amount,
                    after=entry.after,
                    occurred_at=posting.occurred_at,
                    recorded_at=posting.recorded_at,
                    done_by=posting.done_by,
                    reason=posting.reason,
                    key=posting.key,
                    reverses=posting.reverses_id,
                    reversed_by=taken_back.get(str(posting.pk)),
                )
            )
    return {balance_id: tuple(entries) for balance_id, entries in by_balance.items()}


def _take_rows(material: Material) -> None:
    drawable = material.drawable
    for row in drawable.drawable_grants(material.at, material.entity_id):
        if row.entity_id is None or material.entity_id in (None, row.entity_id):
            material.rows.append(row)
    for rollover in drawable.drawable_rollovers(material.at):
        if rollover.entity_id is None or material.entity_id in (None, rollover.entity_id):
            material.rollovers.append(rollover)
    material.grants = dict(drawable.grants)
    material.rollovers_by_id = dict(drawable.rollovers)


def _take_ended(material: Material) -> None:
    """Fill `left_out` with the grants and rollovers that do not count, or have ended."""
    counted = {row.id for row in material.rows} | {row.id for row in material.rollovers}
    held: list[Grant | Rollover] = [*material.drawable.grants.values(), *material.drawable.rollovers.values()]
    material.left_out = [row for row in held if str(row.pk) not in counted]
    grants = Grant.objects.filter(balance__in=material.balances, ended_at__isnull=False)
    ended: list[Grant | Rollover] = list(
        grants.select_related("plan", "subscription", "purchase").order_by("-ended_at", "-pk")[:_ENDED_READ]
    )
    rollovers = Rollover.objects.filter(balance__in=material.balances, ended_at__isnull=False)
    ended += rollovers.select_related("grant").order_by("-ended_at", "-pk")[:_ENDED_READ]
    ended.sort(key=lambda row: row.ended_at or material.at, reverse=True)
    material.left_out += ended
    by_key = {str(balance.pk): balance for balance in material.balances}
    for row in [*held, *ended]:
        material.balance_of[str(row.pk)] = by_key[str(row.balance_id)]
        if isinstance(row, Grant):
            material.grants[str(row.pk)] = row
        else:
            material.rollovers_by_id[str(row.pk)] = row


def _name(material: Material) -> None:
    namesakes: dict[tuple[str, str | None, str], int] = defaultdict(int)
    for key, grant in sorted(material.grants.items()):
        name = name_of_grant(grant)
        place = name, grant.entity_id, grant.balance_id
        namesakes[place] += 1
        count = namesakes[place]
        material.names[key] = name if count == 1 else f"{name}, no. {count}"
    unknown = {row.grant_id for row in material.rollovers_by_id.values()} - material.grants.keys() - {None}
    sources = {str(row.pk): row for row in Grant.objects.filter(pk__in=unknown).select_related("plan")}
    opening = LedgerEntry.objects.filter(rollover_id__in=material.rollovers_by_id, number=1)
    made_at = {
        str(entry.rollover_id): entry.posting.occurred_at for entry in opening.select_related("posting")
    }
    for key, rollover in material.rollovers_by_id.items():
        source = material.grants.get(str(rollover.grant_id)) or sources.get(str(rollover.grant_id))
        material.sources[key] = name_of_grant(source) if source else ""
        material.names[key] = name_of_rollover(rollover, made_at.get(key), material.sources[key])
    owners = {row.entity_id for row in material.grants.values()}
    owners |= {row.grant.entity_id for row in material.rollovers_by_id.values() if row.grant}
    material.entities = {
        str(entity.pk): str(entity) for entity in Entity.objects.filter(pk__in=owners - {None})
    }


def _take_items(material: Material) -> None:
    plans = {grant.plan_id for grant in material.grants.values()} - {None}
    features = [balance.feature_id for balance in material.balances]
    for item in PlanItem.objects.filter(plan_id__in=plans, feature_id__in=features):
        material.items.setdefault((str(item.plan_id), str(item.feature_id)), []).append(item)


def _measure(material: Material, customer: Customer) -> None:
    lately = recent_usage([str(customer.pk)], [str(balance.pk) for balance in material.balances], material.at)
    material.since = {key: each.since for key, each in lately.items()}
    material.used = {key: each.amount for key, each in lately.items()}
