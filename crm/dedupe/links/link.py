"""Link source records to a customer, and take them out again.

A record that is linked keeps a customer of its own, which is merged into the goal. So its rows, balances and documents
stay apart from the goal's, and taking it out is the undo of that merge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from crm.dedupe.duplicates.review import keep_apart
from crm.dedupe.links.part import part, records_beside
from crm.dedupe.links.records import full_name
from crm.dedupe.merges.locking import giving_way, lock
from crm.dedupe.merges.merge import CannotMerge, merge
from crm.dedupe.merges.plan import PERMISSION
from crm.dedupe.merges.unmerge import KEEP, conflicts_of, hindrance, unmerge
from crm.models import Merge
from customers.audit.record import audit
from customers.logs import log_event
from customers.models import AuditAction, Customer, EventKind, SourceRecord


class CannotLink(Exception):
    """Nothing was linked or taken out. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Linked:
    """Records that are now of the goal, and the merge that made them so."""

    records: Sequence[SourceRecord]
    merge: Merge


def link_records(
    records: Sequence[SourceRecord], goal_id: str, *, by: Any = None, reason: str = ""
) -> list[Linked]:
    """Give `records` to the customer `goal_id`, all or none.

    The records of one customer go together: if they are all that it has, the customer is merged into the goal, with
    what people wrote about it. `by` is the acting user, None for a command, which needs no permission. Raises
    `CannotLink`.
    """
    _check_permission(by)
    if not records:
        raise CannotLink("Name at least one record to link.")
    with giving_way(CannotLink), transaction.atomic():
        held, goal = locked_for_link(records, goal_id)
        done = [
            Linked(own, _join(customer, goal, by, reason or _reason("Linked", own)))
            for own, customer in customers_to_join(held, goal, by)
        ]
        ids = [str(record.pk) for record in held]
        audit(AuditAction.LINKED, goal_id, by=by, details={"reason": reason}, records=ids)
    log_event("link_records", goal=goal_id, records=len(held), by=None if by is None else by.pk)
    return done


def unlink_record(record: SourceRecord, *, by: Any = None, reason: str = "") -> Customer:
    """Take `record` out of its customer. Returns the customer that it has from now on, which is never joined with the
    other one by a rule again.

    It is the customer that the record had before it was linked, if nothing else belongs to that one, else a new one.
    `by` is as in `link_records`. Raises `CannotLink`.
    """
    _check_permission(by)
    with giving_way(CannotLink), transaction.atomic():
        [held], _ = locked_for_link([record], str(record.customer_id))
        former = held.customer
        if not records_beside(held).exists():
            raise CannotLink(
                f"{full_name(held)} is the only record of {former}. There is nothing to take it from."
            )
        own = _taken_out(held, by, reason or _reason("Took out", [held]))
        keep_apart(str(former.pk), str(own.pk), by=by)
        audit(
            AuditAction.UNLINKED,
            str(former.pk),
            str(record.pk),
            by=by,
            details={"reason": reason},
            customer_id_now=str(own.pk),
        )
    log_event("unlink_record", record=str(record.pk), by=None if by is None else by.pk)
    return own


def _check_permission(by: Any) -> None:
    if by is not None and not by.has_perm(PERMISSION):
        raise CannotLink(
            "You can't link records. Ask an administrator for the permission to merge customers."
        )


def locked_for_link(records: Sequence[SourceRecord], goal_id: str) -> tuple[list[SourceRecord], Customer]:
    """The records and the goal as they are now, with their customers locked until the transaction ends."""
    keys = [record.pk for record in records]
    if len(set(keys)) != len(keys):
        raise CannotLink("Name each record once.")
    owners = SourceRecord.objects.filter(pk__in=keys).values_list("customer", flat=True)
    customers = lock([goal_id, *map(str, owners)])
    held = list(SourceRecord.objects.filter(pk__in=keys).order_by("pk").select_for_update())
    if goal_id not in customers:
        raise CannotLink(f"There is no customer {goal_id}.")
    for record in held:
        if str(record.customer_id) not in customers:
            raise CannotLink(f"{full_name(record)} was linked to another customer right now. Try again.")
        record.customer = customers[str(record.customer_id)]
        if record.is_merged:
            raise CannotLink(
                f"The CRM merged {full_name(record)} into another of its records. Link that one instead."
            )
    return held, customers[goal_id]


def customers_to_join(
    records: Sequence[SourceRecord], goal: Customer, by: Any
) -> Iterator[tuple[Sequence[SourceRecord], Customer]]:
    """Customers that consist of nothing but the records, taken out of their present ones where these have others."""
    groups: dict[str, list[SourceRecord]] = {}
    for record in records:
        groups.setdefault(str(record.customer_id), []).append(record)
    for own in groups.values():
        left = own[0].customer
        if left.pk == goal.pk:
            raise CannotLink(f"{full_name(own[0])} already belongs to {goal} ({goal.pk}).")
        if left.env != goal.env:
            raise CannotLink(
                f"{left} is in {left.get_env_display()} and {goal} in {goal.get_env_display()}. Records of two"
                " environments can't be linked."
            )
        if records_beside(own[0]).count() + 1 == len(own):
            yield own, left
        else:
            for record in own:
                yield [record], _taken_out(record, by, _reason("Linked", [record]))


def _reason(verb: str, records: Iterable[SourceRecord]) -> str:
    return f"{verb} {', '.join(map(full_name, records))}"


def _join(customer: Customer, goal: Customer, by: Any, reason: str) -> Merge:
    try:
        [made] = merge(str(goal.pk), [str(customer.pk)], by=by, reason=reason, kind=EventKind.CUSTOMER_LINKED)
    except CannotMerge as problem:
        raise CannotLink(str(problem)) from None
    return made


def _taken_out(record: SourceRecord, by: Any, reason: str) -> Customer:
    """The record's own customer, without anything else."""
    standing = Merge.objects.standing().filter(other=record.came_with_id, survivor=record.customer_id).first()
    beside = records_beside(record).filter(came_with=record.came_with_id)
    if standing is not None and not beside.exists() and not hindrance(standing):
        unmerge(standing, by=by, settle={each.name: KEEP for each in conflicts_of(standing)})
        return Customer.objects.get(pk=standing.other_id)
    # A record with our own ID came with one of our exports, and has no rows of its own.
    ours = [record.customer_id, record.came_with_id or record.customer_id]
    same = beside.filter(source=record.source).exclude(source_id__in=ours)
    if same.exists():
        raise CannotLink(
            f"{full_name(record)} and {full_name(same[0])} are told apart by nothing but their IDs, so their rows"
            " can't be parted. Link or take out both at the source."
        )
    return part(record, by=by, reason=reason)
