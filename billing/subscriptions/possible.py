"""Which verbs fit the status of a subscription."""

from __future__ import annotations

from datetime import datetime

from billing.models import Subscription


def possible_verbs(subscription: Subscription, now: datetime) -> set[str]:
    """Of `change-plan`, `cancel`, `keep` and `extend-trial`, those that fit the subscription now.

    None for one that ended or was merged away. What the billing platform bills can be changed or canceled there, and
    the change recorded here.
    """
    status, statuses = subscription.status, Subscription.Status
    if subscription.customer.merged_into_id is not None:
        return set()
    if status == statuses.SCHEDULED:
        return {"cancel"}
    if status != statuses.ACTIVE:
        return set()
    possible = {"change-plan", "cancel"}
    if not subscription.billed_here:
        return possible
    if subscription.canceled_at is not None or subscription.expires_at is not None:
        possible.add("keep")
    if subscription.trial_ends_at is not None and subscription.trial_ends_at > now:
        possible.add("extend-trial")
    return possible
