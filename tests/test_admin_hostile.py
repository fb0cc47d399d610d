"""Addresses and forms that no honest browser sends are answered, never with a 500."""

from __future__ import annotations

from itertools import cycle
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.db import DataError
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from billing.models import Grant, Invoice, Plan
from crm.models import Note, Relationship
from customers.admin.base import RecordAdmin
from customers.models import Customer, SourceRecord
from tests.admin_forms import field_data, form_data, without_templates
from tests.examples import sampled
from tests.factories import MAKERS, make_customer, make_note, make_relationship, make_user
from tests.hostile import broken, hostile_paths, hostile_queries, routes

pytestmark = pytest.mark.django_db

#: The models that have pages in the admin.
OURS = sorted(MAKERS.keys() & admin.site._registry.keys(), key=lambda model: model._meta.label)
#: The same classes serve all models, so the long sweeps take one of each kind; `make soak` takes every one.
SAMPLE = {Customer, Grant, Invoice, Note, Plan, SourceRecord}
every_kind = pytest.mark.parametrize(
    "model",
    [pytest.param(model, marks=[] if model in SAMPLE else [pytest.mark.soak]) for model in OURS],
    ids=lambda model: model._meta.label,
)


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def page(model: type[Model], kind: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=arguments)


@pytest.mark.parametrize("model", [Customer, Grant, Note])
def test_no_lookup_in_an_address_breaks_a_list(model: type[Model], client: Client) -> None:
    MAKERS[model]()
    url = page(model, "changelist")
    # A lookup is refused by its name, so each column is tried with one.
    suffixes = cycle(("", "__regex", "__exact", "__a__b"))
    lookups = [f"{field.name}{next(suffixes)}" for field in model._meta.fields]
    values = cycle(("[", "nonsense", "9" * 40, "NaN"))
    with without_templates():
        for lookup, value in zip(
            [*lookups, "nonsense", "customer__name__contains", "pk__in"], values, strict=False
        ):
            status = client.get(f"{url}?{lookup}={value}").status_code
            assert status in {200, 302, 400}, f"{lookup}={value}"
    for query in (
        "o=999",
        "o=x",
        "o=-0.-0.1.",
        "o=" + "1." * 3000,
        "p=x",
        "p=-1",
        "e=1",
        "_popup=1",
        "_to_field=name",
    ):
        assert client.get(f"{url}?{query}").status_code in {200, 302, 400}, query


@pytest.mark.postgresql
@every_kind
def test_no_value_of_a_filter_breaks_a_list(model: type[Model], client: Client) -> None:
    url = page(model, "changelist")
    parameters = ["q"]
    for spec in client.get(url).context["cl"].filter_specs:
        parameters += [name for name in spec.expected_parameters() if name]
    with without_templates():
        for name in parameters:
            for value in ("[", "9" * 40):
                assert client.get(f"{url}?{name}={value}").status_code in {200, 302}, f"{name}={value}"
            answer = client.get(f"{url}?{name}=a%00b&p=1")
            assert (answer.status_code, answer["Location"]) == (302, f"{url}?p=1")
    # As all of them are shown again.
    for value in ("[", "9" * 40):
        assert client.get(url, dict.fromkeys(parameters, value)).status_code in {200, 302}, value


@pytest.mark.parametrize("path", ["/admin/customers/customer/", "/admin/worklist/", "/admin/auth/user/"])
def test_nul_in_an_address_is_left_out_with_a_message(path: str, client: Client) -> None:
    answer = client.get(f"{path}?%00=1&status__exact=a%00&q=kept", follow=True)
    assert answer.redirect_chain[0] == (f"{path}?q=kept", 302)
    assert "Left out a filter with a character that can&#x27;t be searched for." in answer.content.decode()
    assert client.get(f"{path}%00/change/").status_code == 404


def test_a_value_that_the_database_refuses_leads_back_or_nowhere(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    note = make_note()

    def refuse(*arguments: Any, **options: Any) -> None:
        raise DataError("value ada@example.com is out of range")

    monkeypatch.setattr(RecordAdmin, "get_object", refuse)
    monkeypatch.setattr(RecordAdmin, "get_changelist", refuse)
    for path, answers in (
        (page(Note, "changelist") + "?customer=9", (302, page(Note, "changelist") + "?e=1")),
        (page(Note, "change", note.pk), (404, None)),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.get("Location")) == answers
    assert [record.getMessage() for record in caplog.records if record.name == "clientele"] == [
        f"event=bad_address route=admin:crm_note_{kind} error=DataError" for kind in ("changelist", "change")
    ]
    # What is no fault of the address stays a fault.
    with pytest.raises(DataError):
        client.get(page(Note, "changelist"))
    with pytest.raises(DataError):
        client.post(page(Note, "change", note.pk))


class TestSweep:
    """Every address of the URLconf, of ours and of other packages, with what no honest link holds."""

    def test_the_sweep_knows_every_address(self) -> None:
        found = set(routes())
        assert len(found) > 450
        assert {
            "/admin/auth/user/<>/password/",
            "/admin/axes/accessattempt/<>/change/",
            "/admin/customer/<>/as-of/",
            "/admin/mfa/authenticator/",
            "/admin/crm/note/<>/history/<>/",
            "/accounts/2fa/authenticate/",
            "/api/v1/customers/<>/addresses",
            "/v1/<>",
        } <= found

    @pytest.mark.sampled
    @pytest.mark.parametrize("role", [None, pytest.param("Viewer", marks=pytest.mark.soak)])
    def test_no_address_is_answered_with_a_fault(self, role: str | None) -> None:
        client = self.signed_in(role)
        with without_templates():
            assert broken(client, sampled(hostile_paths(thorough=False), one_in=3)) == []
            # Lists are the same for everybody who may see them.
            queries = hostile_queries(client, thorough=False, lists_too=role is None)
            assert broken(client, sampled(queries, one_in=3)) == []

    @pytest.mark.soak
    @pytest.mark.parametrize("role", [None, "Viewer"])
    def test_no_path_at_all_is_answered_with_a_fault(self, role: str | None) -> None:
        assert broken(self.signed_in(role), hostile_paths(thorough=True)) == []

    @pytest.mark.soak
    @pytest.mark.parametrize("role", [None, "Viewer"])
    def test_no_parameter_at_all_is_answered_with_a_fault(self, role: str | None) -> None:
        client = self.signed_in(role)
        with without_templates():
            assert broken(client, hostile_queries(client, thorough=True)) == []

    def signed_in(self, role: str | None) -> Client:
        for make in MAKERS.values():
            make()
        client = Client()
        client.force_login(make_user(role))
        return client


@pytest.mark.postgresql
@every_kind
def test_no_id_breaks_a_page(model: type[Model], client: Client) -> None:
    for key in ("nonsense", "a\0b", "0", "cus_zzzz", "_5F", "é", "x" * 3000):
        for kind in ("change", "delete", "history"):
            url = page(model, kind, "KEY").replace("KEY", quote(key))
            assert client.get(url).status_code in {302, 403, 404}, url
            assert client.post(url, {"post": "yes"}).status_code in {302, 403, 404}, url


def assert_shown_again(client: Client, url: str, sent: dict[str, Any]) -> None:
    """What is sent is saved, or all its fields are shown again: they alone, without the page around them."""
    with without_templates():
        answer: Any = client.post(url, sent)
    assert answer.status_code in {200, 302}
    if answer.status_code == 200:
        assert field_data(answer.context_data)


@pytest.mark.postgresql
@every_kind
def test_a_form_full_of_nonsense_is_a_form_with_errors(model: type[Model], client: Client) -> None:
    if not admin.site._registry[model].has_add_permission(client.get(page(model, "changelist")).wsgi_request):
        return
    url = page(model, "add")
    honest = form_data(client.get(url))
    formsets = {name: value for name, value in honest.items() if "-" in name}
    for value in ("nonsense", "a\0b", "", "9" * 50, "NaN", "-1e400", "[" * 3000):
        assert_shown_again(client, url, dict.fromkeys(honest, value) | formsets)
    assert client.post(url, dict.fromkeys(honest, "nonsense")).status_code in {200, 302}


@every_kind
def test_rows_chosen_in_an_address_for_a_new_form_need_not_exist(model: type[Model], client: Client) -> None:
    url = page(model, "add")
    fields = {field.name for field in model._meta.fields}
    for value in ("nonsense", "%00", make_customer().pk):
        query = "&".join(f"{name}={value}" for name in sorted(fields))
        with without_templates():
            answer: Any = client.get(f"{url}?{query}")
        assert answer.status_code in {200, 302, 403}
        if answer.status_code == 200:
            assert field_data(answer.context_data) or str(answer.context_data["form"])


def test_a_row_chosen_in_an_address_is_chosen(client: Client) -> None:
    customer = make_customer(name="Acme")
    form = client.get(f"{page(Note, 'add')}?customer={customer.pk}&body=not+this")
    data = form_data(form)
    assert (data["customer"], data["body"]) == (customer.pk, "")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "app_label=crm&model_name=note&field_name=customer&term=%00",
        "app_label=crm&model_name=note&field_name=customer&page=x",
        "app_label=crm&model_name=note&field_name=body",
        "app_label=%00&model_name=note&field_name=customer",
        "app_label=crm&model_name=note&field_name=%00",
    ],
)
def test_a_choice_by_typing_is_answered(query: str, client: Client) -> None:
    assert client.get(f"{reverse('admin:autocomplete')}?{query}").status_code in {200, 302, 403, 404}


def test_the_formsets_of_a_form_may_be_tampered_with(client: Client) -> None:
    customer = make_customer()
    make_note(customer=customer)
    url = page(Customer, "change", customer.pk)
    honest = form_data(client.get(url))
    for tampered in (
        {"notes-TOTAL_FORMS": "x"},
        {"notes-TOTAL_FORMS": "-1"},
        {"notes-INITIAL_FORMS": "7"},
        {"notes-0-id": "nonsense"},
        {"notes-0-customer": "nonsense"},
        {"notes-0-seen_values": "{"},
    ):
        assert_shown_again(client, url, honest | tampered)
    without = {name: value for name, value in honest.items() if not name.startswith("notes")}
    assert client.post(url, without).status_code in {200, 302}
    assert customer.notes.count() == 1


def test_an_owner_who_does_not_exist_is_a_form_error(client: Client) -> None:
    relationship = make_relationship()
    url = page(Relationship, "change", relationship.pk)
    honest = form_data(client.get(url))
    for owner in ("0", "x", "9" * 40, "%00"):
        answer = client.post(url, honest | {"owner": owner})
        assert answer.status_code == 200
        assert list(answer.context["adminform"].form.errors) == ["owner"]
