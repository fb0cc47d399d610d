"""Usage by month, feature and plan: what the ledger counts, as usage limits do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, Min, Sum
from django.db.models.functions import Coalesce, TruncMonth

from billing.ledger.usage_counts import CHARGED_FEATURE, counted_entries, units_charged
from billing.models import Posting
from billing.rules.exact import EXACT
from customers.formats import local


@dataclass(frozen=True, slots=True)
class UsedInMonth:
    """The account and month of some usage, its feature, and the plan that granted it; None for a standalone grant."""

    account_id: str
    month: date
    feature_id: str
    plan_id: str | None


def usage_by_month(account_ids: Sequence[str], since: datetime) -> dict[UsedInMonth, Decimal]:
    """Usage less refunds from `since` on, which is the start of a month. In one query.

    Accounts are the customers of the postings, which a merge leaves as they are.
    """
    entries = (
        counted_entries()
        .filter(posting__customer_id__in=list(account_ids), posting__occurred_at__gte=since)
        .annotate(
            month=TruncMonth("posting__occurred_at"),
            charged_feature=CHARGED_FEATURE,
            charged_plan=Coalesce(F("grant__plan"), F("rollover__grant__plan")),
        )
        .order_by()
    )
    keys = ("posting__customer", "month", "charged_feature", "charged_plan", "figure")
    rows: Any
    if connection.vendor == "sqlite":
        # It adds in floating point.
        rows = entries.values_list(*keys, "amount").iterator()
    else:
        rows = entries.values_list(*keys).annotate(total=Sum(F("amount")))
    found: dict[UsedInMonth, Decimal] = defaultdict(Decimal)
    for account_id, month, feature_id, plan_id, figure, amount in rows:
        key = UsedInMonth(
            str(account_id), local(month).date(), str(feature_id), str(plan_id) if plan_id else None
        )
        found[key] = EXACT.add(found[key], units_charged(figure, amount))
    return dict(found)


def first_use_recorded(account_ids: Sequence[str], since: datetime) -> datetime | None:
    """The earliest moment for which usage was recorded or reversed since `since`; None if there is none."""
    recorded = Posting.objects.filter(customer_id__in=list(account_ids), recorded_at__gte=since)
    found = recorded.aggregate(own=Min("occurred_at"), reversed=Min("reverses__occurred_at"))
    return min((each for each in found.values() if each is not None), default=None)
