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
from crm.desk.bulk.hand_over import HandedOver, NothingToHandOver, hand_over, preview
from crm.models import Note, Relationship, Task
from customers import clock
from customers.models import Customer
from tests.factories import make_customer, make_relationship, make_segment, make_task, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def giver() -> User:
    return make_user(username="giver", is_active=False)


@pytest.fixture
def taker() -> User:
    return make_user("Account manager", username="taker")


@pytest.fixture
def accounts(giver: User) -> list[Customer]:
    """Two accounts of the giver, one of them suspended, each with a task; and what stays."""
    found = [
        make_relationship(customer=make_customer(name=name, status=status), owner=giver).customer
        for name, status in (("one", "active"), ("two", "suspended"))
    ]
    for customer in found:
        make_task(customer=customer, owner=giver, title=f"of {customer}")
    colleague = make_user(username="colleague")
    make_task(customer=found[0], owner=giver, title="done", done_at=clock.now())
    make_task(customer=found[0], owner=colleague, title="a colleague's")
    make_relationship(customer=make_customer(name="other"), owner=colleague)
    make_task(customer=Customer.objects.get(name="other"), owner=giver, title="elsewhere")
    return found


def owners() -> dict[str, Any]:
    return dict(Relationship.objects.values_list("customer__name", "owner__username"))


def tasks() -> dict[str, Any]:
    return dict(Task.objects.values_list("title", "owner__username"))


def test_accounts_go_with_their_open_tasks_and_leave_a_note(
    giver: User, taker: User, accounts: list[Customer]
) -> None:
    assert preview(giver, taker) == HandedOver(2, 2)
    assert owners()["one"] == "giver"
    assert hand_over(giver, taker, by=taker) == HandedOver(2, 2)
    assert owners() == {"one": "taker", "two": "taker", "other": "colleague"}
    assert tasks() == {
        "of one": "taker",
        "of two": "taker",
        "done": "giver",
        "a colleague's": "colleague",
        "elsewhere": "giver",
    }
    notes = Note.objects.order_by("customer__name").values_list("customer__name", "body", "author__username")
    words = "Handed over from giver to taker."
    assert list(notes) == [("one", words, "taker"), ("two", words, "taker")]
    assert last_contacts([str(customer.pk) for customer in accounts]) == {}
    history = Relationship.objects.get(customer=accounts[0]).history.latest()
    assert (history.owner, history.history_user, history.history_change_reason) == (taker, taker, words)
    assert Task.objects.get(title="of one").history.latest().owner == taker
    assert hand_over(giver, taker, by=taker) == HandedOver(0, 0)


def test_only_those_of_a_segment(giver: User, taker: User, accounts: list[Customer]) -> None:
    some = Customer.objects.filter(status="suspended")
    assert preview(giver, taker, some) == hand_over(giver, taker, some, by=taker) == HandedOver(1, 1)
    assert owners()["one"] == "giver"


def test_a_failure_leaves_nothing_half_handed_over(
    giver: User, taker: User, accounts: list[Customer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("crm.desk.bulk.hand_over.refresh_customers", fail)
    with pytest.raises(RuntimeError):
        hand_over(giver, taker, by=taker)
    assert owners()["one"] == "giver"
    assert not Note.objects.exists()


def test_one_hands_over_to_another_who_can_sign_in(giver: User, taker: User) -> None:
    with pytest.raises(NothingToHandOver, match="two different people"):
        hand_over(taker, taker, by=taker)
    with pytest.raises(NothingToHandOver, match="cannot sign in"):
        hand_over(taker, giver, by=taker)


def test_the_page_shows_first_and_does_what_it_showed(
    giver: User, taker: User, accounts: list[Customer]
) -> None:
    client = Client()
    client.force_login(taker)
    url = reverse("desk-hand-over")
    assert client.get(url).status_code == 200
    asked = {"giver": giver.pk, "taker": taker.pk}
    answer = client.post(url, asked)
    page = answer.content.decode()
    assert "2 accounts and 2 open tasks" in page
    assert owners()["one"] == "giver"
    planned = answer.context["planned_text"]
    make_relationship(customer=make_customer(name="new"), owner=giver)
    page = client.post(url, asked | {"planned": planned}).content.decode()
    assert "Nothing was handed over" in page
    assert owners()["one"] == "giver"
    planned = client.post(url, asked).context["planned_text"]
    answer = client.post(url, asked | {"planned": planned}, follow=True)
    assert "3 accounts and 2 open tasks" in answer.content.decode()
    assert owners()["new"] == "taker"
    answer = client.post(url, {"giver": taker.pk, "taker": taker.pk})
    assert "two different people" in answer.content.decode()


def test_who_may_not_change_accounts_hands_nothing_over() -> None:
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    assert viewer.get(reverse("desk-hand-over")).status_code == 403


def test_the_command(giver: User, taker: User, accounts: list[Customer]) -> None:
    make_segment(name="Stopped", query={"status": ["suspended"]})

    def told(*arguments: str) -> str:
        out = io.StringIO()
        call_command("hand_over", *arguments, stdout=out)
        return out.getvalue()

    assert "would be handed over: 2 accounts and 2 open tasks." in told("giver", "taker", "--dry-run")
    assert owners()["two"] == "giver"
    assert "were handed over: 1 account and 1 open task." in told("giver", "taker", "--segment", "Stopped")
    assert (owners()["one"], owners()["two"]) == ("giver", "taker")
    for arguments, said in (
        (("nobody", "taker"), "no user “nobody”"),
        (("taker", "taker"), "two different people"),
        (("giver", "taker", "--segment", "None such"), "no segment"),
    ):
        with pytest.raises(CommandError, match=said) as refused:
            told(*arguments)
        assert refused.value.returncode == 1
