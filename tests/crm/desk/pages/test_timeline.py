"""The page of a customer's timeline."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from customers.models import Customer
from tests.factories import (
    make_activity,
    make_address,
    make_customer,
    make_invoice,
    make_note,
    make_payment,
    make_person,
    make_posting,
    make_received_payload,
    make_source_record,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOSTILE = '"><script>alert(1)</script>'
OLDER = re.compile(r'<a href="([^"]*)" class="cl-btn" rel="next">')


@pytest.fixture
def user() -> User:
    return make_user("Account manager")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(client: Client, customer: Customer, query: Any = "") -> str:
    response = client.get(reverse("desk-timeline", args=[customer.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def test_one_reads_back_page_by_page_with_the_same_filter(client: Client) -> None:
    customer = make_customer()
    for number in range(41):
        make_note(customer=customer, body=f"word-{number}-", created_at=AT - timedelta(days=number))
    make_invoice(customer=customer, created_at=AT)
    page = page_of(client, customer, "?kind=note&q=word")
    assert "word-0-" in page
    assert "word-40-" not in page
    assert (
        "Invoice"
        not in re.sub(r"<label.*?</label>", "", page, flags=re.DOTALL).split('aria-label="Activity"')[1]
    )
    [older] = OLDER.findall(page)
    assert "kind=note" in older
    page = page_of(client, customer, html.unescape(older))
    assert "word-40-" in page
    assert "word-39-" not in page
    assert not OLDER.findall(page)
    assert "Newest" in page


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("UTC", {8, 10, 12}), ("Pacific/Auckland", {8, 10}), ("Pacific/Honolulu", {10, 12, 33})],
)
def test_from_and_until_are_days_of_the_time_zone(
    client: Client, settings: Any, zone: str, hours: set[int]
) -> None:
    settings.TIME_ZONE = zone
    customer = make_customer()
    for hour in (8, 10, 12, 33, 36):
        at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)
        make_note(customer=customer, body=f"hour-{hour}-", created_at=at)
    page = page_of(client, customer, "?kind=note&since=2026-03-02&until=2026-03-02")
    assert {int(hour) for hour in re.findall("hour-([0-9]+)-", page)} == hours
    assert page.count(">Monday, Mar 2, 2026<") == 1
    assert page.count('class="cl-day"') == 1


def test_an_empty_timeline_says_so(client: Client) -> None:
    customer = make_customer()
    customer.history.all().delete()
    assert "No activity yet" in page_of(client, customer)
    assert "No matching activity" in page_of(client, customer, "?q=tender")
    assert "No earlier activity" in page_of(client, customer, "?before=2020-01-01T00:00:00~note~x")


@pytest.mark.parametrize(
    "query",
    [
        "?kind=nonsense&by=99999&since=never&until=9999-12-31",
        "?since=0001-01-01&until=1969-12-31",
        "?before=nonsense&q=%01",
        "?before=2026-03-02T09:00:00~note~%01",
        "?before=9999-12-31T23:59:59~note~x",
        "?before=0001-01-01~note~x",
        "?q=" + "x" * 5000,
    ],
)
def test_what_no_form_sends_is_answered(client: Client, query: str) -> None:
    customer = make_customer()
    make_note(customer=customer, created_at=AT)
    page_of(client, customer, query)


def test_what_the_record_carries_is_only_text(client: Client) -> None:
    customer = make_customer(name=HOSTILE)
    make_note(customer=customer, body=f"{HOSTILE} [x](javascript:alert(1)) <svg onload=alert(1)>")
    make_activity(customer=customer, summary=HOSTILE, person=make_person(name=HOSTILE))
    make_task(customer=customer, title=HOSTILE)
    address = make_address(customer=customer, line1=HOSTILE, city="Arusha")
    address.city = HOSTILE
    address.save()
    make_payment(invoice=make_invoice(customer=customer), amount=1, reference=HOSTILE, recorded_by=HOSTILE)
    make_posting(customer=customer, kind="grant", reason=HOSTILE, done_by=HOSTILE)
    make_received_payload(record=make_source_record(customer=customer), origin=HOSTILE)
    searched = page_of(client, customer, "?q=" + "%22%3E%3Cscript%3Ealert(1)")
    assert "&lt;script&gt;alert(1)" in searched
    for page in (searched, page_of(client, customer)):
        assert "<script>alert" not in page
        assert "<svg" not in page
        assert 'href="javascript' not in page


def test_any_identifier_leads_to_it_and_an_unknown_one_nowhere(client: Client) -> None:
    survivor = make_customer(external_id="finch-7")
    merged = make_customer(merged_into=survivor)
    for identifier in ("finch-7", merged.pk):
        response = client.get(reverse("desk-timeline", args=[identifier]))
        assert response["Location"] == reverse("desk-timeline", args=[survivor.pk])
    assert client.get(reverse("desk-timeline", args=["nobody"])).status_code == 404


def test_who_may_not_see_customers_sees_none(client: Client) -> None:
    customer = make_customer()
    client.force_login(make_user(is_superuser=False))
    assert client.get(reverse("desk-timeline", args=[customer.pk])).status_code == 403


def test_the_customers_page_and_form_lead_to_it(client: Client) -> None:
    customer = make_customer()
    make_note(customer=customer, body="Wants two more seats.")
    url = reverse("desk-timeline", args=[customer.pk])
    page = client.get(reverse("desk-customer", args=[customer.pk])).content.decode()
    assert f'href="{url}"' in page
    assert ">Activity</h2>" in page
    form = client.get(reverse("admin:customers_customer_change", args=[customer.pk])).content.decode()
    [leading] = set(re.findall(r'href="([^"]*/timeline/?)"', form))
    assert client.get(leading)["Location"] == url
