"""What happened to the customer last."""

from __future__ import annotations

from django.urls import reverse

from billing.ledger.totals import merged_customer_ids
from crm.desk.pages.overview.section import Section
from crm.desk.timeline.days import by_day
from crm.desk.timeline.entry import May, TimelineQuery
from crm.desk.timeline.stream import read_page
from customers.models import Customer

#: How many entries are shown, and read: what one import did is many that are shown as one.
_SHOWN, _READ = 8, 40


def timeline_section(customer: Customer, may: May) -> Section | None:
    """The first entries of the timeline, with a link to all of it."""
    page = read_page(TimelineQuery(customer_ids=merged_customer_ids(str(customer.pk)), limit=_READ), may)
    if not page.entries:
        return None
    return Section(
        key="timeline",
        title="What happened",
        lines=tuple(by_day(page.entries[:_SHOWN])),
        template="crm/desk/_timeline.html",
        more_url=reverse("desk-timeline", args=[customer.pk])
        if page.older or len(page.entries) > _SHOWN
        else "",
    )
