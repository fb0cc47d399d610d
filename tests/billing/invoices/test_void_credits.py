"""An invoice that credits paid whole can be voided, and its credits come back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from billing.invoices.credit_notes import credit_note
from billing.invoices.credits import return_credit
from billing.invoices.issue import InvoiceRequest, raise_invoices
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.payments import record_payment
from billing.invoices.void import _carried_over_by, void_invoice
from billing.models import Discount, Invoice, InvoiceLine
from billing.rules.invoice_totals import BilledLine
from customers.models import Customer
from customers.sheets import act_url
from tests.admin_forms import form_data
from tests.factories import make_customer, make_discount, make_user

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))


def raised(customer: Customer, amount: int, at: datetime = JANUARY, currency: str = "USD") -> Invoice:
    bill = InvoiceRequest(
        customer_id=str(customer.pk),
        currency=currency,
        at=at,
        lines=[BilledLine(kind="base" if amount > 0 else "credit", description="Pro", amount=amount)],
    )
    [invoice] = raise_invoices([bill], done_by="renew")
    assert invoice is not None
    return invoice


def credit_of(customer: Customer, value: int = 150) -> Discount:
    return make_discount(
        customer=customer,
        type="invoice_credits",
        discount_value=Decimal(value),
        duration_type="forever",
        currency="USD",
    )


def void(invoice: Invoice) -> str:
    void_invoice(invoice, done_by="ada")
    invoice.refresh_from_db()
    return invoice.status


def left(discount: Discount) -> Decimal:
    discount.refresh_from_db()
    unused: Decimal = discount.discount_value - discount.spent
    return unused


def test_credits_come_back_in_any_order():
    customer = make_customer()
    discount = credit_of(customer)
    first, second = raised(customer, 10000), raised(customer, 10000, FEBRUARY)
    assert (first.status, first.total, second.status, second.total) == ("paid", 0, "open", 5000)
    assert left(discount) == 0

    assert void(first) == "void"
    assert left(discount) == 100
    assert void(second) == "void"
    assert left(discount) == 150


def test_an_invoice_of_nothing_can_be_voided():
    assert void(raised(make_customer(), 0)) == "void"


def test_a_paid_one_cannot():
    invoice = raised(make_customer(), 100)
    record_payment(invoice, 100, done_by="ada")
    with pytest.raises(CannotChangeInvoice, match="because it is paid"):
        void(invoice)


def test_after_a_return_only_what_the_invoice_took_comes_back():
    customer = make_customer()
    discount = credit_of(customer)
    invoice = raised(customer, 10000)
    # The customer gets the other half in money, and that stays returned.
    assert return_credit(discount, done_by="ada") == 50
    assert void(invoice) == "void"
    assert left(discount) == 100


class TestCarriedOver:
    def test_what_was_returned_is_not_taken_back(self):
        customer = make_customer()
        invoice = raised(customer, -4000)
        return_credit(Discount.objects.get(customer=customer), done_by="ada")
        with pytest.raises(CannotChangeInvoice, match="carried over was used or returned"):
            void(invoice)
        assert left(Discount.objects.get(customer=customer)) == 0

    def test_what_is_unused_is_taken_back(self):
        customer = make_customer()
        invoice = raised(customer, -4000)
        [discount] = Discount.objects.all()
        assert discount.discount_value == 40
        assert InvoiceLine.objects.get(amount=4000).discount_key == str(discount.pk)

        assert void(invoice) == "void"
        assert not Discount.objects.exists()
        assert Discount.history.latest("history_id").history_change_reason == "Voided by ada"
        assert raised(customer, 5000, FEBRUARY).total == 5000

    def test_what_was_used_is_refused_until_its_use_is_void(self):
        customer = make_customer()
        first = raised(customer, -4000)
        second = raised(customer, 1000, FEBRUARY)
        with pytest.raises(
            CannotChangeInvoice,
            match=rf"Void {second.number} first. {first.number} can't be voided because the \$40.00 of credit",
        ):
            void(first)
        assert left(Discount.objects.get()) == 30

        assert void(second) == "void"
        assert void(first) == "void"
        assert not Discount.objects.exists()

    def test_what_an_invoice_paid_in_money_used_says_what_to_do(self):
        customer = make_customer()
        first = raised(customer, -4000)
        second = raised(customer, 5000, FEBRUARY)
        record_payment(second, 1000, done_by="ada")
        with pytest.raises(CannotChangeInvoice, match=f"Void {second.number} first"):
            void(first)

    def test_credit_that_was_removed_since_is_gone(self):
        invoice = raised(make_customer(), -4000)
        Discount.objects.all().delete()
        assert void(invoice) == "void"

    def test_a_line_that_does_not_name_its_credit_yet(self):
        customer = make_customer()
        other = credit_of(customer, 40)
        bill = raised(customer, -4000)
        # As lines of version 0.1 are: the guards don't let an issued line change, so the row is read as it was.
        line = InvoiceLine.objects.get(amount=4000)
        discount = Discount.objects.exclude(pk=other.pk).get()
        assert discount.start == bill.created_at
        from_before = InvoiceLine(invoice=bill, description=line.description, amount=4000, kind="credit")
        assert _carried_over_by(bill, from_before) == discount

    def test_used_and_carried_over_at_once(self):
        customer = make_customer()
        first = raised(customer, -4000)
        second = raised(customer, -1000, FEBRUARY)
        third = raised(customer, 4500, MARCH)
        assert third.total == 0
        for refused in (first, second):
            with pytest.raises(CannotChangeInvoice, match=f"Void {third.number} first"):
                void(refused)
        for each in (third, second, first):
            assert void(each) == "void"
        assert not Discount.objects.exists()


def test_a_credit_note_of_one_that_credits_paid_whole_says_there_is_nothing_left():
    customer = make_customer()
    credit_of(customer)
    with pytest.raises(CannotChangeInvoice, match="Void it instead"):
        credit_note(raised(customer, 10000), reason="Wrong", done_by="ada")


@pytest.mark.once
def test_the_page_offers_it():
    customer = make_customer()
    discount = credit_of(customer)
    invoice = raised(customer, 10000)
    client = Client()
    client.force_login(make_user(username="ada"))
    offered = reverse("admin:billing_invoice_void", args=[invoice.pk])
    assert offered in client.get(reverse("admin:billing_invoice_change", args=[invoice.pk])).content.decode()
    url = act_url("void", invoice)
    client.post(url, form_data(client.get(url), confirm="1"))
    assert left(discount) == 150
