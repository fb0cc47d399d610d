"""The seller's details: filled in on a page, kept with each invoice from when it is issued."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from billing.invoices.issue import InvoiceRequest, raise_invoices
from billing.invoices.paper import invoice_paper
from billing.models import Invoice, Seller
from billing.rules.invoice_totals import BilledLine
from customers import clock
from tests.admin_forms import form_data
from tests.factories import make_billing_account, make_customer, make_user

pytestmark = pytest.mark.django_db

DETAILS = {
    "name": "Example Works GmbH",
    "line1": "1 Example Street",
    "postal_code": "10115",
    "city": "Berlin",
    "country": "DE",
    "tax_id": "DE123456789",
    "email": "billing@example.com",
    "payment_instructions": "IBAN DE00 0000\nExample Bank",
}


def client(role: str | None = None) -> Client:
    found = Client()
    found.force_login(make_user(role))
    return found


def raised() -> Invoice:
    customer = make_customer()
    make_billing_account(customer=customer, tax_rate=Decimal(19))
    bill = InvoiceRequest(
        customer_id=str(customer.pk),
        currency="EUR",
        at=clock.now(),
        lines=[BilledLine(kind="base", description="Pro", amount=10000)],
    )
    [invoice] = raise_invoices([bill], done_by="renew")
    assert invoice is not None
    invoice.refresh_from_db()
    return invoice


def test_the_page_saves_one_row_with_its_history():
    ada, url = client(), reverse("seller")
    assert ada.post(url, form_data(ada.get(url), **DETAILS)).status_code == 302
    ada.post(url, form_data(ada.get(url), city="Hamburg"))
    seller = Seller.objects.get()
    assert (seller.name, seller.city, seller.country) == ("Example Works GmbH", "Hamburg", "DE")
    assert [each.city for each in Seller.history.order_by("history_id")] == ["Berlin", "Hamburg"]


def test_what_someone_else_saved_is_not_overwritten():
    ada, url = client(), reverse("seller")
    ada.post(url, form_data(ada.get(url), **DETAILS))
    first, second = form_data(ada.get(url), city="Hamburg"), form_data(ada.get(url), city="Bonn")
    ada.post(url, first)
    assert "Someone else just changed these details" in ada.post(url, second).content.decode()
    assert Seller.objects.get().city == "Hamburg"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "required"),
        ({"email": "x"}, "Enter an email address"),
        ({"country": "XX"}, "valid choice"),
    ],
)
def test_what_is_wrong_is_said(changes, message):
    ada, url = client(), reverse("seller")
    response = ada.post(url, form_data(ada.get(url), **{**DETAILS, **changes}))
    assert message in response.content.decode()
    assert not Seller.objects.exists()


@pytest.mark.once
@pytest.mark.parametrize(
    ("role", "may"), [("Viewer", False), ("Account manager", False), ("Billing operations", True)]
)
def test_who_may_change_them(role, may):
    someone, url = client(role), reverse("seller")
    page = someone.get(url)
    assert page.status_code == 200
    assert ("Save seller details" in page.content.decode()) == may
    assert someone.post(url, {**DETAILS, "seen": ""}).status_code == (302 if may else 403)


def test_an_invoice_keeps_them_from_when_it_is_issued():
    Seller.objects.create(**DETAILS)
    invoice = raised()
    Seller.objects.update(name="Another name")
    assert invoice.bill_from is not None
    assert invoice.bill_from["name"] == "Example Works GmbH"
    assert invoice.bill_from["address"]["city"] == "Berlin"
    assert (raised().bill_from or {})["name"] == "Another name"
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        Invoice.objects.filter(pk=invoice.pk).update(bill_from={})


def test_until_then_the_setting_counts(settings):
    settings.INVOICE_SELLER = ["Example Ltd", "Exampleton"]
    assert raised().bill_from == {"lines": ["Example Ltd", "Exampleton"]}


def test_an_invoice_of_nobody_shows_todays_details():
    invoice = raised()
    assert invoice.bill_from == {}
    assert invoice_paper(invoice).seller == ["Clientele"]
    Seller.objects.create(**DETAILS)
    assert invoice_paper(invoice).seller[0] == "Example Works GmbH"
