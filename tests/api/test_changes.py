"""The changes feed: who changed since a cursor, and cursors that are too old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client

from customers import clock
from customers.api.changes import _cursor
from customers.changes import Position
from customers.models import Customer, CustomerChange
from tests.api.fixtures import error_of
from tests.api.steps import merge
from tests.factories import make_customer, make_note

# A reader sees what is committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("settled")]

FEED = "/api/v1/changes"


@pytest.fixture
def poll(read: Callable[..., Any]) -> Callable[..., list[list[Any]]]:
    """Everything after the cursor that the last poll ended with, as customer, kind and survivor."""
    cursor = read(FEED, after="now")["next_cursor"]

    def poll(limit: int = 200) -> list[list[Any]]:
        nonlocal cursor
        found = []
        has_more = True
        while has_more:
            page = read(FEED, after=cursor, limit=limit)
            assert len(page["data"]) <= limit
            found += [[each["customer"], each["kind"], each["merged_into"]] for each in page["data"]]
            cursor, has_more = page["next_cursor"], page["has_more"]
        return found

    return poll


@pytest.fixture
def gone(api: Client) -> Callable[[str], str]:
    """The cursor that a cursor which has expired is answered with."""

    def gone(cursor: str) -> str:
        response = api.get(FEED, {"after": cursor})
        assert response.status_code == 410
        body = response.json()
        assert list(body) == ["error", "next_cursor"]
        assert (body["error"]["code"], body["error"]["param"]) == ("cursor_expired", "after")
        assert "Read every document again" in body["error"]["message"]
        return str(body["next_cursor"])

    return gone


def age(days: int) -> None:
    """Make all changes so many days older."""
    for change in CustomerChange.objects.all():
        CustomerChange.objects.filter(pk=change.pk).update(at=clock.now() - timedelta(days=days))


def test_a_poller_gets_what_changed_since_and_nothing_twice(poll, read):
    assert poll() == []
    first, second = make_customer(), make_customer()
    assert poll() == [[first.pk, "changed", None], [second.pk, "changed", None]]
    assert poll() == []
    make_note(customer=first)
    assert poll() == [[first.pk, "changed", None]]
    # Without a cursor: what is kept, from the beginning.
    assert {each["customer"] for each in read(FEED)["data"]} == {first.pk, second.pk}
    assert read(FEED, after="now")["data"] == []


def test_pages_together_are_the_feed(poll):
    made = [make_customer().pk for _ in range(4)]
    assert [pk for pk, _, _ in poll(2)] == made
    assert poll(2) == []
    # Those of one transaction are paged too.
    made = Customer.objects.bulk_create(Customer(name=str(number)) for number in range(5))
    assert sorted(pk for pk, _, _ in poll(2)) == sorted(customer.pk for customer in made)


def test_a_merged_and_an_erased_customer_are_tombstones(poll):
    survivor, other, erased = make_customer(), make_customer(), make_customer()
    poll()
    merge(other, survivor)
    Customer.objects.filter(pk=erased.pk).delete()
    assert {pk: rest for pk, *rest in poll()} == {
        other.pk: ["merged", survivor.pk],
        survivor.pk: ["changed", None],
        erased.pk: ["erased", None],
    }


def test_a_change_has_its_time(read):
    before = clock.now() - timedelta(seconds=5)
    make_customer()
    (change,) = read(FEED)["data"]
    assert before.isoformat() < change["at"].replace("Z", "+00:00") < clock.now().isoformat()


def test_a_cursor_expires_when_changes_after_it_are_deleted(read, poll, gone, settings):
    settings.CHANGES_KEPT_DAYS = 7
    make_customer()
    old = read(FEED, after="now")["next_cursor"]
    make_customer()
    current = read(FEED, after="now")["next_cursor"]
    age(days=8)
    kept = make_customer()
    call_command("prune_changes")

    assert [each["customer"] for each in read(FEED, after=current)["data"]] == [kept.pk]
    assert [each["customer"] for each in read(FEED)["data"]] == [kept.pk]
    following = gone(old)
    assert read(FEED, after=following)["data"] == []
    later = make_customer()
    assert [each["customer"] for each in read(FEED, after=following)["data"]] == [later.pk]
    # A second run has nothing more to delete, and forgets nothing.
    call_command("prune_changes")
    gone(old)
    assert len(read(FEED, after=current)["data"]) == 2


def test_a_cursor_that_is_polled_with_does_not_expire_while_nothing_changes(poll):
    make_customer()
    poll()
    age(days=100)
    call_command("prune_changes")
    assert poll() == []


def test_all_changes_can_be_deleted(read, gone):
    start = read(FEED, after="now")["next_cursor"]
    make_customer()
    call_command("prune_changes", "--all")
    assert read(FEED)["data"] == []
    gone(start)
    made = make_customer()
    assert [each["customer"] for each in read(FEED)["data"]] == [made.pk]


def test_a_cursor_of_a_database_that_was_ahead_has_expired(read, gone):
    assert read(FEED, after=gone(_cursor(Position(2**60))))["data"] == []


def test_only_cursors_of_the_feed_are_taken(read, refuse):
    other = read("/api/v1/customers", limit=1)["next_cursor"] or "a:b"
    for cursor in ("x", other, read(FEED)["next_cursor"][:-1], "NOW", "é"):
        error = refuse(400, FEED, after=cursor)
        assert (error["code"], error["param"]) == ("invalid_parameter", "after")
    for limit in ("0", "1001", "ten"):
        assert refuse(400, FEED, limit=limit)["param"] == "limit"


def test_the_feed_needs_the_permission_to_view_customers(client):
    user = User.objects.create_user("viewer")
    client.force_login(user)
    response = client.get(FEED)
    assert (response.status_code, error_of(response)["code"]) == (403, "forbidden")
    user.user_permissions.add(Permission.objects.get(codename="view_customer"))
    assert client.get(FEED).status_code == 200
    assert Client().get(FEED).status_code == 401
