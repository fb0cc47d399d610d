"""Undo a change of many customers: each gets back what it had, unless that was changed again since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from crm.desk.bulk.actions import change_tags, set_owner, set_status
from crm.desk.form_fields import people_who_act
from crm.desk.worklist.refresh import refresh_customers
from crm.models import CustomerTag, Relationship, Tag, Task
from customers.bulk import delete_rows
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

#: A change of more customers can't be undone.
MOST = 1000
_REASON = "Undone"

#: What customers have of a kind, by ID: values that JSON knows.
_Had = dict[str, Any]


@dataclass(slots=True)
class Change:
    """What changed for each customer: what it had before and after."""

    kind: str
    rows: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The change as a session keeps it."""
        return {"kind": self.kind, "rows": {key: list(pair) for key, pair in self.rows.items()}}


@contextmanager
def recorded(kind: str, customers: CustomerQuerySet) -> Iterator[Change]:
    """A change of this kind (`owner`, `status`, `tags`, `tasks`) that happens inside. It stays empty for too many customers."""
    keys = [str(key) for key in customers.order_by().values_list("pk", flat=True)[: MOST + 1]]
    change = Change(kind)
    if len(keys) > MOST:
        yield change
        return
    before = _READ[kind](keys)
    yield change
    after = _READ[kind](keys)
    changed = {key: (before[key], after[key]) for key in keys if before.get(key) != after.get(key)}
    if kind == "tasks":
        # Of a task only that it was added is undone: the tasks that were there don't matter.
        changed = {key: ([], sorted(set(then) - set(was))) for key, (was, then) in changed.items()}
    change.rows.update(changed)


@transaction.atomic
def undo_change(kept: dict[str, Any], *, by: Any) -> int:
    """Give back what a kept change took, and return to how many customers."""
    kind = kept["kind"]
    customers = _these(list(kept["rows"])).filter(merged_into=None).order_by("pk")
    keys = [str(key) for key in customers.select_for_update(no_key=True).values_list("pk", flat=True)]
    now = _READ[kind](keys)
    rows = {key: kept["rows"][key] for key in keys if _is_as_left(kind, now[key], kept["rows"][key][1])}
    if kind == "owner":
        # Who left, or may no longer act, gets no accounts back.
        people = set(people_who_act().values_list("pk", flat=True))
        rows = {key: (was, then) for key, (was, then) in rows.items() if was is None or was in people}
    _UNDO[kind](rows, by)
    refresh_customers(list(rows))
    return len(rows)


def _is_as_left(kind: str, now: Any, then: Any) -> bool:
    """Whether a customer still has what the change gave it."""
    return set(then) <= set(now) if kind == "tasks" else bool(now == then)


def _owners(keys: Sequence[str]) -> _Had:
    owners = Relationship.objects.filter(customer_id__in=keys).values_list("customer_id", "owner_id")
    return dict.fromkeys(keys) | {str(key): owner for key, owner in owners}


def _statuses(keys: Sequence[str]) -> _Had:
    rows = Customer.objects.filter(pk__in=keys).values_list("pk", "status", "pinned_fields")
    return {str(key): [status, "status" in locked] for key, status, locked in rows}


def _tags(keys: Sequence[str]) -> _Had:
    found = {key: set[str]() for key in keys}
    for key, tag in CustomerTag.objects.filter(customer_id__in=keys).values_list("customer_id", "tag_id"):
        found[str(key)].add(str(tag))
    return {key: sorted(tags) for key, tags in found.items()}


def _tasks(keys: Sequence[str]) -> _Had:
    found: dict[str, list[str]] = {key: [] for key in keys}
    for key, task in (
        Task.objects.open().filter(customer_id__in=keys).order_by("pk").values_list("customer_id", "pk")
    ):
        found[str(key)].append(str(task))
    return found


def _undo_owners(rows: dict[str, tuple[Any, Any]], by: Any) -> None:
    people = get_user_model()._default_manager.in_bulk({was for was, _ in rows.values() if was is not None})
    for owner, keys in _by_former(rows, lambda was: was).items():
        set_owner(_these(keys), people.get(owner), by=by)


def _undo_statuses(rows: dict[str, tuple[Any, Any]], by: Any) -> None:
    for (status, is_locked), keys in _by_former(rows, tuple).items():
        set_status(_these(keys), status, by=by, is_locked=is_locked)


def _undo_tags(rows: dict[str, tuple[Any, Any]], by: Any) -> None:
    taken: dict[str, list[str]] = defaultdict(list)
    given: dict[str, list[str]] = defaultdict(list)
    for key, (was, then) in rows.items():
        for tag in set(was) - set(then):
            taken[tag].append(key)
        for tag in set(then) - set(was):
            given[tag].append(key)
    tags = {str(tag.pk): tag for tag in Tag.objects.filter(pk__in={*taken, *given})}
    for tag, keys in taken.items():
        if tag in tags:
            change_tags(_these(keys), add=[tags[tag].name], by=by)
    for tag, keys in given.items():
        if tag in tags:
            change_tags(_these(keys), remove=[tags[tag]], by=by)


def _undo_tasks(rows: dict[str, tuple[Any, Any]], by: Any) -> None:
    added = [task for was, then in rows.values() for task in set(then) - set(was or ())]
    delete_rows(list(Task.objects.filter(pk__in=added)), _REASON)


def _by_former(rows: dict[str, tuple[Any, Any]], read: Callable[[Any], Any]) -> dict[Any, list[str]]:
    """The customers by what they had before."""
    found: dict[Any, list[str]] = defaultdict(list)
    for key, (was, _) in rows.items():
        found[read(was)].append(key)
    return found


def _these(keys: Sequence[str]) -> CustomerQuerySet:
    return Customer.objects.filter(pk__in=keys)


_READ: dict[str, Callable[[Sequence[str]], _Had]] = {
    "owner": _owners,
    "status": _statuses,
    "tags": _tags,
    "tasks": _tasks,
}
_UNDO: dict[str, Callable[[dict[str, tuple[Any, Any]], Any], None]] = {
    "owner": _undo_owners,
    "status": _undo_statuses,
    "tags": _undo_tags,
    "tasks": _undo_tasks,
}
