"""A payment that bounced or was a mistake is reversed, and its invoice is open again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from billing.doctor.invoices import check_payments
from billing.invoices.credit_notes import credit_note
from billing.invoices.issue import InvoiceRequest, raise_invoices
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.payments import record_payment, reverse_payment
from billing.invoices.void import mark_uncollectible, void_invoice
from billing.models import Invoice, Payment, PaymentReversal, Subscription
from billing.rules.invoice_totals import BilledLine
from billing.subscriptions import renew
from customers import clock
from customers.sheets import act_url
from tests.admin_forms import form_data
from tests.billing.sheets.acts import lines
from tests.clocks import clock_at
from tests.factories import make_customer, make_payment, make_subscription, make_user

pytestmark = pytest.mark.django_db

JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


def issued(subscription: Subscription | None = None) -> Invoice:
    """An open invoice of January 1 over 100.00, due 45 days later."""
    owner = subscription.customer if subscription else make_customer()
    bill = InvoiceRequest(
        customer_id=str(owner.pk),
        currency="USD",
        at=JANUARY,
        lines=[BilledLine(kind="base", description="Pro", amount=10000)],
        subscription_id=str(subscription.pk) if subscription else None,
    )
    with clock_at(bill.at):
        [invoice] = raise_invoices([bill], done_by="renew")
    assert invoice is not None
    return invoice


def take_back(payment: Payment, reason: str = "Bounced") -> PaymentReversal:
    return reverse_payment(payment, reason=reason, done_by="ada")


def state(invoice: Invoice) -> tuple[str, int, int, int]:
    invoice.refresh_from_db()
    return invoice.status, invoice.paid, invoice.credited, invoice.due


def test_the_invoice_is_open_again_with_its_old_due_date():
    invoice = issued()
    payment = record_payment(invoice, 10000, done_by="max")

    reversal = take_back(payment, " Bounced ")

    assert state(invoice) == ("open", 0, 0, 10000)
    assert invoice.closed_at is None
    assert invoice.due_at == datetime(2026, 2, 15, tzinfo=UTC)
    assert list(Invoice.objects.overdue(datetime(2026, 2, 15, tzinfo=UTC))) == [invoice]
    assert (reversal.reason, reversal.reversed_by) == ("Bounced", "ada")
    assert list(invoice.payments.all()) == [payment]
    assert invoice.history.latest("history_id").history_change_reason == "Payment reversed by ada"
    assert not list(check_payments(lambda count: None))


def test_one_of_two_payments():
    invoice = issued()
    first, second = (record_payment(invoice, amount, done_by="max") for amount in (4000, 6000))
    take_back(second)
    assert state(invoice) == ("open", 4000, 0, 6000)
    take_back(first)
    assert state(invoice) == ("open", 0, 0, 10000)
    record_payment(invoice, 10000, done_by="max")
    assert state(invoice) == ("paid", 10000, 0, 0)


def test_what_is_credited_stays_credited():
    invoice = issued()
    payment = record_payment(invoice, 10000, done_by="max")
    credit_note(invoice, 3000, reason="Outage", done_by="max")
    take_back(payment)
    assert state(invoice) == ("open", 0, 3000, 7000)


def test_an_invoice_with_nothing_due_stays_paid():
    invoice = issued()
    small, _ = (record_payment(invoice, amount, done_by="max") for amount in (1000, 9000))
    credit_note(invoice, 2000, reason="Outage", done_by="max")
    take_back(small)
    assert state(invoice) == ("paid", 9000, 2000, -1000)


@pytest.mark.parametrize("amount", [4000, 10000])
def test_one_that_was_uncollectible_is_open_again(amount):
    invoice = issued()
    mark_uncollectible(invoice, done_by="max")
    payment = record_payment(invoice, amount, done_by="max")
    take_back(payment)
    assert state(invoice) == ("open", 0, 0, 10000)
    assert invoice.closed_at is None


def test_the_subscription_is_past_due_again_at_the_next_renewal():
    subscription = make_subscription(status="active", past_due=True, billed_here=True)
    payment = record_payment(issued(subscription), 10000, done_by="max")
    subscription.refresh_from_db()
    assert not subscription.past_due

    take_back(payment)
    list(renew(clock.now(), done_by="renew"))
    subscription.refresh_from_db()
    assert subscription.past_due


@pytest.mark.parametrize("reason", ["", "  "])
def test_without_a_reason_it_is_refused(reason):
    payment = record_payment(issued(), 100, done_by="max")
    with pytest.raises(CannotChangeInvoice, match="Enter a reason"):
        take_back(payment, reason)


def test_a_second_time_is_refused():
    invoice = issued()
    payment = record_payment(invoice, 100, done_by="max")
    take_back(payment)
    with pytest.raises(CannotChangeInvoice, match="already reversed by ada"):
        take_back(payment)
    assert state(invoice) == ("open", 0, 0, 10000)


def test_of_a_void_invoice_it_is_refused():
    invoice = issued()
    void_invoice(invoice, done_by="max")
    payment = make_payment(invoice=invoice)
    with pytest.raises(CannotChangeInvoice, match="because it is void"):
        take_back(payment)


def test_a_payment_below_zero_is_refused_with_the_way_to_do_it():
    with pytest.raises(CannotChangeInvoice, match=r"no payment of .* is left to reverse"):
        record_payment(issued(), -100, done_by="max")


def test_an_invoice_whose_payments_are_reversed_can_be_voided():
    invoice = issued()
    take_back(record_payment(invoice, 10000, done_by="max"))
    void_invoice(invoice, done_by="max")
    assert state(invoice)[0] == "void"


@pytest.mark.parametrize(
    "change", [lambda rows: rows.update(reason="x"), lambda rows: rows._raw_delete("default")]
)
def test_a_reversal_never_changes(change):
    take_back(record_payment(issued(), 100, done_by="max"))
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        change(PaymentReversal.objects.all())


@pytest.mark.once
class TestPage:
    def client(self, role: str | None = None) -> Client:
        client = Client()
        client.force_login(make_user(role, username="ada"))
        return client

    def url(self, invoice: Invoice) -> str:
        return act_url("reverse-payment", invoice)

    def test_it_is_previewed_and_then_done(self):
        client, invoice = self.client(), issued()
        first, second = (record_payment(invoice, amount, done_by="max") for amount in (4000, 6000))
        url = f"{self.url(invoice)}?payment={second.pk}"
        form = form_data(client.get(url))
        assert form["payment"] == str(second.pk)

        preview = client.post(url, {**form, "reason": "Bounced", "preview": "1"})
        assert lines(preview)["Amount due"] == ("$0.00", "$60.00")
        assert lines(preview)["Status"] == ("Paid", "Open")
        assert not PaymentReversal.objects.exists()

        client.post(url, form_data(preview, confirm="1"))
        assert state(invoice) == ("open", 4000, 0, 6000)
        [reversal] = PaymentReversal.objects.all()
        assert (reversal.payment, reversal.reason, reversal.reversed_by) == (second, "Bounced", "ada")
        page = client.get(reverse("admin:billing_invoice_change", args=[invoice.pk])).content.decode()
        assert "ada: Bounced" in page
        assert f"?payment={first.pk}" in page
        assert f"?payment={second.pk}" not in page

    def test_the_page_that_records_payments_reverses_none(self):
        client, invoice = self.client(), issued()
        record_payment(invoice, 100, done_by="max")
        url = act_url("record-payment", invoice)
        answer = client.post(url, form_data(client.get(url), amount="-1.00", confirm="1"))
        assert "or was a mistake, reverse it." in answer.content.decode()
        assert not PaymentReversal.objects.exists()

    @pytest.mark.parametrize("payment", ["", "x", "pmt_x", "a\0b"])
    def test_a_payment_that_is_not_there_is_refused(self, payment: str):
        client, invoice = self.client(), issued()
        record_payment(invoice, 100, done_by="max")
        other = record_payment(issued(), 100, done_by="max")
        url = self.url(invoice)
        for value in (payment, str(other.pk)):
            answer: Any = client.post(url, {"payment": value, "reason": "x", "confirm": "1", "seen": ""})
            assert answer.status_code == 200
        assert not PaymentReversal.objects.exists()

    @pytest.mark.parametrize(("role", "status"), [("Viewer", 403), ("Account manager", 200)])
    def test_who_may(self, role: str, status: int):
        invoice = issued()
        record_payment(invoice, 100, done_by="max")
        assert self.client(role).get(self.url(invoice)).status_code == status


def test_a_moment_of_the_reversal_is_now():
    before = clock.now()
    reversal = take_back(record_payment(issued(), 100, done_by="max"))
    assert timedelta(0) <= reversal.reversed_at - before < timedelta(minutes=1)


def test_a_payment_below_zero_reverses_the_latest_one_of_its_amount():
    invoice = issued()
    _, second = (record_payment(invoice, 5000, done_by="max") for _ in range(2))
    assert record_payment(invoice, -5000, reference="Returned by the bank", done_by="ada") == second
    assert state(invoice) == ("open", 5000, 0, 5000)
    assert second.reversal.reason == "Returned by the bank"
