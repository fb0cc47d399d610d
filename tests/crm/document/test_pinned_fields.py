"""Rows that both imports and people write: what a person has edited stays until it is let go."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from crm.models import Company, Person, Relationship
from customers.models import Address, Business, Customer, PaymentMethod, PinnedFields
from tests.admin_forms import form_data
from tests.crm.import_documents import document, take_crm
from tests.customers.import_documents import take_payments
from tests.factories import make_user

pytestmark = pytest.mark.django_db

MODELS: list[type[PinnedFields]] = [Address, Business, PaymentMethod, Company, Relationship, Person]


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Account manager"))
    return client


def arrive(suffix: str) -> None:
    """Both documents of one customer, each text ending in `suffix`."""
    take_payments(
        {
            "id": "acme",
            "addresses": [
                {"id": "a", "line1": f"Line {suffix}", "city": f"City {suffix}", "is_default": True}
            ],
            "businesses": [{"id": "b", "name": f"Name {suffix}", "company_number": f"Number {suffix}"}],
            "payment_methods": [{"id": "card_x", "brand": f"Brand {suffix}", "bank_name": f"Bank {suffix}"}],
        }
    )
    person = {
        "name": f"Jo {suffix}",
        "obfuscated_id": "jo",
        "metadata": {
            "title": f"Title {suffix}",
            "manager": {"name": "Boss", "obfuscated_id": f"boss {suffix}"},
        },
    }
    company = {"name": f"Name {suffix}", "industry": f"Industry {suffix}"}
    take_crm(
        document(
            company=company,
            poc=[person],
            start_date=f"202{suffix}-01-01",
            contract_annual_revenue=int(suffix),
        )
    )


@pytest.mark.parametrize(
    ("model", "held", "free"),
    [
        (Address, "line1", "city"),
        (Business, "name", "company_number"),
        (PaymentMethod, "brand", "bank_name"),
        (Company, "industry", "name"),
        (Relationship, "start_date", "contract_annual_revenue"),
        (Person, "title", "name"),
        (Person, "manager", "title"),
    ],
)
def test_imports_leave_alone_what_is_held_fast_and_nothing_else(model: Any, held: str, free: str) -> None:
    arrive("1")
    rows = model.objects.exclude(name__startswith="Boss") if model is Person else model.objects
    row = rows.get()
    before = {name: getattr(row, name) for name in (held, free)}
    row.pin([held])
    row.save()

    arrive("2")
    row = rows.get()
    assert getattr(row, held) == before[held]
    assert getattr(row, free) != before[free]

    row.unpin([held])
    row.save()
    arrive("3")
    assert getattr(rows.get(), held) != before[held]


@pytest.mark.parametrize("model", MODELS)
def test_what_can_be_held_fast_are_columns(model: type[PinnedFields]) -> None:
    assert set(model.PINNABLE) <= {field.name for field in model._meta.fields}
    row = model()
    row.pin(["id", "pinned_fields", *reversed(model.PINNABLE)])
    assert row.pinned_fields == list(model.PINNABLE)


class TestForms:
    def url(self, row: Any) -> str:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])

    @pytest.mark.parametrize(("model", "field"), [(Address, "city"), (Company, "industry"), (Person, "bio")])
    def test_what_is_edited_is_held_fast_and_can_be_let_go(
        self, client: Client, model: Any, field: str
    ) -> None:
        arrive("1")
        row = model.objects.first()
        page = client.get(self.url(row))
        assert "unlock_fields" not in page.content.decode()
        data = form_data(page, **{field: "Edited"})
        assert client.post(self.url(row), data).status_code == 302
        row.refresh_from_db()
        assert (getattr(row, field), row.pinned_fields) == ("Edited", [field])
        assert row.history.latest().history_change_reason == f"Locked {row.label_of(field)}"

        page = client.get(self.url(row))
        assert "Imports can change unlocked fields again." in page.content.decode()
        assert client.post(self.url(row), form_data(page, unlock_fields=[field])).status_code == 302
        row.refresh_from_db()
        assert (getattr(row, field), row.pinned_fields) == ("Edited", [])
        latest = row.history.latest()
        assert latest.history_change_reason == f"Unlocked {row.label_of(field)}"
        assert latest.history_user is not None

    def test_on_the_customers_form_too(self, client: Client) -> None:
        arrive("1")
        url = self.url(Customer.objects.get())
        data = form_data(client.get(url), **{"addresses-0-city": "Edited"})

        assert client.post(url, data).status_code == 302

        address = Address.objects.get()
        assert (address.city, address.pinned_fields) == ("Edited", ["city"])
        assert address.history.latest().history_change_reason == "Locked city"
        arrive("2")
        address.refresh_from_db()
        assert (address.city, address.line1) == ("Edited", "Line 2")

    def test_former_states_are_shown_without(self, client: Client) -> None:
        arrive("1")
        company = Company.objects.get()
        company.pin(["industry"])
        company.save()
        version = company.history.latest().history_id
        url = reverse("admin:crm_company_simple_history", args=[company.pk, version])
        assert client.get(url).status_code == 200
