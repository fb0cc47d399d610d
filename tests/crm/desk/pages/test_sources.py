"""The Sources page: fields in groups, another record's value taken, the history of a field, how records were linked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from billing.document.importer import BillingImporter
from crm.dedupe.merges.merge import merge
from customers import pinned_fields
from customers.models import Customer, LinkRule, SourceRecord
from tests.clocks import clock_at
from tests.crm.import_documents import document, take_crm
from tests.customers.import_documents import payment, take, take_payments
from tests.factories import make_customer, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def customer(shared_ids: None) -> Customer:
    """The payments platform and the CRM disagree about the name."""
    with clock_at(FIRST):
        take_crm(document(id="acme", company={"name": "Acme Bakery", "industry": "Food"}))
    with clock_at(FIRST + timedelta(days=1)):
        take_payments(payment(1, id="acme", name="Acme Bakeries Ltd", phone="+12025550101"))
    return Customer.objects.get()


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user("Account manager", first_name="Ada", last_name="Adeyemi"))
    return client


def page(client: Client, customer: Customer, query: str = "") -> str:
    response = client.get(reverse("desk-provenance", args=[customer.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def groups(shown: str) -> dict[str, list[str]]:
    """The fields of each group."""
    bodies = re.findall(r'<tr class="cl-grp">.*?</tbody>', shown, re.DOTALL)
    return {
        re.findall(r'scope="colgroup">(.*?)</th>', body)[0]: re.findall(r'class="cl-name">(.*?)</a>', body)
        for body in bodies
    }


def history(shown: str) -> str:
    """The history of the opened field, as it is read; empty if none is open."""
    found = re.findall(r'<section[^>]* id="field-history">(.*?)</section>', shown, re.DOTALL)
    return " ".join(unescape(strip_tags(found[0])).split()) if found else ""


def act(client: Client, customer: Customer, query: str = "", **data: str) -> str:
    response = client.post(reverse("desk-provenance", args=[customer.pk]) + query, data, follow=True)
    customer.refresh_from_db()
    return response.content.decode()


def test_fields_stand_in_groups_and_can_be_narrowed(client: Client, customer: Customer) -> None:
    pinned_fields.lock_field(str(customer.pk), "phone", None)
    found = groups(page(client, customer))
    assert found["Different values"] == ["Name"]
    assert found["Locked"] == ["Phone"]
    assert "Industry" in found["Same value or one source"]
    assert groups(page(client, customer, "?show=different")) == {"Different values": ["Name"]}
    assert groups(page(client, customer, "?show=locked")) == {"Locked": ["Phone"]}


def test_the_value_of_another_record_is_taken_and_stays(client: Client, customer: Customer) -> None:
    [use] = re.findall(r'value="(use:[^"]*)"', page(client, customer))
    assert use == f"use:{SourceRecord.objects.get(source='crm').pk}"
    shown = act(client, customer, "?show=different", field="name", act=use)
    assert "Changed the name and locked it." in shown
    assert (customer.name, customer.pinned_fields) == ("Acme Bakery", ["name"])
    assert customer.history.latest().history_change_reason == "Used the value of CRM acme"
    take_payments(payment(1, id="acme", name="Acme Bakeries GmbH", phone="+12025550101"))
    customer.refresh_from_db()
    assert customer.name == "Acme Bakery"


@pytest.mark.parametrize("record", ["", "src_01h3vjs3b16yc3f9q8q9pfrb78", "nonsense"])
def test_a_record_that_says_nothing_of_it_changes_nothing(
    client: Client, customer: Customer, record: str
) -> None:
    shown = act(client, customer, field="name", act=f"use:{record}")
    assert "has no value for name any more" in shown
    assert (customer.name, customer.pinned_fields) == ("Acme Bakeries Ltd", [])


def test_the_record_of_another_customer_is_not_used(client: Client, customer: Customer) -> None:
    take_payments(payment(2, id="other", name="Other"))
    record = SourceRecord.objects.get(source_id="other")
    act(client, customer, field="name", act=f"use:{record.pk}")
    assert customer.name == "Acme Bakeries Ltd"


def test_a_field_tells_who_set_it_to_what(client: Client, customer: Customer) -> None:
    act(client, customer, field="name", act=f"use:{SourceRecord.objects.get(source='crm').pk}")
    told = history(page(client, customer, "?field=name"))
    assert "Payments platform, then Billing platform, then CRM" in told
    latest = told.index("Ada Adeyemi: Acme Bakery Used the value of CRM acme")
    imported = told.index(": Acme Bakeries Ltd", latest)
    assert ": Acme Bakery" in told[imported:]


def test_a_field_of_the_company_has_its_history_too(client: Client, customer: Customer) -> None:
    assert "Food" in history(page(client, customer, "?field=company.industry"))
    assert history(page(client, customer, "?field=company.nonsense")) == ""


def test_each_record_tells_how_it_was_linked(client: Client, customer: Customer) -> None:
    rules = dict(SourceRecord.objects.values_list("source", "linked_by"))
    assert rules == {"crm": LinkRule.FIRST, "payments": LinkRule.SAME_ID}
    other = make_customer(name="Acme (old)")
    take_payments(payment(3, id=str(other.pk), name="Acme (old)"))
    merge(str(customer.pk), [str(other.pk)], by=None)
    text = unescape(page(client, customer))
    assert "First record of its customer" in text
    assert "Linked by the same ID" in text
    assert "Came with Acme (old), merged" in text


@pytest.mark.parametrize(
    ("other", "rule"),
    [
        ({"id": "p-1", "email": "ada@acme.example.com"}, LinkRule.EMAIL),
        ({"id": "p-1", "email": "bo@acme.example.com"}, LinkRule.FIRST),
        # An ID that no two systems give by chance.
        ({"id": "0192d3a4-5b6c-7d8e-9f01-23456789abcd"}, LinkRule.SAME_ID),
    ],
)
def test_the_rule_that_linked_a_record_is_kept(other: dict[str, str], rule: LinkRule) -> None:
    take(
        BillingImporter(),
        {
            "id": "0192d3a4-5b6c-7d8e-9f01-23456789abcd",
            "name": "Acme",
            "email": "ada@acme.example.com",
            "created_at": 1_700_000_000_000,
            "env": "live",
        },
    )
    take_payments(payment(1, name="Acme", **other))
    assert SourceRecord.objects.get(source="payments").linked_by == rule
    assert Customer.objects.count() == (2 if rule is LinkRule.FIRST else 1)


def test_the_trust_order_of_a_field_that_differs_is_named(client: Client, settings: Any) -> None:
    customer = make_customer()
    assert "For the name:" not in page(client, customer)
    settings.SOURCE_PRECEDENCE_NAME = ["crm", "payments", "billing"]
    assert "For the name: CRM, then Payments platform, then Billing platform." in page(client, customer)
