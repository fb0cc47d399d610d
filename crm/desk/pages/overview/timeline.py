"""The customer's latest activity."""

from __future__ import annotations

from django.urls import reverse

from billing.ledger.totals import customer_ids_with_merged
from crm.desk.pages.overview.section import Section
from crm.desk.timeline.days import by_day
from crm.desk.timeline.entry import May, TimelineQuery
from crm.desk.timeline.stream import read_page
from customers.models import Customer

#: Entries shown, and entries read: many of one import are shown as one.
_SHOWN, _READ = 8, 40


def timeline_section(customer: Customer, may: May) -> Section | None:
    """The newest entries of the timeline."""
    page = read_page(TimelineQuery(customer_ids=customer_ids_with_merged(str(customer.pk)), limit=_READ), may)
    if not page.entries:
        return None
    return Section(
        key="timeline",
        title="Activity",
        lines=tuple(by_day(page.entries[:_SHOWN])),
        template="crm/desk/_timeline.html",
        more_url=reverse("desk-timeline", args=[customer.pk])
        if page.older or len(page.entries) > _SHOWN
        else "",
    )
