"""Set the account manager, tags or status of many customers, or add a task to each. All or nothing.

Merged customers are skipped. Each function returns how many customers it changed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

from django.db import transaction
from django.urls import reverse

from crm.desk.worklist.refresh import refresh_customers
from crm.models import CustomerTag, NotificationKind, Relationship, Tag, Task
from crm.notify import name_of, notify, tell_account_manager
from customers.bulk import create_rows, update_rows
from customers.configuration.table import DEFAULT_CURRENCY
from customers.configuration.values import value_of
from customers.formats import counted
from customers.models import Customer
from customers.models.customer import CustomerQuerySet
from customers.pinned_fields import change_locks

_BATCH = 500
_REASON = "Bulk action"


@transaction.atomic
def set_owner(customers: CustomerQuerySet, owner: Any, *, by: Any) -> int:
    """Set the account manager; None removes it."""
    count = 0
    only: Customer | None = None
    owner_id = None if owner is None else owner.pk
    for batch in locked(customers):
        keys = _keys(batch)
        have = {
            str(row.customer_id): row
            for row in Relationship.objects.select_for_update().filter(customer_id__in=keys).order_by("pk")
        }
        changed = [row for row in have.values() if row.owner_id != owner_id]
        new = [
            Relationship(customer=customer, owner=owner, currency=value_of(DEFAULT_CURRENCY))
            for customer in batch
            if str(customer.pk) not in have and owner is not None
        ]
        for row in changed:
            row.owner = owner
        update_rows(changed, ["owner"], _REASON, by=by)
        create_rows(new, _REASON, by=by)
        written = [str(row.customer_id) for row in (*changed, *new)]
        refresh_customers(written)
        count += len(written)
        only = only or next((customer for customer in batch if written == [str(customer.pk)]), None)
    tell_account_manager(owner_id, count, by=by, customer=only if count == 1 else None)
    return count


@transaction.atomic
def set_status(customers: CustomerQuerySet, status: str, *, by: Any, is_locked: bool = True) -> int:
    """Set the status, and lock it against imports, or unlock it."""
    count = 0
    for batch in locked(customers):
        changed = [customer for customer in batch if customer.status != status]
        for customer in changed:
            customer.status = status
            change_locks(customer, **{"lock" if is_locked else "unlock": ["status"]})
        update_rows(changed, ["status", "pinned_fields"], _REASON, by=by)
        refresh_customers(_keys(changed))
        count += len(changed)
    return count


@transaction.atomic
def change_tags(
    customers: CustomerQuerySet, *, add: Sequence[str] = (), remove: Iterable[Tag] = (), by: Any
) -> int:
    """Add the tags named in `add`, creating new ones, and remove others."""
    tags, removed = [tag_called(name) for name in add], list(remove)
    count = 0
    for batch in locked(customers):
        keys = _keys(batch)
        obsolete = CustomerTag.objects.filter(customer_id__in=keys, tag__in=removed)
        touched = {str(key) for key in obsolete.values_list("customer_id", flat=True)}
        obsolete.delete()
        pairs = CustomerTag.objects.filter(customer_id__in=keys, tag__in=tags)
        have = {(str(key), str(tag)) for key, tag in pairs.values_list("customer_id", "tag_id")}
        new = [
            CustomerTag(customer=customer, tag=tag, given_by=by)
            for customer in batch
            for tag in tags
            if (str(customer.pk), str(tag.pk)) not in have
        ]
        CustomerTag.objects.bulk_create(new)
        count += len(touched | {str(row.customer_id) for row in new})
    return count


@transaction.atomic
def add_tasks(
    customers: CustomerQuerySet, title: str, *, by: Any, owner: Any = None, due_on: date | None = None
) -> int:
    """Add a task to each customer, assigned to `owner`, else the account manager, else `by`."""
    count = 0
    assigned: Counter[int | None] = Counter()
    for batch in locked(customers):
        keys = _keys(batch)
        owned = Relationship.objects.filter(customer_id__in=keys).values_list("customer_id", "owner_id")
        managers = {str(key): manager for key, manager in owned}
        tasks = [
            Task(
                customer=customer,
                title=title,
                due_on=due_on,
                owner_id=owner.pk if owner else managers.get(str(customer.pk)) or by.pk,
                created_by=by,
            )
            for customer in batch
        ]
        create_rows(tasks, _REASON, by=by)
        refresh_customers(keys)
        count += len(tasks)
        assigned.update(task.owner_id for task in tasks)
    for user_id, number in assigned.items():
        words = f"{name_of(by)} assigned you {counted(number, 'task')}"
        notify(
            NotificationKind.ASSIGNED, [user_id], words, actor=by, detail=title, link=reverse("desk-worklist")
        )
    return count


def digest_of(customers: CustomerQuerySet) -> str:
    """Stands for these customers: another selection has another token."""
    digest = hashlib.sha256()
    for key in customers.order_by("pk").values_list("pk", flat=True).iterator():
        digest.update(str(key).encode())
    return digest.hexdigest()[:16]


def tag_called(name: str) -> Tag:
    """The tag with this name, in any case; created if it is new."""
    found = Tag.objects.filter(name__iexact=name).first()
    return found or Tag.objects.create(name=name)


def locked(customers: CustomerQuerySet) -> Iterator[list[Customer]]:
    """The customers that aren't merged, in batches, locked against merges and edits."""
    keys = iter([str(key) for key in customers.order_by("pk").values_list("pk", flat=True)])
    while piece := list(islice(keys, _BATCH)):
        unmerged = Customer.objects.unmerged().filter(pk__in=piece)
        yield list(unmerged.select_for_update().order_by("pk"))


def _keys(customers: Iterable[Customer]) -> list[str]:
    return [str(customer.pk) for customer in customers]
