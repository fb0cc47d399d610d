"""The admin of relationships."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from crm.models import Note
from tests.admin_forms import form_data
from tests.factories import (
    make_company,
    make_custom_field,
    make_customer,
    make_note,
    make_relationship,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make_user("Account manager")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_note_is_by_who_writes_it(client: Client, user: User) -> None:
    customer = make_customer()
    url = reverse("admin:crm_note_add")
    data = form_data(client.get(url), customer=customer.pk, body="Call back.", author=make_user().pk)
    assert client.post(url, data).status_code == 302
    note = Note.objects.get()
    assert (note.author, note.body, note.history.get().history_user) == (user, "Call back.", user)


def test_a_note_on_the_customers_form_is_too(client: Client, user: User) -> None:
    customer = make_customer()
    other = make_note(customer=customer, author=make_user())
    url = reverse("admin:customers_customer_change", args=[customer.pk])
    data = form_data(
        client.get(url),
        **{
            "notes-TOTAL_FORMS": "2",
            "notes-0-body": "Mended.",
            "notes-1-body": "Call back.",
            "notes-1-customer": customer.pk,
        },
    )
    assert client.post(url, data).status_code == 302
    assert {(note.body, note.author) for note in customer.notes.all()} == {
        ("Mended.", other.author),
        ("Call back.", user),
    }
    assert other.history.first().history_user == user


def test_one_note_is_the_summary(client: Client) -> None:
    customer = make_customer()
    make_note(customer=customer, is_summary=True)
    url = reverse("admin:crm_note_add")
    refused = client.post(url, form_data(client.get(url), customer=customer.pk, body="x", is_summary="on"))
    assert refused.status_code == 200
    assert "The customer already has a summary. Clear that one first." in refused.content.decode()


def test_notes_of_mine_and_of_nobody(client: Client, user: User) -> None:
    mine, nobodys = make_note(author=user), make_note()
    make_note(author=make_user())
    url = reverse("admin:crm_note_changelist")
    assert list(client.get(url, {"author": "me"}).context["cl"].result_list) == [mine]
    assert list(client.get(url, {"author": "nobody"}).context["cl"].result_list) == [nobodys]
    assert list(client.get(url, {"author": "else"}).context["cl"].result_list) == []


def test_accounts_of_mine(client: Client, user: User) -> None:
    mine = make_relationship(owner=user)
    make_relationship(owner=make_user())
    url = reverse("admin:crm_relationship_changelist")
    assert list(client.get(url, {"owner": "me"}).context["cl"].result_list) == [mine]


def test_an_account_manager_chooses_the_owner_without_seeing_users(client: Client, user: User) -> None:
    relationship = make_relationship()
    url = reverse("admin:crm_relationship_change", args=[relationship.pk])
    assert client.post(url, form_data(client.get(url), owner=str(user.pk))).status_code == 302
    relationship.refresh_from_db()
    assert relationship.owner == user
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    page = viewer.get(url).content.decode()
    assert user.username in page
    assert reverse("admin:auth_user_change", args=[user.pk]) not in page


def test_a_link_can_be_opened_from_its_form(client: Client) -> None:
    company = make_company(
        profile_url="https://example.com/acme?a=1&b=2", logo_url="data:image/png;base64,AAAA"
    )
    url = reverse("admin:crm_company_change", args=[company.pk])
    page = client.get(url)
    link = 'href="https://example.com/acme?a=1&amp;b=2" target="_blank" rel="noopener noreferrer"'
    assert link in " ".join(page.content.decode().split())
    assert 'href="data:' not in page.content.decode()
    assert client.post(url, form_data(page, name="New")).status_code == 302


def test_custom_fields_show_their_value(client: Client) -> None:
    customer = make_customer()
    for value in (
        {"string_value": "text"},
        {"string_value": None, "number_value": Decimal("1.50")},
        {"string_value": None, "boolean_value": False},
        {"string_value": None, "string_list_value": ["a", "b"]},
    ):
        make_custom_field(customer=customer, **value)
    changelist = client.get(reverse("admin:crm_customfield_changelist")).context["cl"]
    values = {str(changelist.model_admin.shown_value(row)) for row in changelist.result_list}
    assert [any(f">{text}<" in value for value in values) for text in ("text", "1.5", "No", "a, b")] == [
        True
    ] * 4


@pytest.mark.parametrize(
    ("body", "called"),
    [
        ("### Agreed\n\n- A call", "Agreed"),
        ("> They said", "They said"),
        ("- one\n- two", "one"),
        ("-5 % this year", "-5 % this year"),
        ("#42 is open", "#42 is open"),
        ("  ", ""),
    ],
)
def test_a_note_is_called_what_its_first_line_says(body: str, called: str) -> None:
    assert str(Note(body=body)) == called
