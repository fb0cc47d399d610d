"""Who is told, and who isn't; the bell and the pages of notifications."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.desk.bulk.actions import add_tasks, set_owner
from crm.desk.bulk.reassign import reassign
from crm.models import DigestTime, Notification, NotificationChoice, NotificationKind
from crm.notes import write_note
from crm.notify import default_choice, notify
from crm.tasks import add_task, reassign_task
from customers.configuration.table import DIGEST_HOUR, NOTIFICATIONS
from customers.configuration.values import STORED, assumed, store
from customers.models import Customer
from tests.factories import make_customer, make_relationship, make_user

pytestmark = pytest.mark.django_db

LIST = "/admin/notifications/"


@pytest.fixture
def ada() -> User:
    return make_user(username="ada", first_name="Ada", last_name="Example")


@pytest.fixture
def max_() -> User:
    return make_user("Account manager", username="max")


def texts(user: User) -> list[str]:
    return [each.text for each in Notification.objects.of(user)]


def test_a_mention_tells_the_colleague_and_not_the_author(ada: User, max_: User) -> None:
    customer = make_customer()
    write_note(customer, "@max @ada please call", by=ada)
    [found] = Notification.objects.all()
    assert (found.user, found.kind, found.text) == (max_, "mentioned", "Ada Example mentioned you in a note")
    assert (found.customer_id, found.detail, found.read_at) == (customer.pk, "@max @ada please call", None)


def test_a_mention_that_was_seen_is_read(client: Client, ada: User, max_: User) -> None:
    seen, other = make_customer(), make_customer()
    for customer in (seen, other):
        write_note(customer, "@max hello", by=ada)
    client.force_login(max_)
    client.get(f"/admin/customer/{seen.pk}/")
    assert [each.customer_id for each in Notification.objects.of(max_).unread()] == [other.pk]


def test_a_task_tells_its_new_assignee_once(ada: User, max_: User) -> None:
    task = add_task(make_customer(), "Call them", by=ada)
    assert texts(ada) == []
    reassign_task(task, max_, by=ada)
    reassign_task(task, max_, by=ada)
    assert texts(max_) == ["Ada Example assigned you a task"]


def test_many_accounts_are_one_notification(ada: User, max_: User) -> None:
    for _ in range(3):
        make_relationship(owner=ada)
    set_owner(Customer.objects.all(), max_, by=ada)
    add_tasks(Customer.objects.all(), "Say hello", by=ada)
    assert sorted(texts(max_)) == [
        "Ada Example assigned you 3 tasks",
        "Ada Example made you the account manager of 3 accounts",
    ]
    one = make_customer()
    set_owner(Customer.objects.filter(pk=one.pk), max_, by=ada)
    told = Notification.objects.of(max_)[0]
    assert (told.text, told.customer_id) == (
        "Ada Example made you the account manager of this account",
        one.pk,
    )
    set_owner(Customer.objects.filter(pk=one.pk), None, by=max_)
    reassign(max_, ada, by=max_)
    assert texts(ada) == ["max reassigned 3 accounts and 3 open tasks from max to you"]


def test_those_who_may_not_see_the_customer_are_not_told(ada: User) -> None:
    stranger, former = make_user(is_superuser=False), make_user(is_active=False)
    everyone = [ada.pk, stranger.pk, former.pk, None]
    notify(NotificationKind.ALERT, everyone, "80% of API calls are used", customer=make_customer())
    assert [each.user for each in Notification.objects.all()] == [ada]


def test_a_key_is_told_once(ada: User, max_: User) -> None:
    for users in ([ada.pk], [ada.pk, max_.pk]):
        notify(NotificationKind.PAST_DUE, users, "An invoice is past due", key="inv_1")
    assert texts(ada) == texts(max_) == ["An invoice is past due"]


def test_choices(client: Client, ada: User, max_: User) -> None:
    client.force_login(max_)
    wanted = {"mentioned-email": "daily", "assigned-bell": "on", "assigned-email": "never", "hour": "17"}
    assert client.post(f"{LIST}preferences/", wanted).status_code == 302
    chosen = NotificationChoice.objects.filter(user=max_).values_list("kind", "bell", "email")
    assert set(chosen) == {("mentioned", False, "daily")} | {
        (kind, False, "never") for kind in NotificationKind if kind not in ("mentioned", "assigned")
    }
    write_note(make_customer(), "@max hello", by=ada)
    add_task(make_customer(), "Call", by=ada, owner=max_)
    add_task(make_customer(), "Call", by=max_)
    assert texts(max_) == ["Ada Example assigned you a task"]
    assert [each.kind for each in Notification.objects.for_digest()] == ["mentioned"]
    page = client.get(f"{LIST}preferences/").content.decode()
    assert '<option value="17" selected>17:00</option>' in page


def test_the_defaults_count_until_a_user_chooses(client: Client, ada: User, max_: User) -> None:
    assert NOTIFICATIONS.keys() == set(NotificationKind)
    store(NOTIFICATIONS["mentioned"], "daily", None)
    store(NOTIFICATIONS["assigned"], "off", None)
    store(DIGEST_HOUR, 18, None)
    STORED.forget()
    write_note(make_customer(), "@max @ada hello", by=None)
    add_task(make_customer(), "Call", by=ada, owner=max_)
    told = Notification.objects.values_list("user", "kind", "in_bell", "waits_for_digest")
    assert set(told) == {(user.pk, "mentioned", False, True) for user in (ada, max_)}

    client.force_login(max_)
    page = client.get(f"{LIST}preferences/").content.decode()
    assert '<option value="18" selected>18:00</option>' in page
    assert "Reset to defaults" not in page
    as_shown = {f"{kind}-bell": "on" for kind in NotificationKind if kind not in ("mentioned", "assigned")}
    as_shown |= {"mentioned-email": "daily", "hour": "18"}
    client.post(f"{LIST}preferences/", as_shown)
    assert not NotificationChoice.objects.exists()
    client.post(f"{LIST}preferences/", {**as_shown, "assigned-bell": "on", "hour": "7"})
    assert [each.kind for each in NotificationChoice.objects.all()] == ["assigned"]
    assert DigestTime.objects.get().hour == 7
    add_task(make_customer(), "Call", by=ada, owner=max_)
    assert texts(max_) == ["Ada Example assigned you a task"]
    assert "Reset to defaults" in client.get(f"{LIST}preferences/").content.decode()
    client.post(f"{LIST}preferences/", {"defaults": "1"})
    assert not NotificationChoice.objects.exists()
    assert DigestTime.objects.get().hour is None


def test_rows_that_the_old_page_wrote_for_the_defaults_are_no_choices(max_: User) -> None:
    for kind, bell, email in (
        ("alert", True, "never"),
        ("account", False, "never"),
        ("joined", True, "daily"),
    ):
        NotificationChoice.objects.create(user=max_, kind=kind, bell=bell, email=email)
    import_module("crm.migrations.0025_default_notifications").forget_default(apps, None)
    assert {each.kind for each in NotificationChoice.objects.all()} == {"account", "joined"}


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        ("bell", (True, "never")),
        ("bell+now", (True, "now")),
        ("bell+daily", (True, "daily")),
        ("now", (False, "now")),
        ("daily", (False, "daily")),
        ("off", (False, "never")),
    ],
)
def test_what_a_default_means(default: str, expected: tuple[bool, str]) -> None:
    with assumed({"NOTIFY_ALERT": default}):
        choice = default_choice(NotificationKind.ALERT)
    assert (choice.bell, choice.email) == expected


def test_the_list_opens_and_marks_as_read(client: Client, ada: User, max_: User) -> None:
    customer = make_customer(name="Kestrel Robotics")
    for number in range(32):
        add_task(customer, f"Task {number}", by=ada, owner=max_)
    client.force_login(max_)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(LIST).content.decode()
    # The session, the user with the number of unread ones, permissions, notifications, names of customers.
    assert len(queries) <= 6, [each["sql"] for each in queries]
    assert page.count("Kestrel Robotics · Task") == 30
    assert 'aria-label="Notifications, 32 unread"' in page
    assert ">9+</span>" in page
    first = Notification.objects.of(max_)[0]
    opened = client.post(f"{LIST}{first.pk}/")
    assert opened.headers["Location"] == f"/admin/customer/{customer.pk}/"
    assert 'aria-label="Notifications, 31 unread"' in client.get(LIST).content.decode()
    older = client.get(LIST, {"before": Notification.objects.of(max_)[29].pk})
    assert older.content.decode().count("Kestrel Robotics · Task") == 2
    client.post(LIST)
    assert "No notifications match" in client.get(f"{LIST}?show=unread").content.decode()


def test_no_one_opens_the_notification_of_another(client: Client, ada: User, max_: User) -> None:
    add_task(make_customer(), "Call", by=ada, owner=max_)
    client.force_login(ada)
    for key in (Notification.objects.get().pk, "ntf_wrong"):
        assert client.post(f"{LIST}{key}/").status_code == 404
    assert "No notifications yet" in client.get(LIST).content.decode()
