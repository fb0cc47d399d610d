"""Segments: saved, found, opened, used in commands and in the JSON lists."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.desk.segments.query import Query
from crm.desk.segments.saved import NameTaken, UnknownSegment, find_segment, save_segment
from crm.models import Segment
from tests.factories import (
    make_customer,
    make_relationship,
    make_segment,
    make_user,
    make_worklist_entry,
    make_worklist_reason,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/desk/customers/"
HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def user() -> User:
    return make_user("Account manager", username="mo")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_name_is_once_and_its_filter_can_be_replaced(user: User) -> None:
    first, second = (Query.read(QueryDict(f"status={word}")) for word in ("active", "inactive"))
    saved = save_segment("Pilots", first, by=user)
    with pytest.raises(NameTaken, match="replace your segment “Pilots”"):
        save_segment("Pilots", second, by=user)
    again = save_segment("Pilots", second, by=user, is_shared=True, replaces=True)
    assert (again.pk, again.query, again.is_shared) == (saved.pk, {"status": ["inactive"]}, True)
    assert save_segment("Pilots", first, by=make_user()).pk != saved.pk


def test_a_segment_is_found_by_name_or_id_by_whom_it_may_be_used(user: User) -> None:
    own = make_segment(name="A", owner=user)
    shared, private = make_segment(name="A", is_shared=True), make_segment(name="B")
    assert find_segment("A", user) == own
    assert find_segment("A", None) == shared
    assert find_segment(str(shared.pk), user) == shared
    assert find_segment("B", None, sees_all=True) == private
    for asked in ("B", str(private.pk), "seg_", "C"):
        with pytest.raises(UnknownSegment, match="no segment"):
            find_segment(asked, user)
    make_segment(name="A", is_shared=True)
    with pytest.raises(UnknownSegment, match="2 segments are called “A”"):
        find_segment("A", None)


def test_from_the_filtered_list_to_a_segment_and_back(client: Client, user: User) -> None:
    make_customer(name="Acme", status="inactive")
    make_customer(name="Other")
    page = client.get(LIST, {"status": "inactive"}).content.decode()
    save = f"{reverse('desk-segment-save')}?status=inactive"
    assert f'href="{save}"' in page
    assert "Status Inactive" in page
    assert "1 customer</a>" in client.get(save).content.decode()
    answer = client.post(save, {"name": f"Sleepers {HOSTILE}", "is_shared": "on"})
    assert answer.status_code == 302
    page = client.get(reverse("desk-segments")).content.decode()
    assert f'href="{LIST}?status=inactive"' in page
    assert HOSTILE not in page
    assert "Yours, shared" in page
    assert Segment.objects.get().owner == user
    assert "Choose another name" in client.post(save, {"name": f"Sleepers {HOSTILE}"}).content.decode()


def test_only_the_owner_changes_a_segment(client: Client, user: User) -> None:
    mine, shared = make_segment(owner=user, name="Mine"), make_segment(is_shared=True, name="Theirs")
    make_segment(owner=user, name="Third")
    assert client.get(reverse("desk-segment", args=[shared.pk])).status_code == 404
    assert client.get(reverse("desk-segment", args=["seg_x"])).status_code == 404
    url = reverse("desk-segment", args=[mine.pk])
    assert "You already have a segment with this name" in client.post(url, {"name": "Third"}).content.decode()
    client.post(url, {"name": "Ours", "is_shared": "on"})
    mine.refresh_from_db()
    assert (mine.name, mine.is_shared) == ("Ours", True)
    client.post(url, {"delete": "1"})
    assert not Segment.objects.filter(pk=mine.pk).exists()


def test_a_segment_that_cannot_be_used_says_why(client: Client, user: User) -> None:
    make_segment(owner=user, name="Old", query={"status": ["vanished"]})
    page = client.get(reverse("desk-segments")).content.decode()
    assert "choose one of" in page
    assert "Not available" in page


def test_an_address_that_cannot_be_saved_leads_back(client: Client) -> None:
    answer = client.get(f"{reverse('desk-segment-save')}?mrr_from=x", follow=True)
    assert "enter a number" in answer.content.decode()


def test_others_private_segments_and_pages_stay_closed(client: Client) -> None:
    make_segment(name="Secret plans")
    assert "Secret plans" not in client.get(reverse("desk-segments")).content.decode()
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    assert viewer.get(reverse("desk-segments")).status_code == 200
    assert viewer.get(reverse("desk-segment-save")).status_code == 403


def test_the_list_takes_a_fixed_number_of_queries_with_every_filter(client: Client) -> None:
    address = f"{LIST}?owner=me&balance=api&balance_to=9&mrr_from=0&tag=x&country=TZ&quiet=3&health_to=90"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(4):
        make_relationship(customer=make_customer(name=f"c{number}"), owner=make_user())
    with CaptureQueriesContext(connection) as many:
        assert client.get(address).status_code == 200
    assert len(many) == len(few)


def names(answer: Any) -> list[str]:
    return [each["name"] for each in json.loads(answer.content)["data"]]


@pytest.mark.parametrize("path", ["/api/v1/customers", "/api/v1/billing/customers", "/api/v1/crm/customers"])
def test_json_lists_take_a_segment(client: Client, user: User, path: str) -> None:
    make_customer(name="Acme", status="inactive")
    customer = make_customer(name="Mine")
    make_relationship(customer=customer, owner=user)
    make_segment(name="Sleepers", is_shared=True, query={"status": ["inactive"]})
    make_segment(name="My accounts", owner=user, query={"owner": ["me"]})
    answer = client.get(path, {"segment": "My accounts"})
    assert [each["id"] for each in json.loads(answer.content)["data"]] != []
    assert len(json.loads(answer.content)["data"]) == 1
    assert len(json.loads(client.get(path, {"segment": "Sleepers"}).content)["data"]) == 1
    answer = client.get(path, {"segment": "None such"})
    assert answer.status_code == 400
    assert "There is no segment" in answer.content.decode()


def test_a_token_uses_shared_segments_that_mean_the_same_to_everybody(api: Client) -> None:
    make_customer(name="Acme", status="inactive")
    make_customer(name="Other")
    make_segment(name="Sleepers", is_shared=True, query={"status": ["inactive"]})
    make_segment(name="Mine", is_shared=True, query={"owner": ["me"]})
    make_segment(name="Private")
    assert names(api.get("/api/v1/customers", {"segment": "Sleepers"})) == ["Acme"]
    for name, said in (("Mine", "no user is signed in"), ("Private", "no segment")):
        answer = api.get("/api/v1/customers", {"segment": name})
        assert (answer.status_code, said in answer.content.decode()) == (400, True)


def test_commands_take_a_segment() -> None:
    acme, other = make_customer(name="Acme", status="inactive"), make_customer(name="Other")
    for customer in (acme, other):
        make_worklist_reason(entry=make_worklist_entry(customer=customer))
    make_segment(name="Sleepers", query={"status": ["inactive"]})
    make_segment(name="Mine", query={"owner": ["me"]})
    for command in (["export_customers", "payments"], ["worklist"]):
        out = io.StringIO()
        call_command(*command, segment="Sleepers", stdout=out, stderr=io.StringIO())
        assert "Acme" in out.getvalue()
        assert "Other" not in out.getvalue()
        for name, said in (("None such", "There is no segment"), ("Mine", "no user is signed in")):
            with pytest.raises(CommandError, match=said) as refused:
                call_command(*command, segment=name, stdout=io.StringIO())
            assert refused.value.returncode == 1
