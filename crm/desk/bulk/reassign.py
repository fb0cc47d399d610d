"""Handing accounts over from one account manager to another, with the tasks that are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from crm.desk.bulk.actions import held
from crm.desk.worklist.refresh import refresh_customers
from crm.models import Note, Relationship, Task
from customers.models import Customer
from customers.models.customer import CustomerQuerySet


class CannotReassign(ValueError):
    """There is nothing to hand over as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Reassigned:
    """How many accounts, and open tasks of theirs."""

    accounts: int
    tasks: int

    def __str__(self) -> str:
        accounts = "1 account" if self.accounts == 1 else f"{self.accounts} accounts"
        return f"{accounts} and {'1 open task' if self.tasks == 1 else f'{self.tasks} open tasks'}"


def accounts_of(from_user: Any, among: CustomerQuerySet | None = None) -> CustomerQuerySet:
    """The accounts of `from_user`, archived ones too; of the customers `among`, if they are given."""
    accounts = Customer.objects.unmerged().filter(relationship__owner=from_user)
    return accounts if among is None else accounts.filter(pk__in=among.order_by().values("pk"))


def preview(from_user: Any, to_user: Any, among: CustomerQuerySet | None = None) -> Reassigned:
    """What handing over would do; nothing is written. Raises `CannotReassign`."""
    _check(from_user, to_user)
    accounts = accounts_of(from_user, among)
    return Reassigned(accounts.count(), _tasks(from_user, accounts.order_by().values("pk")).count())


@transaction.atomic
def reassign(from_user: Any, to_user: Any, among: CustomerQuerySet | None = None, *, by: Any) -> Reassigned:
    """Make `to_user` the account manager of the accounts of `from_user`, and of their open tasks; leave a note on each.

    Tasks of others, and those of other customers, stay. The note counts as no contact with the customer. `by` is who
    does it, None for a command. All or nothing. Raises `CannotReassign`.
    """
    _check(from_user, to_user)
    words = f"Handed over from {from_user} to {to_user}."
    accounts = tasks = 0
    for batch in held(accounts_of(from_user, among)):
        keys = [str(customer.pk) for customer in batch]
        rows = list(
            Relationship.objects.select_for_update()
            .filter(customer_id__in=keys, owner=from_user)
            .order_by("pk")
        )
        ours = [str(row.customer_id) for row in rows]
        moved = list(_tasks(from_user, ours).select_for_update().order_by("pk"))
        if not rows:
            continue
        for row in (*rows, *moved):
            row.owner = to_user
        options: dict[str, Any] = {"default_user": by, "default_change_reason": words[:100]}
        bulk_update_with_history(rows, Relationship, ["owner"], **options)
        if moved:
            bulk_update_with_history(moved, Task, ["owner"], **options)
        notes = [Note(customer_id=key, body=words, author=by, origin=Note.Origin.GENERATED) for key in ours]
        bulk_create_with_history(notes, Note, **options)
        refresh_customers(ours)
        accounts += len(rows)
        tasks += len(moved)
    return Reassigned(accounts, tasks)


def _check(from_user: Any, to_user: Any) -> None:
    if from_user.pk == to_user.pk:
        raise CannotReassign("The accounts are theirs already: choose two different people.")
    if not to_user.is_active:
        raise CannotReassign(f"{to_user} cannot sign in any more: choose somebody who can.")


def _tasks(from_user: Any, customers: Any) -> Any:
    return Task.objects.open().of(from_user).filter(customer_id__in=customers)
