"""The figures of many balances, and how fast they were used lately, in a number of queries that does not depend on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Min

from billing.ledger.totals import first_uses_between, merged_customer_ids, used_between
from billing.models import Grant, Rollover
from billing.rules import figures as arithmetic
from billing.rules.figures import BURN_RATE_WINDOW
from customers.bulk import pieces


@dataclass(frozen=True, slots=True)
class RecentUsage:
    """What was used of a balance, less what was given back, since a moment: the window's beginning, or its own."""

    amount: Decimal
    since: datetime


def figures_of_balances(balance_ids: Iterable[str], at: datetime) -> dict[str, arithmetic.Figures]:
    """By balance, its figures at `at`: those of the rows that count, the entities' too. In two queries."""
    balance_ids = list(balance_ids)
    rows: dict[str, list[arithmetic.GrantFigures]] = defaultdict(list)
    carried: dict[str, list[arithmetic.RolloverFigures]] = defaultdict(list)
    for piece in pieces(balance_ids):
        counted = Grant.objects.counted(at).filter(balance_id__in=piece).order_by()
        for key, included, prepaid, usage, unlimited, resets_at in counted.values_list(
            "balance_id", "included_grant", "prepaid_grant", "usage", "unlimited", "next_reset_at"
        ):
            rows[str(key)].append(
                arithmetic.GrantFigures(
                    included_grant=included,
                    prepaid_grant=prepaid,
                    usage=usage,
                    unlimited=unlimited,
                    resets_at=resets_at,
                )
            )
        living = Rollover.objects.counted(at).filter(balance_id__in=piece).order_by()
        for key, granted, left in living.values_list("balance_id", "granted", "left"):
            carried[str(key)].append(arithmetic.RolloverFigures(balance=left, usage=granted - left))
    return {key: arithmetic.figures_of(rows[key], carried[key]) for key in balance_ids}


def recent_usage(
    customer_ids: Sequence[str], balance_ids: Iterable[str], at: datetime
) -> dict[str, RecentUsage]:
    """By balance, what was used of it in the `BURN_RATE_WINDOW` before `at`, also by those that its customer was made of.

    `customer_ids` are the balances' customers. In four queries, or five where a balance is younger than the window.
    """
    balance_ids = list(balance_ids)
    earliest = at - BURN_RATE_WINDOW
    customers = merged_customer_ids(*customer_ids) if balance_ids else []
    used: dict[str, Decimal] = {}
    began: dict[str, datetime] = {}
    for piece in pieces(balance_ids):
        used |= used_between(customers, piece, earliest, at)
        first = Grant.objects.filter(balance_id__in=piece).order_by().values_list("balance")
        began |= {str(key): begun for key, begun in first.annotate(first=Min("created_at"))}
    # One that came with an import is older than we know it, as the uses of the time before tell.
    young = [key for key, begun in began.items() if begun > earliest]
    for piece in pieces(young):
        for key, used_at in first_uses_between(customers, piece, earliest, at).items():
            began[key] = min(began[key], used_at)
    return {key: RecentUsage(used[key], max(earliest, began.get(key, earliest))) for key in balance_ids}
