"""A user's own time zone: pages follow it, commands and other users do not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from itertools import combinations, islice
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from billing.invoices.emails import proposed_text
from billing.invoices.paper import invoice_paper
from billing.rates.convert import installation_currency, reporting_currency
from config.preferences import PreferencesMiddleware, UserBackend
from crm.desk.health.refresh import score_customers
from crm.models import HealthScore, Preferences
from crm.models.preferences import time_zone_of
from customers.local_formats import formats_of
from tests.factories import (
    make_balance,
    make_customer,
    make_duplicate_cluster,
    make_duplicate_pair,
    make_grant,
    make_invoice,
    make_note,
    make_user,
    make_worklist_entry,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

#: Still November 15 in New York, already November 16 in Tokyo.
LATE = datetime(2026, 11, 15, 22, 30, tzinfo=UTC)


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def choose(user: User, name: str) -> None:
    Preferences.objects.update_or_create(user=user, defaults={"time_zone": name})


def test_the_page_saves_a_time_zone_and_blank_means_the_installations(client: Client, user: User) -> None:
    page = client.get("/admin/preferences/")
    assert page.status_code == 200
    assert 'value="Europe/Berlin"' in page.content.decode()
    assert "Installation default (UTC)" in page.content.decode()
    done = client.post("/admin/preferences/", {"time_zone": "Asia/Tokyo"}, follow=True)
    assert "Saved your preferences." in done.content.decode()
    assert str(time_zone_of(User.objects.get(pk=user.pk))) == "Asia/Tokyo"
    client.post("/admin/preferences/", {"time_zone": ""})
    assert time_zone_of(User.objects.get(pk=user.pk)) is None


@pytest.mark.parametrize("name", ["Nowhere/Land", "\0", "../../etc/passwd", "x" * 5000])
def test_no_other_name_is_taken(name: str, client: Client, user: User) -> None:
    assert client.post("/admin/preferences/", {"time_zone": name}).status_code == 200
    assert not Preferences.objects.exists()


def test_a_choice_that_no_longer_exists_is_the_installations(client: Client, user: User) -> None:
    choose(user, "Nowhere/Land")
    assert client.get("/admin/preferences/").status_code == 200


def test_everybody_has_their_own_and_needs_no_permission() -> None:
    viewer, other = make_user("Viewer"), make_user("Viewer")
    client = Client()
    client.force_login(viewer)
    assert client.post("/admin/preferences/", {"time_zone": "Asia/Tokyo"}).status_code == 302
    assert list(Preferences.objects.values_list("user", flat=True)) == [viewer.pk]
    assert time_zone_of(other) is None
    assert Client().get("/admin/preferences/").status_code == 302


def test_the_account_menu_leads_there(client: Client) -> None:
    assert 'href="/admin/preferences/"' in client.get("/admin/").content.decode()


@pytest.mark.parametrize(("zone", "day"), [("", "15"), ("Asia/Tokyo", "16"), ("America/New_York", "15")])
def test_the_timeline_shows_the_users_day(zone: str, day: str, client: Client, user: User) -> None:
    choose(user, zone)
    note = make_note(customer=make_customer(), body="We met.")
    type(note).objects.filter(pk=note.pk).update(created_at=LATE)
    page = client.get(reverse("desk-timeline", args=[note.customer_id])).content.decode()
    # The title of a time is in UTC for everybody.
    shown = re.sub(r'title="[^"]*"', "", page)
    assert set(re.findall(r"Nov\.? (1[56]), 2026", shown)) == {day}
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize(("zone", "found"), [("", 0), ("Asia/Tokyo", 1)])
def test_a_day_in_a_list_is_the_users_day(zone: str, found: int, client: Client, user: User) -> None:
    choose(user, zone)
    note = make_note(customer=make_customer())
    type(note).objects.filter(pk=note.pk).update(created_at=LATE)
    url = reverse("admin:crm_note_changelist")
    page = client.get(url, {"created_at_from": "2026-11-16", "created_at_to": "2026-11-16"})
    assert page.context["cl"].result_count == found


def test_dates_numbers_and_money_follow_the_language(client: Client, user: User) -> None:
    Preferences.objects.create(user=user, language="de")
    invoice = make_invoice(total=249995, currency="EUR", due_at=LATE)
    url = reverse("admin:billing_invoice_change", args=[invoice.pk])
    assert "2.499,95" in client.get(url).content.decode()
    Preferences.objects.update(language="")
    assert "€2,499.95" in client.get(url).content.decode()


def test_what_is_stored_and_what_customers_read_stays_as_it_is() -> None:
    invoice = make_invoice(total=249995, currency="EUR")
    contact = make_customer(created_at=datetime(2026, 3, 1, tzinfo=UTC))
    with formats_of("de"):
        paper = invoice_paper(invoice)
        assert "2.499,95" not in str(paper)
        assert "€2,499.95" in proposed_text(invoice, paper)
        # Enough must be known for a score.
        make_invoice(customer=contact, status="paid")
        make_grant(balance=make_balance(customer=contact), included_grant=Decimal(9))
        score_customers([str(contact.pk)], LATE)
    assert "Mar 1, 2026" in str(HealthScore.objects.get().parts)


def test_totals_are_in_the_users_currency(client: Client, user: User) -> None:
    seen = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append((reporting_currency(), installation_currency()))
        return HttpResponse()

    Preferences.objects.create(user=user, currency="EUR")
    request = RequestFactory().get("/admin/")
    request.user = User.objects.get(pk=user.pk)
    PreferencesMiddleware(answer)(request)
    assert [*seen, reporting_currency()] == [("EUR", "USD"), "USD"]


def test_the_start_page_is_the_users_own_as_long_as_they_may_see_it(client: Client, user: User) -> None:
    assert client.get("/admin/start/").headers["Location"] == "/admin/"
    assert client.get("/").headers["Location"] == "/admin/start/"
    fields = {"start_page": "desk-worklist", "shortcuts": "on"}
    assert client.post("/admin/preferences/", fields).status_code == 302
    assert client.get("/admin/start/").headers["Location"] == "/admin/worklist/"
    User.objects.filter(pk=user.pk).update(is_superuser=False)
    assert client.get("/admin/start/").headers["Location"] == "/admin/"


def test_shortcuts_can_be_turned_off(client: Client) -> None:
    assert 'data-shortcuts="off"' not in client.get("/admin/").content.decode()
    client.post("/admin/preferences/", {})
    assert 'data-shortcuts="off"' in client.get("/admin/").content.decode()
    client.post("/admin/preferences/", {"shortcuts": "on"})
    assert 'data-shortcuts="off"' not in client.get("/admin/").content.decode()


def test_it_takes_no_query_of_its_own(
    client: Client, user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Preferences.objects.create(user=user, time_zone="Asia/Tokyo", language="de", currency="EUR")
    client.get("/accounts/logout/")
    with django_assert_num_queries(2):  # the session, the user with their preferences
        client.get("/accounts/logout/")


@pytest.mark.parametrize(("pairs", "shown"), [(0, 0), (3, 3), (120, 100)])
def test_pairs_to_review_are_counted_no_further_than_the_sidebar_shows(
    pairs: int, shown: int, user: User
) -> None:
    customers = [make_customer() for _ in range(17)]
    cluster = make_duplicate_cluster(first=customers[0])
    for a, b in islice(combinations(customers, 2), pairs):
        make_duplicate_pair(a=a, b=b, cluster=cluster)
    make_worklist_entry(person=user)
    found: Any = UserBackend().get_user(user.pk)
    assert (found.waiting_pairs, found.waiting_accounts) == (shown, 1)
