"""What linking records or taking one out would do, in words and money, without doing it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from crm.dedupe.links.link import CannotLink, customers_to_join, locked_for_link, unlink_record
from crm.dedupe.links.part import rows_brought_by
from crm.dedupe.links.records import full_name
from crm.dedupe.merges.locking import giving_way
from crm.dedupe.merges.plan import plan_merge
from crm.dedupe.merges.words import called, values_in_lines
from customers.formats import counted, free_form_text, listed
from customers.ingest.engine import rolled_back
from customers.models import Customer, SourceRecord


def preview_link(records: Sequence[SourceRecord], goal_id: str) -> list[str]:
    """What `link_records` would do, as lines. Raises `CannotLink`."""
    with giving_way(CannotLink), transaction.atomic(), rolled_back():
        held, goal = locked_for_link(records, goal_id)
        lines = [f"Link {listed([f'{full_name(each)} of {called(each.customer)}' for each in held])}"]
        lines = [f"{lines[0]} to {called(goal)}:", *_rows_in_words(held)]
        others = [customer for _, customer in customers_to_join(held, goal, None)]
        plan = plan_merge(Customer.objects.get(pk=goal.pk), others)
        if not plan.can_be_done:
            raise CannotLink(" ".join(plan.refusals))
        return [*lines, *values_in_lines(plan), *(f"  {note}" for note in plan.money)]


def preview_unlink(record: SourceRecord) -> list[str]:
    """What `unlink_record` would do, as lines. Raises `CannotLink`."""
    with rolled_back():
        before = Customer.objects.get(pk=record.customer_id)
        rows = _rows_in_words([record])
        own = unlink_record(record)
        after = Customer.objects.get(pk=before.pk)
        lines = [f"Take {full_name(record)} out of {called(before)}:", *rows]
        lines += _changes(before, after)
        lines += [f"  It becomes {own}, a customer of its own."]
        return lines


def _rows_in_words(records: Sequence[SourceRecord]) -> list[str]:
    parts = []
    for record in records:
        for rows in rows_brought_by(record):
            if count := rows.count():
                meta = rows.model._meta
                parts.append(counted(count, str(meta.verbose_name), str(meta.verbose_name_plural)))
    return [f"  Goes along: {', '.join(parts)}."] if parts else []


def _changes(before: Customer, after: Customer) -> list[str]:
    lines = []
    for name in Customer.PINNABLE:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            lines.append(f"  {Customer.label_of(name)}: {_shown(was)} → {_shown(now)}")
    return lines


def _shown(value: object) -> str:
    if value is None or value == "":
        return "-"
    return free_form_text(value) if isinstance(value, dict | list) else str(value)
