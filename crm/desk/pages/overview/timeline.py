"""The customer's latest activity, which the overview loads after itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse

from billing.ledger.totals import customer_ids_with_merged
from crm.desk.pages.overview.section import Section
from crm.desk.timeline.days import by_day
from crm.desk.timeline.entry import EntryKind, May, TimelineQuery
from crm.desk.timeline.stream import read_page
from customers.models import Customer

#: Entries shown, and entries read: all of one import are shown as one.
_SHOWN, _READ = 10, 120

#: What the feed can be narrowed to, by the value in its address.
FEEDS: dict[str, tuple[str, tuple[EntryKind, ...]]] = {
    "": ("All", tuple(EntryKind)),
    "notes": ("Notes", (EntryKind.NOTE,)),
    "calls": ("Calls", (EntryKind.CONTACT,)),
    "billing": (
        "Billing",
        (EntryKind.SUBSCRIPTION, EntryKind.INVOICE, EntryKind.BALANCE, EntryKind.USAGE),
    ),
    "changes": ("Changes", (EntryKind.CHANGE, EntryKind.IMPORT, EntryKind.MERGE)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A choice of the feed: its address, and that of the activity page with the same kinds for who has no script."""

    label: str
    url: str
    page_url: str
    is_current: bool


def feeds_of(customer: Customer, current: str = "") -> list[Feed]:
    """The choices of the feed."""
    latest = reverse("desk-latest", args=[customer.pk])
    whole = reverse("desk-timeline", args=[customer.pk])
    return [
        Feed(
            label=label,
            url=f"{latest}?show={key}" if key else latest,
            page_url=f"{whole}?{'&'.join(f'kind={kind.value}' for kind in kinds)}" if key else whole,
            is_current=key == current,
        )
        for key, (label, kinds) in FEEDS.items()
    ]


def timeline_section(customer: Customer, may: May, kinds: Collection[EntryKind]) -> Section:
    """The newest entries of these kinds."""
    ids = customer_ids_with_merged(str(customer.pk))
    page = read_page(TimelineQuery(customer_ids=ids, limit=_READ), may, kinds)
    return Section(
        key="timeline",
        title="Activity",
        lines=tuple(by_day(page.entries[:_SHOWN])),
        template="crm/desk/_timeline.html",
        more_url=reverse("desk-timeline", args=[customer.pk]),
    )
