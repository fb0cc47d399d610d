"""The page that says where each value comes from, and the one that says what changed."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.desk.provenance import crm_provenance_of
from crm.models import Company
from customers import pinned_fields
from customers.models import Customer, ReceivedPayload, SourceRecord
from customers.provenance import ValueOrigin
from tests.crm.import_documents import document, take_crm
from tests.customers.import_documents import payment, take_payments
from tests.factories import make_customer, make_source_record, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def user() -> User:
    return make_user("Account manager", first_name="Ada", last_name="Adeyemi")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def customer(shared_ids: None) -> Customer:
    take_payments(payment(1, id="acme", name=HOSTILE, phone="+12025550101", custom_data={HOSTILE: HOSTILE}))
    take_crm(document(company={"name": "Acme", "industry": HOSTILE}, notes="Met at the fair."))
    return Customer.objects.get()


def page(client: Client, customer: Customer) -> str:
    response = client.get(reverse("desk-provenance", args=[customer.pk]))
    assert response.status_code == 200
    return response.content.decode()


def act(client: Client, customer: Customer, **data: str) -> str:
    response = client.post(reverse("desk-provenance", args=[customer.pk]), data, follow=True)
    customer.refresh_from_db()
    return response.content.decode()


def received(shown: str) -> Any:
    """The received document that a page shows."""
    return json.loads(
        unescape(shown.partition('<pre class="clientele-pre" tabindex="0">')[2].partition("</pre>")[0])
    )


class TestWhereItComesFrom:
    def test_each_value_with_its_source_and_a_link_to_the_payload(
        self, client: Client, customer: Customer
    ) -> None:
        shown = page(client, customer)

        assert "Payments platform acme, since" in shown
        assert "CRM acme, since" in shown
        payloads = ReceivedPayload.objects.values_list("pk", "record", "text")
        assert {record for _, record, _ in payloads} == set(SourceRecord.objects.values_list("pk", flat=True))
        for pk, record, text in payloads:
            url = f"{reverse('desk-record-changes', args=[record])}?new={pk}"
            assert f'href="{url}"' in shown
            assert json.loads(text) == received(client.get(url).content.decode())
        assert HOSTILE not in shown
        assert "No data:" in shown

    def test_whatever_is_said_of_a_company(self, client: Client) -> None:
        company = {
            "name": "Acme",
            "website_urls": ["https://acme.example.com"],
            "number_of_employees": 12345,
            "annual_revenue": 1000000.5,
            "founded_date": "1999-12-31",
        }
        take_crm(document(id="linked", company=company, start_date="2024-08-26"))
        shown = page(client, Customer.objects.get(name="Acme"))
        assert all(said in shown for said in ("https://acme.example.com", "12,345", "1,000,000.5"))

    def test_hold_fast_take_and_let_go(self, client: Client, customer: Customer, user: User) -> None:
        assert "Locked the phone." in act(client, customer, field="phone", act="lock")
        assert customer.pinned_fields == ["phone"]
        Customer.objects.update(phone="ours")
        assert "Set the phone to the source value" in act(client, customer, field="phone", act="use-sources")
        assert (customer.phone, customer.pinned_fields) == ("+12025550101", [])
        act(client, customer, field="phone", act="lock")
        latest = customer.history.latest()
        assert (latest.history_user, latest.history_change_reason) == (user, "Locked phone")
        assert "Unlocked the phone" in act(client, customer, field="phone", act="unlock")
        assert customer.pinned_fields == []

    @pytest.mark.parametrize("data", [{}, {"field": "env", "act": "lock"}, {"field": "name", "act": HOSTILE}])
    def test_nonsense_is_told_and_changes_nothing(
        self, client: Client, customer: Customer, data: dict[str, str]
    ) -> None:
        before = Customer.objects.values().get()
        shown = act(client, customer, **data)
        assert HOSTILE not in shown
        assert "Reload the page and try again" in shown or "Imports never change" in shown
        assert Customer.objects.values().get() == before

    def test_what_was_held_back_is_said(self, client: Client, customer: Customer, user: User) -> None:
        pinned_fields.lock_field(str(customer.pk), "phone", user)
        take_payments(payment(1, id="acme", name=HOSTILE, phone="+12025550199"))

        assert ": “+12025550199”, since" in page(client, customer)

    def test_who_may_only_look_sees_no_buttons(self, customer: Customer) -> None:
        client = Client()
        client.force_login(make_user("Viewer"))
        assert ">Lock<" not in page(client, customer)
        assert client.post(reverse("desk-provenance", args=[customer.pk]), {}).status_code == 403

    def test_who_may_see_no_customers_is_refused(self, customer: Customer) -> None:
        client = Client()
        client.force_login(User.objects.create_user("nobody", is_staff=True))
        assert client.get(reverse("desk-provenance", args=[customer.pk])).status_code == 403
        record = SourceRecord.objects.first()
        assert record is not None
        assert client.get(reverse("desk-record-changes", args=[record.pk])).status_code == 403

    def test_one_that_no_source_knows(self, client: Client) -> None:
        assert "No source records." in page(client, make_customer())

    def test_the_number_of_queries_does_not_grow(self, client: Client, customer: Customer) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                page(client, customer)
            return len(captured)

        page(client, customer)
        before = queries()
        for number in range(4):
            make_source_record(customer=customer, source_id=f"x{number}")
            take_crm(document(company={"name": f"Acme {number}"}))
        assert queries() == before

    def test_the_customers_pages_lead_here(self, client: Client, customer: Customer) -> None:
        url = reverse("desk-provenance", args=[customer.pk])
        for other in (
            reverse("desk-customer", args=[customer.pk]),
            reverse("admin:customers_customer_change", args=[customer.pk]),
        ):
            assert url in client.get(other).content.decode()


class TestCrm:
    def industry(self, customer: Customer) -> Any:
        [found] = crm_provenance_of(customer, [Company])
        return next(field for field in found.fields if field.name == "industry")

    def test_a_record_and_a_person(self, customer: Customer, user: User) -> None:
        assert self.industry(customer).origin is ValueOrigin.SOURCE
        company = Company.objects.get()
        company.industry = "Ours"
        company._history_user = user  # type: ignore[attr-defined]
        company.save()

        field = self.industry(customer)
        assert (field.origin, field.by) == (ValueOrigin.PERSON, "Ada Adeyemi")
        assert [(each.record.source, each.value) for each in field.others] == [("crm", HOSTILE)]

    def test_a_payload_that_cannot_be_read_says_nothing(self, customer: Customer) -> None:
        ReceivedPayload.objects.update(text="{")
        assert self.industry(customer).origin is ValueOrigin.IMPORT


class TestWhatChanged:
    @pytest.fixture
    def record(self, customer: Customer) -> SourceRecord:
        return customer.source_records.get(source="payments")

    def changes(self, client: Client, record: SourceRecord, **query: Any) -> str:
        response = client.get(reverse("desk-record-changes", args=[record.pk]), query)
        assert response.status_code == 200
        return response.content.decode()

    def test_the_last_two(self, client: Client, record: SourceRecord) -> None:
        assert "This source record was imported once" in self.changes(client, record)
        take_payments(payment(1, id="acme", name="New", phone="+12025550101"))
        take_payments(payment(1, id="acme", name="Newer", phone="+12025550101"))

        shown = self.changes(client, record)
        assert "$.name" in shown
        assert "&quot;New&quot;" in shown
        assert "$.custom_data" not in shown

    def test_any_two(self, client: Client, record: SourceRecord) -> None:
        take_payments(payment(1, id="acme", name="New", phone="+12025550101"))
        take_payments(payment(1, id="acme", name="Newer", phone="+12025550101"))
        newest, _, oldest = record.payloads.values_list("pk", flat=True)

        shown = self.changes(client, record, old=oldest, new=newest)
        assert "$.custom_data" in shown
        assert HOSTILE not in shown
        assert "No differences" in self.changes(client, record, old=newest, new=newest)

    def test_one_is_shown_and_compared_with_the_one_before(
        self, client: Client, record: SourceRecord
    ) -> None:
        take_payments(payment(1, id="acme", name="New", phone="+12025550101"))
        take_payments(payment(1, id="acme", name="Newer", phone="+12025550101"))
        middle = record.payloads.values_list("pk", flat=True)[1]

        shown = self.changes(client, record, new=middle)
        assert received(shown)["name"] == "New"
        assert "$.custom_data" in shown
        assert received(self.changes(client, record))["name"] == "Newer"

    @pytest.mark.parametrize("asked", ["", "nonsense", "pay_01h3vjs3b16yc3f9q8q9pfrb78"])
    def test_what_is_no_import_of_this_record(self, client: Client, record: SourceRecord, asked: str) -> None:
        take_payments(payment(1, id="acme", name="New"))
        assert "Choose two imports of this source record" in self.changes(client, record, old=asked)

    @pytest.mark.parametrize("identifier", ["nonsense", "src_01h3vjs3b16yc3f9q8q9pfrb78"])
    def test_what_is_no_record(self, client: Client, identifier: str) -> None:
        assert client.get(reverse("desk-record-changes", args=[identifier])).status_code == 404
