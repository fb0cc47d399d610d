"""Why the customer is on the worklist, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.text import capfirst

from crm.desk.pages.overview.section import SHOWN, Section, first_rows
from crm.desk.pages.reason_steps import Step, step_of
from crm.desk.worklist.rows import URGENT
from crm.models import WorklistReason
from customers.formats import day
from customers.models import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionLine:
    """An open reason, and what the user can do about it."""

    id: str
    text: str
    since: str
    is_urgent: bool
    step: Step


def attention_section(customer: Customer, may: Callable[[str], bool]) -> Section | None:
    """The open reasons, heaviest first. One that several people have on their worklists is shown once."""
    rows = WorklistReason.objects.open().filter(entry__customer=customer).heaviest_first()
    once = list({row.words: row for row in reversed(first_rows(rows))}.values())[::-1]
    if not once:
        return None
    return Section(
        key="attention",
        title="Needs attention",
        lines=tuple(_line(row, may) for row in once[:SHOWN]),
        template="crm/desk/overview/attention.html",
    )


def _line(row: WorklistReason, may: Callable[[str], bool]) -> AttentionLine:
    return AttentionLine(
        id=str(row.pk),
        text=capfirst(row.words),
        since=day(row.since),
        is_urgent=row.weight >= URGENT,
        step=step_of(row, may),
    )
