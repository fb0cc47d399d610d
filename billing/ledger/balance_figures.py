"""The figures of balances and their recent usage, in a number of queries that does not depend on how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Min, Q

from billing.ledger.totals import customer_ids_with_merged, first_uses_between, used_between
from billing.models import Balance, Entity, Grant, Rollover
from billing.rules.figures import (
    BURN_RATE_WINDOW,
    Figures,
    GrantFigures,
    RolloverFigures,
    figures_of,
)
from customers.bulk import pieces


@dataclass(frozen=True, slots=True)
class RecentUsage:
    """Usage less refunds since a moment: the start of the window, or of the balance if that is later."""

    amount: Decimal
    since: datetime


def counted_rows(
    balance_ids: Iterable[str], at: datetime
) -> dict[str, tuple[list[GrantFigures], list[RolloverFigures]]]:
    """The grants and rollovers of each balance that count at `at`, those of entities included. In two queries."""
    found: dict[str, tuple[list[GrantFigures], list[RolloverFigures]]] = {
        key: ([], []) for key in balance_ids
    }
    for piece in pieces(found):
        for key, grant in Grant.objects.counted(at).filter(balance_id__in=piece).figures():
            found[key][0].append(grant)
        for key, rollover in Rollover.objects.counted(at).filter(balance_id__in=piece).figures():
            found[key][1].append(rollover)
    return found


def figures_of_balances(balance_ids: Iterable[str], at: datetime) -> dict[str, Figures]:
    """The figures of each balance at `at`, grants of entities included. In two queries."""
    return {key: figures_of(*rows) for key, rows in counted_rows(balance_ids, at).items()}


def figures_of_balance(balance: Balance, at: datetime, entity: Entity | None = None) -> Figures:
    """The figures of one balance at `at`; with an entity, of what the entity can use: the customer's and its own."""
    grants = Grant.objects.counted(at).filter(balance=balance)
    rollovers = Rollover.objects.counted(at).filter(balance=balance)
    if entity is not None:
        grants = grants.filter(Q(entity=None) | Q(entity=entity))
        rollovers = rollovers.filter(Q(grant__entity=None) | Q(grant__entity=entity))
    return figures_of(
        [grant for _, grant in grants.figures()], [rollover for _, rollover in rollovers.figures()]
    )


def recent_usage(
    customer_ids: Sequence[str], balance_ids: Iterable[str], at: datetime
) -> dict[str, RecentUsage]:
    """Usage of each balance in the `BURN_RATE_WINDOW` before `at`, merged customers' usage included.

    `customer_ids` are the customers of the balances. In four queries, or five if a balance is younger than the window.
    """
    balance_ids = list(balance_ids)
    earliest = at - BURN_RATE_WINDOW
    customers = customer_ids_with_merged(*customer_ids) if balance_ids else []
    used: dict[str, Decimal] = {}
    began: dict[str, datetime] = {}
    for piece in pieces(balance_ids):
        used |= used_between(customers, piece, earliest, at)
        first = Grant.objects.filter(balance_id__in=piece).order_by().values_list("balance")
        began |= {str(key): begun for key, begun in first.annotate(first=Min("created_at"))}
    # An imported balance may be older than its rows here, if usage before them was recorded.
    young = [key for key, begun in began.items() if begun > earliest]
    for piece in pieces(young):
        for key, used_at in first_uses_between(customers, piece, earliest, at).items():
            began[key] = min(began[key], used_at)
    return {key: RecentUsage(used[key], max(earliest, began.get(key, earliest))) for key in balance_ids}
