"""What is done with many customers at once, as verbs and as pages that the list leads to."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.desk.bulk.actions import add_tasks, change_tags, set_owner, set_status
from crm.models import CustomerTag, Relationship, Tag, Task
from customers.models import Customer
from customers.sheets import CHANGED
from tests.billing.sheets.acts import toast
from tests.factories import (
    make_customer,
    make_customer_tag,
    make_relationship,
    make_tag,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db

ACTS = "/admin/desk/customers/act"
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def user() -> User:
    return make_user("Account manager", username="mo")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_owner_is_set_with_history_where_it_differs(user: User) -> None:
    other = make_user()
    mine, theirs, nobodys = (make_relationship(owner=owner) for owner in (user, other, None))
    bare = make_customer()
    make_customer(merged_into=bare)
    assert set_owner(Customer.objects.all(), user, by=other) == 3
    assert set(Relationship.objects.values_list("owner", flat=True)) == {user.pk}
    assert Relationship.objects.count() == 4
    assert [row.history.count() for row in (mine, theirs, nobodys)] == [1, 2, 2]
    assert theirs.history.latest().history_user == other
    assert set_owner(Customer.objects.filter(pk=bare.pk), None, by=other) == 1
    assert Relationship.objects.get(customer=bare).owner is None


def test_a_status_is_set_and_held_fast_against_imports(user: User) -> None:
    customer, same = make_customer(), make_customer(status="suspended")
    assert set_status(Customer.objects.all(), "suspended", by=user) == 1
    customer.refresh_from_db()
    same.refresh_from_db()
    assert (customer.status, customer.pinned_fields) == ("suspended", ["status"])
    assert same.pinned_fields == []
    latest = customer.history.latest()
    assert (latest.status, latest.history_user) == ("suspended", user)
    assert latest.history_change_reason == "Locked status"


def test_tags_are_added_once_and_taken_off(user: User) -> None:
    pilot, old = make_tag(name="Pilot"), make_tag(name="old")
    first, second = make_customer(), make_customer()
    make_customer_tag(customer=first, tag=pilot)
    make_customer_tag(customer=second, tag=old)
    assert change_tags(Customer.objects.all(), add=["pilot", "new"], remove=[old], by=user) == 2
    found = CustomerTag.objects.order_by("customer", "tag__name").values_list("customer", "tag__name")
    assert sorted(found) == sorted(
        (customer.pk, name) for customer in (first, second) for name in ("Pilot", "new")
    )
    assert Tag.objects.filter(name="old").exists()
    assert change_tags(Customer.objects.all(), add=["NEW"], by=user) == 0


def test_a_task_is_for_the_account_manager_or_whoever_adds_it(user: User) -> None:
    owner = make_user()
    owned, bare = make_relationship(owner=owner).customer, make_customer()
    assert add_tasks(Customer.objects.all(), "Call", by=user) == 2
    assert dict(Task.objects.values_list("customer", "owner")) == {owned.pk: owner.pk, bare.pk: user.pk}
    assert Task.objects.filter(created_by=user, title="Call").count() == 2
    assert add_tasks(Customer.objects.filter(pk=owned.pk), "Write", by=user, owner=user) == 1
    assert Task.objects.get(title="Write").owner == user


def test_many_take_as_many_queries_as_a_few(user: User) -> None:
    def queries(customers: list[Customer]) -> int:
        chosen = Customer.objects.filter(pk__in=[customer.pk for customer in customers])
        with CaptureQueriesContext(connection) as captured:
            assert set_owner(chosen, user, by=user) == len(customers)
        return len(captured)

    def owned() -> Customer:
        return make_relationship(owner=make_user()).customer

    # The first refresh of the worklist makes a row of its own.
    queries([make_customer()])
    few = queries([owned(), make_customer()])
    many = [owned() for _ in range(4)] + [make_customer() for _ in range(4)]
    assert queries(many) == few


def confirmed(client: Client, address: str, asked: dict[str, Any], **values: str) -> Any:
    """The page after the button of the sheet, pressed on its preview with these values."""
    shown = client.post(address, asked | {"at": "", "preview": "1"} | values)
    seen = {"seen": shown.context["preview"].seen, "previewed": shown.context["previewed"]}
    return client.post(address, asked | {"at": "", "confirm": "1"} | seen | values, follow=True)


def test_an_act_shows_first_and_does_it_then(client: Client, user: User) -> None:
    for number in range(12):
        make_customer(name=f"Sleeper {number} {HOSTILE}", status="inactive")
    make_customer(name="other")
    one = Customer.objects.filter(status="inactive").latest("created_at")
    address = f"{ACTS}/tags/?status=inactive"
    asked = {"all": "1", "chosen": [one.pk]}
    page = client.post(address, asked).content.decode()
    assert "12 customers" in page
    assert "status Inactive" in page
    assert HOSTILE not in page
    assert not CustomerTag.objects.exists()
    shown = client.post(address, asked | {"at": "", "add": "wake"})
    assert "and 7 more" in shown.content.decode()
    seen = {"confirm": "1", "previewed": shown.context["previewed"], "seen": "11"}
    assert client.post(address, asked | {"at": "", "add": "wake"} | seen).context["problem"] == CHANGED
    assert not CustomerTag.objects.exists()
    answer = confirmed(client, address, asked, add="wake, wake , up")
    assert answer.redirect_chain == [("/admin/desk/customers/?status=inactive", 302)]
    assert CustomerTag.objects.filter(tag__name="wake", given_by=user).count() == 12
    assert CustomerTag.objects.count() == 24
    client.post(toast(answer)[1])
    assert not CustomerTag.objects.exists()


def test_each_act_asks_with_nothing_chosen_before_and_is_undone(client: Client) -> None:
    customer = make_relationship(owner=make_user()).customer
    make_task(customer=customer)
    owner = Relationship.objects.get().owner
    asked: dict[str, Any] = {"chosen": [customer.pk, "cus_nonsense"]}

    def state() -> tuple[Any, ...]:
        now = Customer.objects.get(pk=customer.pk)
        return Relationship.objects.get().owner, now.status, list(now.pinned_fields), Task.objects.count()

    before = state()
    assert before == (owner, "active", [], 1)
    for name, values, done, after in (
        ("owner", {"owner": "none"}, "Assigned", (None, "active", [], 1)),
        ("status", {"status": "suspended"}, "Set the status of", (owner, "suspended", ["status"], 1)),
        ("tasks", {"task": "Call", "due_on": "2026-12-24"}, "Added a task for", (owner, "active", [], 2)),
    ):
        opened = client.post(f"{ACTS}/{name}/", asked)
        assert "1 customer, selected in the list" in opened.content.decode()
        assert opened.context["preview"] is None
        answer = confirmed(client, f"{ACTS}/{name}/", asked, **values)
        message, undo = toast(answer)
        assert (message, state()) == (f"{done} 1 customer.", after)
        client.post(undo)
        assert state() == before
        *_, refused = client.post(undo, follow=True).context["messages"]
        assert str(refused) == "Couldn't undo. Only your last change can be undone."
    assert client.get(f"{ACTS}/owner/")["Location"] == "/admin/desk/customers/"
    assert "Select customers first." in client.post(f"{ACTS}/owner/", {}, follow=True).content.decode()


def test_an_undo_leaves_what_was_changed_since(client: Client, user: User) -> None:
    customers = [make_relationship(owner=make_user()).customer for _ in range(2)]
    owners = [each.relationship.owner for each in customers]
    answer = confirmed(
        client, f"{ACTS}/owner/", {"chosen": [each.pk for each in customers]}, owner=str(user.pk)
    )
    assert toast(answer)[0] == "Assigned 2 customers."
    other = make_user()
    Relationship.objects.filter(customer=customers[0]).update(owner=other)
    client.post(toast(answer)[1])
    assert [Relationship.objects.get(customer=each).owner for each in customers] == [other, owners[1]]


def test_an_undo_of_tasks_keeps_and_takes_only_those_that_were_added(client: Client) -> None:
    customer = make_customer()
    for number in range(3):
        make_task(customer=customer, title=f"Old {number}")
    answer = confirmed(client, f"{ACTS}/tasks/", {"chosen": [customer.pk]}, task="Call")
    added = Task.objects.get(title="Call")
    assert client.session["last_change"]["rows"] == {str(customer.pk): [[], [str(added.pk)]]}
    make_task(customer=customer, title="Later")
    client.post(toast(answer)[1])
    titles = set(Task.objects.values_list("title", flat=True))
    assert titles == {"Old 0", "Old 1", "Old 2", "Later"}


def test_other_customers_than_those_of_the_preview_are_not_changed(client: Client) -> None:
    first, second = make_customer(), make_customer()
    address, values = f"{ACTS}/status/", {"status": "suspended"}
    shown = client.post(address, {"chosen": [first.pk], "at": "", "preview": "1"} | values)
    seen = {"seen": shown.context["preview"].seen, "previewed": shown.context["previewed"], "confirm": "1"}
    answer = client.post(address, {"chosen": [second.pk], "at": ""} | seen | values)
    assert answer.context["problem"] == CHANGED
    assert not Customer.objects.filter(status="suspended").exists()


def test_account_managers_of_one_name_are_counted_apart(client: Client, user: User) -> None:
    names = {"first_name": "Max", "last_name": "Mwangi"}
    owners = [User.objects.create_user(f"max{number}", **names) for number in range(2)]
    customers = [make_relationship(owner=owner).customer for owner in (owners[0], owners[0], owners[1])]
    asked = {"chosen": [each.pk for each in customers], "at": "", "preview": "1", "owner": str(user.pk)}
    (block,) = client.post(f"{ACTS}/owner/", asked).context["preview"].blocks
    assert [(line.label, line.value) for line in block.lines] == [
        ("Now: Max Mwangi", "2 accounts"),
        ("Now: Max Mwangi", "1 account"),
    ]


def test_an_undo_gives_no_accounts_to_who_may_no_longer_act(client: Client, user: User) -> None:
    former = make_user()
    customer = make_relationship(owner=former).customer
    answer = confirmed(client, f"{ACTS}/owner/", {"chosen": [customer.pk]}, owner=str(user.pk))
    User.objects.filter(pk=former.pk).update(is_active=False)
    *_, message = client.post(toast(answer)[1], follow=True).context["messages"]
    assert str(message) == "Couldn't undo. Nothing is left to undo."
    assert Relationship.objects.get().owner == user


def test_an_undo_needs_the_permission_of_the_act() -> None:
    clerk, client, customer = make_user("Account manager"), Client(), make_relationship().customer
    client.force_login(clerk)
    answer = confirmed(client, f"{ACTS}/owner/", {"chosen": [customer.pk]}, owner=str(clerk.pk))
    clerk.groups.clear()
    assert client.post(toast(answer)[1]).status_code == 403
    assert Relationship.objects.get().owner == clerk


def test_who_may_only_look_is_offered_none_of_it() -> None:
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    customer = make_customer()
    asked = {"chosen": [customer.pk], "apply": "1", "count": "1", "status": "suspended"}
    assert viewer.post(f"{ACTS}/status/", asked).status_code == 403
    assert viewer.get("/admin/undo/change/x/").status_code == 405
    customer.refresh_from_db()
    assert customer.status == "active"
    page = viewer.get("/admin/desk/customers/")
    assert page.context["bulk"] == []
    assert 'name="chosen"' not in page.content.decode()
