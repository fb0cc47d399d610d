"""The billing document of a customer as it was known at a moment.

Figures come from the last ledger entry recorded by then, everything else from the histories. The catalog is the current
one: what a plan version grants never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
    OverageAllowed,
    Purchase,
    Referral,
    Rollover,
    SpendLimit,
    Subscription,
    TrialUsed,
    UsageAlert,
    UsageLimit,
)
from billing.rules.figures import counts
from customers.as_of import (
    KnownCustomer,
    in_order,
    known_at,
    latest_at,
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
        "usage_limits": (UsageLimit, _is_any),
        "usage_alerts": (UsageAlert, _is_any),
        "overage_allowed": (OverageAllowed, _is_any),
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
    balances = known_at(Balance, known)
    found |= {
        "balances": balances,
        "grants": _counted(Grant, balances, known.at),
        "rollovers": _counted(Rollover, balances, known.at),
    }
    return arrange_rows(found, known_at(BillingAccount, known), expand, known.at, known_at=known.at)


def _counted(model: type[M], balances: Sequence[Balance], at: datetime) -> list[M]:
    """The grants or rollovers of the balances that counted, in order, with their figures; two queries."""
    keys = {str(balance.pk) for balance in balances}
    rows: dict[str, M] = {
        str(row.pk): row
        for row in latest_at(model, at, balance__in=list(keys))
        if str(row.balance_id) in keys and counts(row.ended_at, row.expires_at, at)
    }
    for figures in _figures_at(model, list(rows), at):
        for name in _FIGURES[model]:
            setattr(rows[figures["pk"]], name, figures[f"{name}_then"] or Decimal(0))
    return in_order(rows.values())


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
