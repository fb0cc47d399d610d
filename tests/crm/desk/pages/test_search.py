"""The search as a page, and as the part that the search box shows."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import make_customer, make_user

pytestmark = pytest.mark.django_db

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Account manager"))
    return client


def test_what_is_found_leads_to_the_customers_page(client: Client) -> None:
    customer = make_customer(name=f"Acme {HOSTILE}")
    for query in ({"q": "acme"}, {"q": "acme", "part": "1"}):
        page = client.get(reverse("desk-find"), query).content.decode()
        assert reverse("desk-customer", args=[customer.pk]) in page
        assert HOSTILE not in page


def test_the_part_is_no_page_and_names_pages_too(client: Client) -> None:
    page = client.get(reverse("desk-find"), {"q": "invo", "part": "1"}).content.decode()
    assert "<html" not in page
    assert 'href="/admin/desk/invoices/"' in page
    assert "No customers match “invo”" in page


def test_without_a_term_there_is_the_box_alone(client: Client) -> None:
    page = client.get(reverse("desk-find")).content.decode()
    assert 'name="q"' in page
    assert "No customers match" not in page


def test_strange_terms_find_nobody(client: Client) -> None:
    for term in ("\0", "a\0b", HOSTILE, "%", "_", "\\", "x" * 500, "'"):
        answer = client.get(reverse("desk-find"), {"q": term}, follow=True)
        assert answer.status_code == 200
        assert HOSTILE not in answer.content.decode()


def test_who_may_not_see_customers_has_no_search_box() -> None:
    client = Client()
    client.force_login(User.objects.create_user("grace", is_staff=True))
    assert client.get(reverse("desk-find")).status_code == 403
    assert 'id="find"' not in client.get("/admin/").content.decode()


def test_every_page_has_the_search_box(client: Client) -> None:
    for path in ("/admin/", "/admin/customers/customer/", reverse("desk-worklist")):
        assert 'id="find"' in client.get(path).content.decode()
