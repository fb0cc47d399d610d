"""Reassign accounts from one account manager to another, with their open tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.urls import reverse

from crm.desk.bulk.actions import locked
from crm.desk.worklist.refresh import refresh_customers
from crm.models import Note, NotificationKind, Relationship, Task
from crm.notify import name_of, notify
from customers.bulk import create_rows, update_rows
from customers.formats import counted, user_name
from customers.models import Customer
from customers.models.customer import CustomerQuerySet


class CannotReassign(ValueError):
    """The reassignment isn't possible; the message tells the user what to do."""


@dataclass(frozen=True, slots=True)
class Reassigned:
    """How many accounts and open tasks are reassigned."""

    accounts: int
    tasks: int

    def __str__(self) -> str:
        return f"{counted(self.accounts, 'account')} and {counted(self.tasks, 'open task')}"


def accounts_of(from_user: Any, among: CustomerQuerySet | None = None) -> CustomerQuerySet:
    """The accounts of `from_user`, archived ones too; only those in `among`, if given."""
    accounts = Customer.objects.unmerged().filter(relationship__owner=from_user)
    return accounts if among is None else accounts.filter(pk__in=among.order_by().values("pk"))


def preview(from_user: Any, to_user: Any, among: CustomerQuerySet | None = None) -> Reassigned:
    """What `reassign` would do, without writing. Raises `CannotReassign`."""
    _check(from_user, to_user)
    accounts = accounts_of(from_user, among)
    return Reassigned(accounts.count(), _tasks(from_user, accounts.order_by().values("pk")).count())


@transaction.atomic
def reassign(from_user: Any, to_user: Any, among: CustomerQuerySet | None = None, *, by: Any) -> Reassigned:
    """Make `to_user` the account manager of the accounts of `from_user`, move their open tasks, and add a note to each.

    Tasks of other users and of other customers stay. The note doesn't count as a contact. `by` is the user, None for
    a command. All or nothing. Raises `CannotReassign`.
    """
    _check(from_user, to_user)
    words = f"Reassigned from {user_name(from_user)} to {user_name(to_user)}."
    accounts = tasks = 0
    for batch in locked(accounts_of(from_user, among)):
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
        update_rows(rows, ["owner"], words, by=by)
        update_rows(moved, ["owner"], words, by=by)
        notes = [Note(customer_id=key, body=words, author=by, origin=Note.Origin.GENERATED) for key in ours]
        create_rows(notes, words, by=by)
        refresh_customers(ours)
        accounts += len(rows)
        tasks += len(moved)
    done = Reassigned(accounts, tasks)
    if accounts or tasks:
        notify(
            NotificationKind.ACCOUNT,
            [to_user.pk],
            f"{name_of(by)} reassigned {done} from {name_of(from_user)} to you",
            actor=by,
            link=reverse("desk-worklist"),
        )
    return done


def _check(from_user: Any, to_user: Any) -> None:
    if from_user.pk == to_user.pk:
        raise CannotReassign("Choose two different people.")
    if not to_user.is_active:
        raise CannotReassign(f"Choose a user who can sign in. {user_name(to_user)} is deactivated.")


def _tasks(from_user: Any, customers: Any) -> Any:
    return Task.objects.open().of(from_user).filter(customer_id__in=customers)
