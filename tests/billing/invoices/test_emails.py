"""Invoices, credit notes and receipts are sent by email; what was sent and what failed is recorded."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse

from billing.invoices.credit_notes import credit_note
from billing.invoices.issue import InvoiceRequest, draft_invoice, raise_invoices
from billing.invoices.payments import record_payment
from billing.invoices.void import void_invoice
from billing.models import Invoice, InvoiceEmail, Seller
from billing.rules.invoice_totals import BilledLine
from customers import clock
from customers.sheets import act_url
from tests.admin_forms import form_data
from tests.factories import make_billing_account, make_customer, make_invoice, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]

JANUARY = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def invoice() -> Invoice:
    """An invoice of January 1 over 100.00 for Ada, due two weeks later."""
    Seller.objects.create(name="Example Works", email="billing@example.com", payment_instructions="IBAN DE00")
    customer = make_customer(name="Ada", email="ada@example.com")
    make_billing_account(customer=customer, payment_terms_days=14)
    bill = InvoiceRequest(
        customer_id=str(customer.pk),
        currency="USD",
        at=JANUARY,
        lines=[BilledLine(kind="base", description="Pro", amount=10000)],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: JANUARY)
        [found] = raise_invoices([bill], done_by="renew")
    assert found is not None
    return found


@pytest.fixture
def ada() -> Client:
    return signed_in()


def signed_in(role: str | None = None) -> Client:
    client = Client()
    client.force_login(make_user(role, username="max"))
    return client


def page_of(invoice: Invoice, attach: str = "") -> str:
    return act_url("send", invoice, attach=attach) if attach else act_url("send", invoice)


def send(client: Client, url: str, **fields: str) -> Any:
    return client.post(url, form_data(client.get(url), confirm="1", **fields))


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_it_is_proposed_and_sent_with_the_pdf(ada, invoice):
    record_payment(invoice, 4000, done_by="max")
    form = form_data(ada.get(page_of(invoice)))
    assert form["to"] == "ada@example.com"
    assert form["subject"] == "Invoice INV-000001 from Example Works"
    assert form["text"].splitlines() == [
        "Hello Ada,",
        "",
        "Invoice INV-000001 of $100.00 is attached.",
        "",
        "Please pay $60.00 by Jan 15, 2026.",
        "",
        "IBAN DE00",
        "",
        "Kind regards",
        "Example Works",
    ]
    done = ada.post(page_of(invoice), {**form, "text": "Hi", "confirm": "1"})
    assert said(done) == ["Sent invoice INV-000001 to ada@example.com."]
    [message] = mail.outbox
    assert (message.to, message.reply_to, message.body) == (
        ["ada@example.com"],
        ["billing@example.com"],
        "Hi",
    )
    [(name, content, kind)] = message.attachments
    assert (name, content[:4], kind) == ("Invoice INV-000001.pdf", b"%PDF", "application/pdf")
    row = InvoiceEmail.objects.get()
    assert (row.status, row.recipients, row.sent_by, row.error) == ("sent", ["ada@example.com"], "max", "")


def test_each_address_gets_its_own(ada, invoice):
    send(ada, page_of(invoice), to="ada@example.com; Max <max@example.com>, ada@example.com")
    assert [message.to for message in mail.outbox] == [["ada@example.com"], ["max@example.com"]]


def test_a_credit_note_and_a_receipt(ada, invoice):
    payment = record_payment(invoice, 4000, paid_at=datetime(2026, 1, 5, tzinfo=UTC), done_by="max")
    note = credit_note(invoice, 1000, reason="Outage", done_by="max")
    for row in (note, payment):
        send(ada, page_of(invoice, str(row.pk)))
    assert [message.subject for message in mail.outbox] == [
        "Credit note CN-000001 from Example Works",
        "Receipt for INV-000001, 2026-01-05 from Example Works",
    ]
    assert all("Please pay" not in message.body for message in mail.outbox)
    assert ada.get(page_of(invoice, "pmt_x")).status_code == 404


REFUSALS: list[tuple[Exception, str]] = [
    (
        smtplib.SMTPRecipientsRefused({"x@example.com": (550, b"no such\r\nuser")}),
        "The mail server refused the address: 550 no such user",
    ),
    (smtplib.SMTPAuthenticationError(535, b"bad"), "The mail server refused the sign-in of Clientele."),
    (
        smtplib.SMTPSenderRefused(553, b"not you", "a@example.com"),
        "The mail server refused the email: 553 not you",
    ),
    (smtplib.SMTPDataError(552, b"too large"), "The mail server refused the email: 552 too large"),
    (smtplib.SMTPServerDisconnected("gone"), "The mail server closed the connection."),
    (
        smtplib.SMTPNotSupportedError("no tls"),
        "The mail server supports no encrypted connection or no sign-in, but the settings ask for it.",
    ),
    (TimeoutError(), "The mail server didn't answer in time."),
    (ConnectionRefusedError(), "The mail server couldn't be reached."),
    (UnicodeEncodeError("ascii", "é", 0, 1, "no"), "The address can't be used in an email."),
]


def test_a_server_that_refuses_gives_a_sentence(ada, invoice, monkeypatch):
    refusal = iter(problem for problem, _ in REFUSALS)

    def refuse(message: EmailMessage, fail_silently: bool = False) -> int:
        raise next(refusal)

    monkeypatch.setattr(EmailMessage, "send", refuse)
    for _, sentence in REFUSALS:
        done = send(ada, page_of(invoice))
        assert done.status_code == 302
        assert said(done)[-1:] == [f"Couldn't send invoice INV-000001 to ada@example.com. {sentence}"]
    sentences = [sentence for _, sentence in REFUSALS]
    assert set(InvoiceEmail.objects.values_list("status", flat=True)) == {"failed"}
    assert sorted(InvoiceEmail.objects.values_list("error", flat=True)) == sorted(sentences)
    page = ada.get(reverse("admin:billing_invoice_change", args=[invoice.pk])).content.decode()
    assert [sentence for sentence in sentences if sentence not in page.replace("&#x27;", "'")] == []


def test_no_server_at_all(ada, invoice, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    send(ada, page_of(invoice))
    assert InvoiceEmail.objects.get().error == "The mail server couldn't be reached."


def test_without_a_mail_server_nothing_is_sent(ada, invoice, settings):
    settings.EMAIL_IS_SET_UP = False
    assert "no mail server is set up" in send(ada, page_of(invoice)).content.decode()
    assert not InvoiceEmail.objects.exists()


def test_a_second_click_sends_nothing_more(ada, invoice):
    form = form_data(ada.get(page_of(invoice)), confirm="1")
    ada.post(page_of(invoice), form)
    assert "Someone else just sent one" in ada.post(page_of(invoice), form).content.decode()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"to": "nobody"}, "Enter an email address instead of “nobody”."),
        ({"to": ","}, "Enter an email address"),
        ({"to": ",".join(f"a{index}@example.com" for index in range(6))}, "Enter at most 5 addresses."),
        ({"subject": ""}, "This field is required"),
        ({"text": "a\0b"}, "Null characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said(ada, invoice, fields, message):
    response = send(ada, page_of(invoice), **fields)
    assert response.status_code == 200
    assert message in response.content.decode()
    assert mail.outbox == []


def test_a_subject_of_two_lines_is_one(ada, invoice):
    send(ada, page_of(invoice), subject="Invoice\nBcc: x@example.com")
    assert mail.outbox[0].subject == "Invoice Bcc: x@example.com"


def test_what_was_not_issued_here_is_not_sent(ada, invoice):
    void_invoice(invoice, done_by="max")
    draft = draft_invoice(
        make_customer(), "USD", [BilledLine(kind="base", description="Pro", amount=5)], done_by="max"
    )
    theirs = make_invoice(imported=True, stripe_id="in_1", status="open")
    for each, message in (
        (invoice, "because it is void"),
        (draft, "never issued"),
        (theirs, "billing platform"),
    ):
        assert message in send(ada, page_of(each), to="a@example.com").content.decode()
        page = ada.get(reverse("admin:billing_invoice_change", args=[each.pk])).content.decode()
        assert "Send by email" not in page
    assert mail.outbox == []


@pytest.mark.parametrize(("role", "status"), [("Viewer", 403), ("Account manager", 200)])
def test_who_may_send(invoice, role, status):
    assert signed_in(role).get(page_of(invoice)).status_code == status


def test_the_timeline_has_it(ada, invoice):
    send(ada, page_of(invoice))
    url = reverse("desk-timeline", args=[invoice.customer_id])
    assert "Emailed invoice INV-000001 to ada@example.com" in ada.get(url).content.decode()
