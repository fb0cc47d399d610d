"""The page of trials that were taken by one as several customers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.desk.sheets.merge import merge_url
from customers.models import Customer
from tests.factories import make_customer, make_plan, make_trial_used, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Account manager"))
    return client


def takers(device: str, count: int = 2, **fields: Any) -> list[Customer]:
    """Customers that took a trial with one device."""
    customers = [
        make_customer(fingerprint=device, email="", name=f"{device} {number}", **fields)
        for number in range(count)
    ]
    for customer in customers:
        make_trial_used(customer=customer, plan=make_plan(name="Pro"))
    return customers


def test_who_shares_is_listed_with_the_way_to_merge_them(client: Client) -> None:
    one, other = takers("device-1")
    page = client.get(reverse("desk-trials")).content.decode()
    assert "Fingerprint device-1: 2 customers" in page
    assert reverse("desk-customer", args=[one.pk]) in page
    assert merge_url([one, other]).replace("&", "&amp;") in page


def test_of_many_the_first_are_named(client: Client) -> None:
    takers("device-1", 12)
    page = client.get(reverse("desk-trials"))
    (shown,) = page.context["shared"]
    assert (len(shown["takers"]), shown["more"], shown["merge_url"]) == (10, 2, "")
    assert "… and 2 more" in page.content.decode()


def test_nothing_is_shared(client: Client) -> None:
    takers("device-1", 1)
    takers("device-2", env="sandbox")
    assert "No shared trials" in client.get(reverse("desk-trials")).content.decode()
    sandbox = client.get(reverse("desk-trials"), {"env": "sandbox"})
    assert [each["what"] for each in sandbox.context["shared"]] == ["fingerprint device-2"]
    assert client.get(reverse("desk-trials"), {"env": "x", "page": "x"}).status_code == 200


def test_it_needs_a_permission_and_the_sidebar_leads_to_it(client: Client) -> None:
    assert reverse("desk-trials") in client.get("/admin/crm/duplicatecluster/").content.decode()
    nobody = Client()
    nobody.force_login(make_user(is_superuser=False))
    assert nobody.get(reverse("desk-trials")).status_code == 403
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    takers("device-1")
    assert "Merge customers" not in viewer.get(reverse("desk-trials")).content.decode()


def test_it_takes_as_many_queries_for_many_as_for_one(client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert client.get(reverse("desk-trials")).status_code == 200
        return len(found)

    takers("device-0")
    first = queries()
    for number in range(1, 6):
        takers(f"device-{number}", 3)
    assert queries() == first


def test_what_is_shown_is_only_text(client: Client) -> None:
    hostile = "<script>alert(1)</script>"
    takers(hostile)
    assert hostile not in client.get(reverse("desk-trials")).content.decode()
