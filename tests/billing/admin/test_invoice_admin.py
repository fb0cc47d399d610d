"""Invoices in the admin: what can be done with them, by whom, and the page to print."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import Page

from billing.invoices.credit_notes import credit_note
from billing.invoices.issue import InvoiceRequest, draft_invoice, raise_invoices
from billing.invoices.payments import record_payment
from billing.models import CreditNote, Invoice, InvoiceSeries, Payment
from billing.rules.invoice_totals import BilledLine
from customers import clock
from customers.models import Customer
from customers.sheets import CHANGED, act_url
from tests.admin_forms import form_data
from tests.billing.sheets.acts import lines, problem
from tests.clocks import clock_at
from tests.factories import (
    make_address,
    make_billing_account,
    make_business,
    make_customer,
    make_discount,
    make_invoice,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def raised(
    *lines: BilledLine, customer: Customer | None = None, currency: str = "USD", days_ago: int = 0
) -> Invoice:
    """An open invoice, over 100.00 unless lines are given."""
    owner = customer or make_customer()
    bill = InvoiceRequest(
        customer_id=str(owner.pk),
        currency=currency,
        at=clock.now() - timedelta(days=days_ago),
        lines=lines or [BilledLine(kind="base", description="Pro", amount=10000)],
    )
    with clock_at(bill.at):
        [invoice] = raise_invoices([bill], done_by="renew")
    assert invoice is not None
    return invoice


def drafted() -> Invoice:
    customer = make_customer()
    make_billing_account(customer=customer, tax_rate=Decimal(20))
    return draft_invoice(
        customer, "USD", [BilledLine(kind="base", description="Pro", amount=10000)], done_by="ada"
    )


def page_of(invoice: Invoice, name: str) -> str:
    return reverse(f"admin:billing_invoice_{name}", args=[invoice.pk])


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def text(response: Any) -> str:
    """The words of a page, without its tags."""
    body = re.sub(r"<(script|style|nav).*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


@pytest.fixture
def superuser() -> Client:
    return signed_in()


def signed_in(role: str | None = None) -> Client:
    client = Client()
    client.force_login(make_user(role, username="ada"))
    return client


def send(client: Client, url: str, **fields: str) -> Any:
    """Fill in the page's form and send it with these fields."""
    return client.post(url, form_data(client.get(url), **fields))


class TestPayment:
    def test_it_is_previewed_and_then_recorded(self, superuser: Client) -> None:
        invoice = raised()
        url = act_url("record-payment", invoice)
        assert form_data(superuser.get(url))["amount"] == "100.00"

        preview = send(superuser, url, amount="40", preview="1")
        assert lines(preview)["Amount due"] == ("$100.00", "$60.00")
        assert not Payment.objects.exists()

        again = superuser.post(url, form_data(preview, reference="bank 17", preview="1"))
        done = superuser.post(url, form_data(again, confirm="1"))
        assert done.status_code == 302
        payment = Payment.objects.get()
        assert (payment.amount, payment.reference, payment.recorded_by) == (4000, "bank 17", "ada")
        assert said(done) == [f"Recorded a payment of $40.00 on {invoice.number}."]

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"amount": "100.01"}, "is more than the $100.00 that is due"),
            ({"amount": "0.001"}, "has more digits than the currency: USD has 2 decimals"),
            ({"amount": "-1"}, "Enter an amount above 0"),
            ({"amount": "NaN"}, "Enter a number"),
            ({"amount": "1e30"}, "no more than"),
            ({"amount": ""}, "This field is required"),
            ({"received_on": "2999-01-01"}, "Enter a day from 1970 to today"),
            ({"received_on": "0001-01-01"}, "Enter a day from 1970 to today"),
            ({"received_on": "soon"}, "Enter a valid date"),
            ({"reference": "a\0b"}, "Null characters are not allowed"),
        ],
    )
    def test_what_is_wrong_is_said(self, superuser: Client, fields: dict[str, str], message: str) -> None:
        invoice = raised()
        response = send(superuser, act_url("record-payment", invoice), confirm="1", **fields)
        assert response.status_code == 200
        assert message in text(response)
        assert not Payment.objects.exists()

    def test_yen_have_no_decimals(self, superuser: Client) -> None:
        invoice = raised(BilledLine(kind="base", description="Pro", amount=1985), currency="JPY")
        url = act_url("record-payment", invoice)
        assert form_data(superuser.get(url))["amount"] == "1985"
        assert "JPY has no decimals" in text(send(superuser, url, amount="0.5", confirm="1"))

    def test_a_second_click_records_nothing_more(self, superuser: Client) -> None:
        invoice = raised()
        url = act_url("record-payment", invoice)
        form = form_data(send(superuser, url, amount="40", preview="1"), confirm="1")
        superuser.post(url, form)
        again = superuser.post(url, form)
        assert again.status_code == 200
        assert CHANGED in text(again)
        assert Payment.objects.count() == 1


class TestCreditNote:
    def test_of_a_paid_invoice_it_says_what_is_to_be_returned(self, superuser: Client) -> None:
        invoice = raised()
        record_payment(invoice, 10000, done_by="ada")
        url = act_url("credit", invoice)

        preview = send(superuser, url, amount="25", reason="Outage", preview="1")
        assert lines(preview)["Refund due"] == ("$0.00", "$25.00")
        assert not CreditNote.objects.exists()
        assert not InvoiceSeries.objects.filter(prefix="CN").exists()

        done = superuser.post(url, form_data(preview, confirm="1"))
        note = CreditNote.objects.get()
        assert (note.total, note.reason, note.issued_by) == (2500, "Outage", "ada")
        [message] = said(done)
        assert message.startswith("Issued credit note CN-000001 for $25.00.")
        assert message.endswith("Refund $25.00 to the customer. Clientele doesn't move money.")

    def test_without_a_reason_nothing_is_written(self, superuser: Client) -> None:
        invoice = raised()
        response = send(superuser, act_url("credit", invoice), confirm="1")
        assert "This field is required" in text(response)
        assert not CreditNote.objects.exists()


class TestEnding:
    @pytest.mark.parametrize(
        ("action", "status", "message"),
        [
            ("void", "void", "Voided INV-000001."),
            ("uncollectible", "uncollectible", "Marked INV-000001 uncollectible."),
        ],
    )
    def test_it_is_shown_and_then_done(
        self, superuser: Client, action: str, status: str, message: str
    ) -> None:
        invoice = raised()
        url = act_url(action, invoice)
        shown = superuser.get(url)
        assert lines(shown)["Status"] == ("Open", status.capitalize())
        invoice.refresh_from_db()
        assert invoice.status == "open"

        assert said(superuser.post(url, form_data(shown, confirm="1"))) == [message]
        invoice.refresh_from_db()
        assert invoice.status == status

    def test_what_cannot_be_done_says_why(self, superuser: Client) -> None:
        invoice = raised()
        record_payment(invoice, 1, done_by="ada")
        assert "because it is partly paid" in problem(superuser.get(act_url("void", invoice)))

    def test_of_one_that_was_paid_elsewhere_nothing_is_still_to_pay(self, superuser: Client) -> None:
        url = act_url("record-payment", make_invoice(imported=True, total=44999))
        shown = superuser.get(url)
        assert shown.context["target"].detail == ""
        assert "because the billing platform issued it" in text(superuser.post(url, form_data(shown)))


def test_a_draft_is_issued(superuser: Client) -> None:
    draft = drafted()
    url = act_url("issue", draft)
    shown = superuser.get(url)
    assert lines(shown)["Total"] == ("$100.00", "$120.00")
    draft.refresh_from_db()
    assert draft.number == ""

    assert said(superuser.post(url, form_data(shown, confirm="1"))) == ["Issued INV-000001."]
    draft.refresh_from_db()
    assert (draft.number, draft.total, draft.status) == ("INV-000001", 12000, "open")
    assert draft.history.latest("history_id").history_user is not None


def test_an_invoice_that_does_not_exist_is_not_found(superuser: Client) -> None:
    for wrong in ("nonsense", str(make_customer().pk)):
        for action in ("void", "credit"):
            assert superuser.get(act_url(action, wrong)).status_code == 404
        assert superuser.get(reverse("admin:billing_invoice_print_page", args=[wrong])).status_code == 404


#: The actions of the form, with their acts.
ACTIONS = {
    "issue": "issue",
    "record_payment": "record-payment",
    "write_credit_note": "credit",
    "void": "void",
    "mark_uncollectible": "uncollectible",
}


@pytest.mark.parametrize(
    ("role", "may"),
    [("Viewer", False), ("Account manager", True), ("Billing operations", True), ("Administrator", True)],
)
def test_who_may_work_on_invoices(role: str, may: bool) -> None:
    client = signed_in(role)
    invoice, draft = raised(), drafted()
    form = client.get(page_of(invoice, "change"))
    offered = {name for name in ACTIONS if page_of(invoice, name) in form.content.decode()}
    assert offered == (set(ACTIONS) - {"issue"} if may else set())
    for name, act in ACTIONS.items():
        response = client.get(act_url(act, draft if name == "issue" else invoice))
        assert response.status_code == (200 if may else 403), name
    assert client.get(page_of(invoice, "print_page")).status_code == 200
    assert Client().get(page_of(invoice, "print_page")).status_code == 302


def test_only_what_fits_is_offered(superuser: Client) -> None:
    paid, void, theirs = raised(), raised(), make_invoice(status="open", imported=True)
    record_payment(paid, 10000, done_by="ada")
    superuser.post(act_url("void", void), form_data(superuser.get(act_url("void", void)), confirm="1"))
    expected = {
        paid.pk: {"write_credit_note", "print_page"},
        void.pk: {"print_page"},
        theirs.pk: {"print_page"},
        drafted().pk: {"issue", "void", "print_page"},
    }
    for invoice in Invoice.objects.all():
        body = superuser.get(page_of(invoice, "change")).content.decode()
        offered = {name for name in [*ACTIONS, "print_page"] if page_of(invoice, name) in body}
        assert offered == expected[invoice.pk]


def test_an_issued_invoice_cannot_be_changed_or_deleted(superuser: Client) -> None:
    invoice = raised()
    assert superuser.post(page_of(invoice, "change"), {"total": "1"}).status_code == 403
    assert superuser.post(page_of(invoice, "delete"), {"post": "yes"}).status_code == 403
    invoice.refresh_from_db()
    assert invoice.total == 10000


class TestList:
    def test_it_shows_what_is_due_and_overdue(self, superuser: Client) -> None:
        late = raised(days_ago=46)
        record_payment(late, 2500, done_by="ada")
        raised()
        url = reverse("admin:billing_invoice_changelist")
        [row] = superuser.get(url, {"status": "overdue"}).context["cl"].result_list
        assert row == late
        shown = text(superuser.get(url, {"status": "overdue"}))
        for expected in (late.number, "Past due", "$100.00", "$75.00"):
            assert expected in shown
        [found] = superuser.get(url, {"q": late.number}).context["cl"].result_list
        assert found == late

    def test_the_form_takes_as_many_queries_for_many_rows_as_for_few(self, superuser: Client) -> None:
        invoice = raised(
            *[BilledLine(kind="base", description=f"Line {index}", amount=1000) for index in range(8)]
        )
        counts = []
        for _ in range(3):
            record_payment(invoice, 100, done_by="ada")
            credit_note(invoice, 100, reason="Outage", done_by="ada")
            with CaptureQueriesContext(connection) as captured:
                assert superuser.get(page_of(invoice, "change")).status_code == 200
            counts.append(len(captured))
        assert counts[1] == counts[2]


def letter(customer: Customer | None = None) -> Invoice:
    """An invoice with everything that can be printed."""
    owner = customer or make_customer(name="Ada <b>Lovelace</b>", email="ada@example.com")
    make_address(customer=owner, is_default=True, postal_code="23100")
    make_business(customer=owner, name="Engines & Co", tax_identifier="GB123456789")
    make_billing_account(customer=owner, tax_rate=Decimal(19))
    make_discount(customer=owner, name="Welcome <script>alert(1)</script>", discount_value=Decimal(10))
    invoice = raised(
        BilledLine(kind="base", description="Pro", amount=6000, quantity=Decimal(3)),
        BilledLine(kind="usage", description="API calls", amount=4000, quantity=Decimal("1234.5")),
        customer=owner,
    )
    record_payment(invoice, 5000, reference="bank 17", done_by="ada")
    credit_note(invoice, 1000, reason="Outage", done_by="ada")
    return invoice


class TestPrint:
    def test_an_invoice(self, superuser: Client) -> None:
        invoice = letter()
        response = superuser.get(page_of(invoice, "print_page"))
        shown = text(response)
        # 100.00 less 10.00 is 90.00; 19 % of it is 17.10.
        for expected in (
            "Clientele",
            "Number INV-000001",
            "Engines &amp; Co",
            "Ada &lt;b&gt;Lovelace&lt;/b&gt;",
            "23100 Arusha Tanzania",
            "Tax ID: GB123456789",
            "Pro 3 $20.00 $60.00",
            "API calls 1,234.5 $40.00",
            "Subtotal $100.00",
            "Welcome &lt;script&gt;alert(1)&lt;/script&gt; (10%) -$10.00",
            "Tax 19% $17.10",
            "Total $107.10",
            "(bank 17) -$50.00",
            "Credit note CN-000001, ",
            "-$10.00 Amount due $47.10",
        ):
            assert expected in shown, expected
        assert b"<script" not in response.content
        assert "nav-sidebar" not in response.content.decode()

    def test_the_reason_for_no_tax(self, superuser: Client) -> None:
        customer = make_customer()
        make_billing_account(customer=customer, no_tax_reason="Reverse charge")
        assert "No tax: Reverse charge Total $100.00" in text(
            superuser.get(page_of(raised(customer=customer), "print_page"))
        )

    def test_digits_of_the_currency(self, superuser: Client) -> None:
        for currency, amount, expected in (
            ("JPY", 1234567, "¥1,234,567"),
            ("KWD", 1234567, "KWD 1,234.567"),
        ):
            invoice = raised(BilledLine(kind="base", description="Pro", amount=amount), currency=currency)
            assert f"Total {expected}" in text(superuser.get(page_of(invoice, "print_page")))

    @pytest.mark.parametrize(
        ("amount", "quantity", "expected"),
        [(1000, "3", ""), (5, "8", "$0.00625"), (1000, "4", "$2.50"), (1000, "0", "")],
    )
    def test_the_price_of_a_unit_where_it_has_an_end(
        self, superuser: Client, amount: int, quantity: str, expected: str
    ) -> None:
        invoice = raised(
            BilledLine(kind="base", description="Pro", amount=amount, quantity=Decimal(quantity))
        )
        [line] = superuser.get(page_of(invoice, "print_page")).context["paper"].lines
        assert line.unit_price == expected

    def test_drafts_void_and_imported_ones(self, superuser: Client) -> None:
        void = raised()
        superuser.post(act_url("void", void), form_data(superuser.get(act_url("void", void)), confirm="1"))
        shown = {
            invoice: text(superuser.get(page_of(invoice, "print_page")))
            for invoice in (drafted(), void, make_invoice(imported=True, stripe_id="in_7"))
        }
        draft, voided, theirs = shown.values()
        assert "Draft invoice" in draft
        assert "Discounts and tax are added when the invoice is issued" in draft
        assert "Void invoice" in voided
        assert " Due 100.00" not in voided
        assert "Number in_7" in theirs
        assert "Total $12.34" in theirs

    def test_a_credit_note(self, superuser: Client) -> None:
        invoice = letter()
        note = invoice.credit_notes.get()
        url = reverse("admin:billing_invoice_print_credit_note", args=[invoice.pk, note.pk])
        shown = text(superuser.get(url))
        # 17.10 x 10.00 / 107.10 is 1.597.
        for expected in ("Number CN-000001", "Outage $8.40", "Tax $1.60", "Total credited $10.00"):
            assert expected in shown, expected
        assert "Corrects invoice INV-000001, " in shown
        other = raised()
        for wrong in (str(note.pk), "nonsense"):
            elsewhere = reverse("admin:billing_invoice_print_credit_note", args=[other.pk, wrong])
            assert superuser.get(elsewhere).status_code == 404


@pytest.mark.django_db(transaction=True)
class TestInTheBrowser:
    def test_the_page_breaches_no_policy_and_fits_the_paper(
        self, page: Page, sign_in: Callable[[User], None]
    ) -> None:
        sign_in(make_user())
        customer = make_customer(name="Ada")
        invoice = raised(
            *[
                BilledLine(
                    kind="base", description=f"Seat {index} " + "of a long name " * 20, amount=100 + index
                )
                for index in range(199)
            ],
            BilledLine(kind="base", description="Unbroken" * 60, amount=1),
            customer=customer,
        )
        page.goto(page_of(invoice, "print_page"))
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 680, "height": 960})
        assert page.locator(".lines tbody tr").count() == 200
        assert page.evaluate("document.documentElement.scrollWidth") <= 680
        paper = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) > 1
