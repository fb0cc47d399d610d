"""Changes that wait for someone to make them on the billing platform."""

from __future__ import annotations

from collections.abc import Iterator

from billing.models import PlatformChange, Subscription
from crm.desk.worklist.reason import Reason, WorklistBatch, WorklistRule
from customers.formats import page_of_key

PLATFORM_CHANGE = WorklistRule(
    "platform_change",
    "Change on the billing platform",
    "Someone requested a change of a subscription that the billing platform bills, and no import shows it yet.",
    "billing.view_subscription",
    action="View subscription",
)

_WEIGHT = 45


def requested_changes(batch: WorklistBatch) -> Iterator[Reason]:
    """Requested changes that no import has shown yet. One query."""
    waiting = (
        PlatformChange.objects.waiting()
        .filter(subscription__customer_id__in=batch.customer_ids, requested_at__lte=batch.at)
        .select_related("subscription", "plan_before", "plan")
        .order_by("requested_at", "pk")
    )
    for row in waiting:
        yield Reason(
            customer_id=str(row.subscription.customer_id),
            rule=PLATFORM_CHANGE.name,
            key=str(row.pk),
            words=f"on the billing platform, {row.words}",
            weight=_WEIGHT,
            since=row.requested_at,
            link=page_of_key(Subscription, row.subscription_id),
        )


RULES = (PLATFORM_CHANGE,)
FINDERS = (requested_changes,)
