"""Handing accounts over: the verb, the page, the command."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from crm.contacts import last_contacts
from crm.desk.bulk.reassign import CannotReassign, Reassigned, preview, reassign
from crm.models import Note, Relationship, Task
from customers import clock
from customers.models import Customer
from customers.sheets import CHANGED
from tests.billing.sheets.acts import confirm, lines, problem, toast
from tests.factories import make_customer, make_relationship, make_segment, make_task, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def from_user() -> User:
    return make_user(username="gina", is_active=False)


@pytest.fixture
def to_user() -> User:
    return make_user("Account manager", username="tom")


@pytest.fixture
def accounts(from_user: User) -> list[Customer]:
    """Two accounts of the current account manager, one of them suspended, each with a task; and what stays."""
    found = [
        make_relationship(customer=make_customer(name=name, status=status), owner=from_user).customer
        for name, status in (("one", "active"), ("two", "suspended"))
    ]
    for customer in found:
        make_task(customer=customer, owner=from_user, title=f"of {customer}")
    colleague = make_user(username="colleague")
    make_task(customer=found[0], owner=from_user, title="done", done_at=clock.now())
    make_task(customer=found[0], owner=colleague, title="a colleague's")
    make_relationship(customer=make_customer(name="other"), owner=colleague)
    make_task(customer=Customer.objects.get(name="other"), owner=from_user, title="elsewhere")
    return found


def owners() -> dict[str, Any]:
    return dict(Relationship.objects.values_list("customer__name", "owner__username"))


def tasks() -> dict[str, Any]:
    return dict(Task.objects.values_list("title", "owner__username"))


def test_accounts_go_with_their_open_tasks_and_leave_a_note(
    from_user: User, to_user: User, accounts: list[Customer]
) -> None:
    assert preview(from_user, to_user) == Reassigned(2, 2)
    assert owners()["one"] == "gina"
    assert reassign(from_user, to_user, by=to_user) == Reassigned(2, 2)
    assert owners() == {"one": "tom", "two": "tom", "other": "colleague"}
    assert tasks() == {
        "of one": "tom",
        "of two": "tom",
        "done": "gina",
        "a colleague's": "colleague",
        "elsewhere": "gina",
    }
    notes = Note.objects.order_by("customer__name").values_list("customer__name", "body", "author__username")
    words = "Reassigned from gina to tom."
    assert list(notes) == [("one", words, "tom"), ("two", words, "tom")]
    assert last_contacts([str(customer.pk) for customer in accounts]) == {}
    history = Relationship.objects.get(customer=accounts[0]).history.latest()
    assert (history.owner, history.history_user, history.history_change_reason) == (to_user, to_user, words)
    assert Task.objects.get(title="of one").history.latest().owner == to_user
    assert reassign(from_user, to_user, by=to_user) == Reassigned(0, 0)


def test_only_those_of_a_segment(from_user: User, to_user: User, accounts: list[Customer]) -> None:
    some = Customer.objects.filter(status="suspended")
    assert (
        preview(from_user, to_user, some)
        == reassign(from_user, to_user, some, by=to_user)
        == Reassigned(1, 1)
    )
    assert owners()["one"] == "gina"


def test_a_failure_leaves_nothing_half_handed_over(
    from_user: User, to_user: User, accounts: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("crm.desk.bulk.reassign.refresh_customers", fail)
    with pytest.raises(RuntimeError):
        reassign(from_user, to_user, by=to_user)
    assert owners()["one"] == "gina"
    assert not Note.objects.exists()


def test_one_hands_over_to_another_who_can_sign_in(from_user: User, to_user: User) -> None:
    with pytest.raises(CannotReassign, match="two different people"):
        reassign(to_user, to_user, by=to_user)
    with pytest.raises(CannotReassign, match="Choose a user who can sign in"):
        reassign(to_user, from_user, by=to_user)


def test_the_page_shows_first_and_does_what_it_showed(
    from_user: User, to_user: User, accounts: list[Customer]
) -> None:
    client = Client()
    client.force_login(to_user)
    url = reverse("desk-reassign")
    asked = {"from_user": from_user.pk, "to_user": to_user.pk}
    shown = client.post(url, asked)
    assert lines(shown) == {
        "Accounts": ("", "2"),
        "Open tasks": ("", "2"),
        "Account manager": ("gina", "tom"),
    }
    assert owners()["one"] == "gina"
    make_relationship(customer=make_customer(name="new"), owner=from_user)
    assert problem(confirm(client, shown)) == CHANGED
    assert owners()["one"] == "gina"
    answer = confirm(client, client.post(url, asked))
    assert toast(answer)[0] == "Reassigned 3 accounts and 2 open tasks from gina to tom."
    assert owners()["new"] == "tom"
    assert problem(client.post(url, asked | {"from_user": to_user.pk})) == "Choose two different people."


def test_who_may_not_change_accounts_hands_nothing_over() -> None:
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    assert viewer.get(reverse("desk-reassign")).status_code == 403


def test_the_command(from_user: User, to_user: User, accounts: list[Customer]) -> None:
    make_segment(name="Stopped", query={"status": ["suspended"]})

    def told(*arguments: str) -> str:
        out = io.StringIO()
        call_command("reassign", *arguments, stdout=out)
        return out.getvalue()

    assert "Would reassign 2 accounts and 2 open tasks from" in told("gina", "tom", "--dry-run")
    assert owners()["two"] == "gina"
    assert "Reassigned 1 account and 1 open task from" in told("gina", "tom", "--segment", "Stopped")
    assert (owners()["one"], owners()["two"]) == ("gina", "tom")
    for arguments, said in (
        (("nobody", "tom"), "no user “nobody”"),
        (("tom", "tom"), "two different people"),
        (("gina", "tom", "--segment", "None such"), "no segment"),
    ):
        with pytest.raises(CommandError, match=said) as refused:
            told(*arguments)
        assert refused.value.returncode == 1
