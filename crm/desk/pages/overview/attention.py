"""Why the customer is on the worklist."""

from __future__ import annotations

from django.utils.text import capfirst

from crm.desk.pages.overview.section import Section, SectionLine, first_rows, list_section
from crm.models import WorklistReason
from customers.formats import day
from customers.models import Customer


def attention_section(customer: Customer) -> Section | None:
    """The open reasons, heaviest first. One that several people have on their worklists is shown once."""
    rows = WorklistReason.objects.open().filter(entry__customer=customer).heaviest_first()
    once = list({row.words: row for row in reversed(first_rows(rows))}.values())[::-1]
    return list_section(
        "attention",
        "Needs attention",
        once,
        lambda row: SectionLine(
            text=capfirst(row.words),
            url=row.link,
            details=(f"Since {day(row.since)}",),
        ),
    )
