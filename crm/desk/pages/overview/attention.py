"""Why the customer is on the worklist, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.text import capfirst

from crm.desk.pages.overview.section import SHOWN, Section, first_rows
from crm.desk.worklist.rows import URGENT
from crm.desk.worklist.rules import RULES
from crm.models import WorklistReason
from customers.formats import day
from customers.models import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionLine:
    """An open reason. `label` is the text of the link; empty if the link leads to this page."""

    id: str
    text: str
    since: str
    is_urgent: bool
    url: str
    label: str


def attention_section(customer: Customer) -> Section | None:
    """The open reasons, heaviest first. One that several people have on their worklists is shown once."""
    rows = WorklistReason.objects.open().filter(entry__customer=customer).heaviest_first()
    once = list({row.words: row for row in reversed(first_rows(rows))}.values())[::-1]
    if not once:
        return None
    return Section(
        key="attention",
        title="Needs attention",
        lines=tuple(_line(row) for row in once[:SHOWN]),
        template="crm/desk/overview/attention.html",
    )


def action_of(row: WorklistReason) -> str:
    """The text of the link of a reason; empty if it leads to the customer's own page, or nowhere."""
    rule = RULES.get(row.rule)
    return rule.action if rule is not None and row.link else ""


def _line(row: WorklistReason) -> AttentionLine:
    return AttentionLine(
        id=str(row.pk),
        text=capfirst(row.words),
        since=day(row.since),
        is_urgent=row.weight >= URGENT,
        url=row.link,
        label=action_of(row),
    )
