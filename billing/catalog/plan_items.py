"""Which item of a plan a grant comes from."""

from __future__ import annotations

from collections.abc import Iterable

from billing.models import Grant, PlanItem


def item_of_grant(items: Iterable[PlanItem], grant: Grant, feature_id: str) -> PlanItem | None:
    """The item of the grant's plan and feature among `items` that fits best: by reset interval, then by billing
    method. A plan may have several items of one feature, and a grant does not name its own.
    """
    return max(
        (item for item in items if str(item.feature_id) == feature_id),
        key=lambda item: (
            item.reset_interval == grant.reset_interval,
            item.billing_method == grant.billing_method,
        ),
        default=None,
    )
