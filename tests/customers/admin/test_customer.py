"""The customer's pages in the admin."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.contrib.admin.utils import quote
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.admin.customer import ManagedCustomerAdmin
from customers.models import Customer
from tests.admin_forms import form_data, without_templates
from tests.factories import (
    make_address,
    make_balance,
    make_business,
    make_contact,
    make_customer,
    make_document,
    make_domain,
    make_entity,
    make_invoice,
    make_note,
    make_payment_method,
    make_source_record,
    make_subscription,
    make_user,
)

pytestmark = pytest.mark.django_db

LIST = reverse("admin:customers_customer_changelist")


@pytest.fixture
def user() -> User:
    return make_user()


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def change_url(customer: Customer) -> str:
    return reverse("admin:customers_customer_change", args=[quote(customer.pk)])


def found(client: Client, term: str, **filters: str) -> set[str]:
    """The customers that a search finds."""
    with without_templates():
        response = client.get(LIST, {"q": term, **filters})
    assert response.status_code == 200
    return {customer.pk for customer in response.context["cl"].result_list}


def test_any_identifier_finds_its_customer(client: Client) -> None:
    customer = make_customer(external_id="ext 1", stripe_id="cus_stripe1", email="jane@example.com")
    make_customer(external_id="ext 2", stripe_id="cus_stripe2")
    record = make_source_record(customer=customer, source="crm", source_id="crm-of-jane")
    rows = [
        make_invoice(customer=customer),
        make_note(customer=customer),
        make_entity(customer=customer),
        record,
    ]
    terms = [customer.pk, customer.pk.upper(), f" {customer.pk} ", "ext 1", "cus_stripe1", "jane@example.com"]
    for term in [*terms, "crm-of-jane", *(row.pk for row in rows)]:
        assert found(client, term) == {customer.pk}, term


def test_an_identifier_of_two_environments_finds_both(client: Client) -> None:
    live = make_customer(external_id="same")
    sandbox = make_customer(external_id="same", env="sandbox")
    assert found(client, "same") == {live.pk, sandbox.pk}


def test_words_find_parts_of_names_beside_an_identifier_that_is_the_same(client: Client) -> None:
    by_name = make_customer(name="Acme Corporation")
    by_id = make_customer(name="Other", external_id="acme")
    make_customer(name="Globex")
    assert found(client, "acme") == {by_name.pk, by_id.pk}
    assert found(client, "corporation acme") == {by_name.pk}


def test_the_id_of_a_merged_customer_finds_it_and_the_survivor(client: Client) -> None:
    survivor = make_customer()
    merged = make_customer(merged_into=survivor)
    assert found(client, merged.pk) == {merged.pk, survivor.pk}


@pytest.mark.usefixtures("plain_pages")
def test_lists_leave_out_archived_and_merged_customers_until_asked(client: Client) -> None:
    current = make_customer(name="One")
    archived = make_customer(name="One archived", archived_at=datetime(2026, 1, 1, tzinfo=UTC))
    merged = make_customer(name="One merged", merged_into=current)
    shown = {
        choice: {customer.pk for customer in client.get(LIST, {"standing": choice}).context["cl"].result_list}
        for choice in ("", "archived", "merged", "all")
    }
    assert shown == {
        "": {current.pk},
        "archived": {archived.pk},
        "merged": {merged.pk},
        "all": {current.pk, archived.pk, merged.pk},
    }
    assert found(client, "one") == {current.pk, archived.pk, merged.pk}


def test_what_a_person_edits_is_pinned_and_the_history_says_who(client: Client, user: User) -> None:
    customer = make_customer(name="Old", phone="")
    data = form_data(client.get(change_url(customer)), name="New", custom_data='{"tier": "gold"}')
    assert client.post(change_url(customer), data).status_code == 302
    customer.refresh_from_db()
    assert (customer.name, customer.custom_data) == ("New", {"tier": "gold"})
    assert customer.pinned_fields == ["name", "custom_data"]
    latest = customer.history.first()
    assert (latest.history_user, latest.history_change_reason) == (user, "Locked name and custom data")
    page = client.get(change_url(customer)).content.decode()
    assert "name, custom data" in page
    assert "Imports can change unlocked fields again." in page


@pytest.mark.usefixtures("plain_pages")
def test_a_pinned_field_can_be_let_go(client: Client) -> None:
    customer = make_customer(pinned_fields=["name", "phone"])
    data = form_data(client.get(change_url(customer)), unlock_fields=["phone"])
    assert client.post(change_url(customer), data).status_code == 302
    customer.refresh_from_db()
    assert customer.pinned_fields == ["name"]
    assert customer.history.first().history_change_reason == "Unlocked phone"
    nonsense = form_data(client.get(change_url(customer)), unlock_fields=["env"])
    assert client.post(change_url(customer), nonsense).status_code == 200


@pytest.mark.usefixtures("plain_pages")
def test_what_is_entered_for_a_new_customer_is_pinned(client: Client) -> None:
    url = reverse("admin:customers_customer_add")
    data = form_data(client.get(url), name="By hand", external_id="")
    assert client.post(url, data).status_code == 302
    customer = Customer.objects.get()
    assert (customer.name, customer.external_id, customer.pinned_fields) == ("By hand", None, ["name"])


@pytest.mark.usefixtures("plain_pages")
def test_the_environment_is_chosen_once(client: Client) -> None:
    customer = make_customer(env="live")
    data = form_data(client.get(change_url(customer)), env="sandbox", name="New")
    client.post(change_url(customer), data)
    customer.refresh_from_db()
    assert customer.env == "live"


@pytest.mark.usefixtures("plain_pages")
def test_bad_json_is_a_form_error(client: Client) -> None:
    customer = make_customer()
    data = form_data(client.get(change_url(customer)))
    for text in ('{"a": "\\u0000"}', "[1]", "NaN", "[" * 5000, '{"a": 1, "a": 2}', '"\\ud800"'):
        refused = client.post(change_url(customer), data | {"custom_data": text})
        assert refused.status_code == 200
        assert list(refused.context["adminform"].form.errors) == ["custom_data"]


@pytest.mark.usefixtures("plain_pages")
def test_nul_in_a_text_is_a_form_error(client: Client) -> None:
    customer = make_customer()
    data = form_data(client.get(change_url(customer)), name="a\0b")
    refused = client.post(change_url(customer), data)
    assert list(refused.context["adminform"].form.errors) == ["name"]


def test_archives_and_takes_out_again_with_a_message(client: Client, user: User) -> None:
    customer = make_customer()
    chosen = {"action": "archive", "_selected_action": [customer.pk]}
    answer = client.post(LIST, chosen, follow=True)
    assert [str(message)[:20] for message in answer.context["messages"]] == ["Archived 1 customer."]
    customer.refresh_from_db()
    assert customer.archived_at is not None
    assert customer.history.first().history_user == user
    client.post(f"{LIST}?standing=archived", chosen | {"action": "unarchive"})
    customer.refresh_from_db()
    assert customer.archived_at is None


def test_a_viewer_cannot_archive() -> None:
    customer = make_customer()
    client = Client()
    client.force_login(make_user("Viewer"))
    client.post(LIST, {"action": "archive", "_selected_action": [customer.pk]})
    customer.refresh_from_db()
    assert customer.archived_at is None


def test_a_merged_customer_stays_as_it_was(client: Client) -> None:
    survivor = make_customer(name="Survivor")
    merged = make_customer(name="Gone", merged_into=survivor)
    page = client.get(change_url(merged))
    assert "Merged into" in page.content.decode()
    assert reverse("desk-customer", args=[survivor.pk]) in page.content.decode()
    assert client.post(change_url(merged), {"name": "New"}).status_code == 403


def test_a_form_takes_as_many_queries_for_nine_rows_of_each_kind_as_for_one(client: Client) -> None:
    customer = make_customer()
    makers = (
        make_address,
        make_balance,
        make_business,
        make_contact,
        make_document,
        make_domain,
        make_invoice,
        make_note,
        make_payment_method,
        make_source_record,
        make_subscription,
    )
    counts: list[int] = []
    for rows in (1, 8):
        for make in makers:
            for _ in range(rows):
                make(customer=customer)
        if not counts:
            # What is then kept in memory.
            client.get(change_url(customer))
        with CaptureQueriesContext(connection) as queries:
            assert client.get(change_url(customer)).status_code == 200
        counts.append(len(queries))
    # The last records in the audit log that the customer was viewed.
    assert counts[0] == counts[1] <= 54


def test_the_form_shows_the_rows_of_all_apps_page_by_page(client: Client) -> None:
    customer = make_customer()
    for number in range(11):
        make_document(customer=customer, title=f"Title {number:02}")
    shown = client.get(change_url(customer)).content.decode()
    assert "Title 09" in shown
    assert "Title 10" not in shown
    assert "Title 10" in client.get(change_url(customer), {"documents-page": "2"}).content.decode()
    with without_templates():
        for page in ("²", "0", "-1", "x", "9" * 5000, ""):
            form = client.get(change_url(customer), {"documents-page": page})
            assert form.status_code == 200
    prefixes = [formset.formset.prefix for formset in form.context["inline_admin_formsets"]]
    assert prefixes == [
        "contacts",
        "notes",
        "subscriptions",
        "balances",
        "invoices",
        "addresses",
        "businesses",
        "payment_methods",
        "source_records",
        "customer_tags",
        "domains",
        "documents",
    ]


def test_the_form_links_to_the_documents(client: Client) -> None:
    customer = make_customer()
    shown = client.get(change_url(customer)).content.decode()
    for path in ("", "billing/", "crm/"):
        assert f'href="/api/v1/{path}customers/{customer.pk}"' in shown


def test_long_and_foreign_names_are_whole_and_escaped(client: Client) -> None:
    names = ["x" * 300, "شركة الاتصالات", "株式会社サンプル", '<b onclick="x">', "\u202edesrever", "🙂" * 100]
    for name in names:
        make_customer(name=name)
    shown = client.get(LIST).content.decode()
    assert "<b onclick" not in shown
    for name in names[:3]:
        assert f'title="{name}"' in shown
    for customer in Customer.objects.all():
        assert client.get(change_url(customer)).status_code == 200


@pytest.mark.usefixtures("plain_pages")
def test_a_thousand_customers_are_listed_fifty_at_a_time(client: Client) -> None:
    Customer.objects.bulk_create(Customer(name=f"Customer {number}") for number in range(1000))
    page = client.get(LIST, {"p": "20"})
    assert len(page.context["cl"].result_list) == 50
    assert client.get(LIST, {"p": "21"}).status_code == 302
    assert client.get(LIST, {"p": "9" * 30}).status_code == 302
    assert len(client.get(LIST, {"all": ""}).context["cl"].result_list) == 50


def test_the_choice_of_a_customer_leaves_out_merged_ones(client: Client) -> None:
    customer = make_customer(name="Acme")
    make_customer(name="Acme (old)", merged_into=customer)
    url = reverse("admin:autocomplete")
    wanted = {"app_label": "crm", "model_name": "note", "field_name": "customer"}
    for term in ("acme", customer.pk, "\0acme"):
        answer = json.loads(client.get(url, {**wanted, "term": term}, follow=True).content)
        assert [row["id"] for row in answer["results"]] == [customer.pk]


def test_the_apps_above_extend_the_form_once_each() -> None:
    assert len(set(ManagedCustomerAdmin.inlines)) == len(ManagedCustomerAdmin.inlines)
    assert len(set(ManagedCustomerAdmin.linked_models)) == len(ManagedCustomerAdmin.linked_models)


def test_a_former_state_of_which_fields_were_held_fast_is_shown(client: Client) -> None:
    customer = make_customer(name="Acme", pinned_fields=["name"])
    version = customer.history.get()
    url = reverse("admin:customers_customer_simple_history", args=[customer.pk, version.pk])
    shown = client.get(url)
    assert shown.status_code == 200
    assert "unlock_fields" not in shown.content.decode()
