"""Renders usage events, each with what it was deducted from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from billing.document.lists.documents import UsageDeduction, UsageEvent
from billing.document.lists.render import integrators_id
from billing.document.renderer.scalars import choice, moment, nullable_moment, optional_count
from billing.document.schema import Reset
from billing.models import Grant, LedgerEntry, Posting
from customers.json_types import Number


def render_events(rows: Sequence[Posting]) -> list[UsageEvent]:
    """Postings of usage and refunds, which have a feature, in a fixed number of queries.

    The customer of a posting that was made before a merge is the survivor.
    """
    deductions: dict[str, list[UsageDeduction]] = defaultdict(list)
    entries = LedgerEntry.objects.filter(posting__in=rows).select_related(
        "grant__plan", "grant__balance__feature", "rollover__grant__plan", "rollover__balance__feature"
    )
    for entry in entries.order_by("posting_id", "number", "pk"):
        deductions[str(entry.posting_id)].append(_deduction(entry))
    return [
        UsageEvent(
            id=str(row.pk),
            timestamp=moment(row.occurred_at),
            feature_id=row.feature.feature_id if row.feature else "",
            customer_id=integrators_id(row.customer.merged_into or row.customer),
            value=Number(row.amount or 0),
            properties={},
            deductions=deductions[str(row.pk)],
        )
        for row in rows
    ]


def _deduction(entry: LedgerEntry) -> UsageDeduction:
    owner: Any = entry.owner
    grant: Grant | None = owner if isinstance(owner, Grant) else owner.grant
    is_usage = entry.figure == LedgerEntry.Figure.USAGE
    return UsageDeduction(
        balance_id=owner.grant_id if isinstance(owner, Grant) and owner.grant_id else str(owner.pk),
        feature_id=owner.balance.feature.feature_id,
        plan_id=grant.plan.plan_id if grant is not None and grant.plan else None,
        reset=_reset(grant),
        # What is left of a rollover falls by what was taken.
        value=Number(entry.amount if is_usage else entry.amount.copy_negate()),
    )


def _reset(grant: Grant | None) -> Reset | None:
    if grant is None or not grant.reset_interval:
        return None
    return Reset(
        interval=choice(grant.reset_interval),
        interval_count=optional_count(grant.reset_interval_count),
        resets_at=nullable_moment(grant.next_reset_at),
    )
