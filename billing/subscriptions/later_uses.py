"""Usage recorded after a reset of its grant fell due, because the reset waits for a payment.

Such usage belongs to the next period: when the reset is applied, it takes out only what was used before it was due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db.models import F

from billing.models import Grant, LedgerEntry, Posting

#: When something was used, and how much; below zero for a refund.
LaterUse = tuple[datetime, Decimal]


def uses_after_due_resets(grants: Iterable[Grant], now: datetime) -> dict[str, list[LaterUse]]:
    """By grant, what was used since its reset fell due. One query, or none if no reset of a plan is due by `now`."""
    due = [
        grant
        for grant in grants
        if grant.subscription_id is not None
        and grant.next_reset_at is not None
        and grant.next_reset_at <= now
    ]
    found: dict[str, list[LaterUse]] = defaultdict(list)
    if not due:
        return found
    entries = LedgerEntry.objects.filter(
        grant__in=due,
        figure=LedgerEntry.Figure.USAGE,
        posting__kind__in=(Posting.Kind.USAGE, Posting.Kind.REFUND),
        # By customer, because there is an index: normally nothing was used since.
        posting__customer=F("grant__balance__customer"),
        posting__occurred_at__gte=F("grant__next_reset_at"),
    )
    for grant_id, used_at, amount in entries.order_by().values_list(
        "grant", "posting__occurred_at", "amount"
    ):
        found[str(grant_id)].append((used_at, amount))
    return found
