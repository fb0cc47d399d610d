"""The billing document of a customer as it was known at a moment.

Figures come from the last ledger entry recorded by then, everything else from the histories. The catalog is the current
one: what a plan version grants never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Model, OuterRef, Subquery

from billing.document.renderer import render_customer
from billing.document.renderer.rows import ON_REQUEST, BillingRows, arrange_rows
from billing.document.schema import BillingCustomer
from billing.models import (
    AutoTopup,
    Balance,
    BillingAccount,
    Discount,
    Entity,
    Flag,
    Grant,
    Invoice,
    LedgerEntry,
    License,
    Purchase,
    Referral,
    Rollover,
    SpendLimit,
    Subscription,
    TrialUsed,
    UsageAlert,
)
from billing.rules.figures import counts
from customers.as_of import (
    KnownCustomer,
    in_order,
    known_at,
    last_history_rows,
    latest_at,
    row_of,
    was_deleted,
)

M = TypeVar("M", Grant, Rollover)

_FIGURES: dict[type[Model], tuple[str, ...]] = {
    Grant: ("included_grant", "prepaid_grant", "usage"),
    Rollover: ("granted", "left"),
}


def render_known(known: KnownCustomer, expand: Collection[str] = frozenset()) -> BillingCustomer:
    """The billing document of a customer as it was known, without the expandable keys that are not in `expand`."""
    return render_customer(known.customer, rows_known(known, expand))


def rows_known(known: KnownCustomer, expand: Collection[str]) -> BillingRows:
    """The customer's rows as they were known, in a number of queries that depends on `expand` alone."""
    kinds: dict[str, tuple[type[Model], Callable[[Any], bool]]] = {
        "subscriptions": (Subscription, lambda row: row.status != Subscription.Status.ENDED),
        "purchases": (Purchase, _is_listed),
        "licenses": (License, _is_any),
        "flags": (Flag, _is_any),
        "auto_topups": (AutoTopup, _is_any),
        "spend_limits": (SpendLimit, _is_any),
        "usage_alerts": (UsageAlert, _is_any),
        "invoices": (Invoice, _is_listed),
        "entities": (Entity, _is_listed),
        "trials_used": (TrialUsed, _is_any),
        "discounts": (Discount, _is_any),
        "referrals": (Referral, _is_any),
    }
    found: dict[str, Sequence[Any]] = {
        name: [row for row in known_at(model, known) if is_shown(row)]
        for name, (model, is_shown) in kinds.items()
        if ON_REQUEST.get(name) in {None, *expand}
    }
    holdings = holdings_known(known)
    found |= {
        "balances": in_order(holdings.balances.values()),
        "grants": holdings.counted(Grant),
        "rollovers": holdings.counted(Rollover),
    }
    return arrange_rows(found, known_at(BillingAccount, known), expand, known.at)


@dataclass(frozen=True, slots=True)
class Holdings:
    """A customer's balances as they were known, by the keys of their features.

    `places` has the merged origin (or the customer) and the feature of each balance, by the balance's key.
    """

    known: KnownCustomer
    balances: Mapping[str, Balance]
    places: Mapping[str, tuple[str, str]]

    def counted(self, model: type[M]) -> list[M]:
        """The grants or rollovers that counted, in order, each in the balance of its feature; two queries."""
        at = self.known.at
        rows: dict[str, M] = {}
        for row in latest_at(model, at, balance__in=list(self.places)):
            home, feature = self.places.get(row.balance_id, ("", ""))
            is_ours = (row.came_with_id or home) in self.known.origin_ids and feature in self.balances
            if is_ours and counts(row.ended_at, row.expires_at, at):
                row.balance_id = self.balances[feature].pk
                rows[str(row.pk)] = row
        for figures in _figures_at(model, list(rows), at):
            for name in _FIGURES[model]:
                setattr(rows[figures["pk"]], name, figures[f"{name}_then"] or Decimal(0))
        return in_order(rows.values())


def holdings_known(known: KnownCustomer) -> Holdings:
    """The customer's balances as they were known, one per feature, its own before those of merged customers; one query.

    A merge moves grants between balances of one feature without a history row for each, so the balance of a grant is
    found by feature.
    """
    every = [
        (row_of(Balance, record), was_deleted(record))
        for record in last_history_rows(Balance, known.at, customer__in=known.owner_ids)
    ]
    places = {str(row.pk): (row.came_with_id or row.customer_id, row.feature_id) for row, _ in every}
    ours = [row for row, is_gone in every if not is_gone and places[str(row.pk)][0] in known.origin_ids]
    balances: dict[str, Balance] = {}
    for row in sorted(in_order(ours), key=lambda row: places[str(row.pk)][0] != known.key):
        row.customer_id = known.key
        balances.setdefault(row.feature_id, row)
    return Holdings(known, balances, places)


def _figures_at(model: type[M], keys: list[str], at: datetime) -> list[dict[str, Any]]:
    """Each figure after its last entry recorded by `at`, found by an index from the newest entry back."""
    owner = "grant" if model is Grant else "rollover"
    entries = LedgerEntry.objects.filter(**{owner: OuterRef("pk")}, posting__recorded_at__lte=at)
    then = {
        f"{name}_then": Subquery(entries.filter(figure=name).order_by("-number").values("after")[:1])
        for name in _FIGURES[model]
    }
    return list(model._default_manager.filter(pk__in=keys).annotate(**then).values("pk", *then))


def _is_any(row: Any) -> bool:
    return True


def _is_listed(row: Any) -> bool:
    return row.removed_at is None
