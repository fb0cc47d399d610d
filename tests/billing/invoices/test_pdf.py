"""Invoices, credit notes and receipts as PDF: what stands on them, in any script, and the same bytes each time."""

from __future__ import annotations

import io
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.utils import quote
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from fontTools.ttLib import TTFont
from pypdf import PdfReader

from billing.invoices.credit_notes import credit_note
from billing.invoices.fonts import FONTS, fonts_for
from billing.invoices.issue import InvoiceRequest, draft_invoice, raise_invoices
from billing.invoices.paper import credit_note_paper, invoice_paper, receipt_paper
from billing.invoices.payments import record_payment, reverse_payment
from billing.invoices.pdf import to_pdf
from billing.models import Invoice, Seller
from billing.rules.invoice_totals import BilledLine
from customers import clock
from customers.models import Customer
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

JANUARY = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
#: A company in each script that has a font.
NAMES = {
    "NotoSansArabic": "شركة المثال",
    "NotoSansHebrew": "חברת דוגמה",
    "NotoSansArmenian": "Օրինակ ընկերություն",
    "NotoSansGeorgian": "მაგალითი კომპანია",
    "NotoSansDevanagari": "उदाहरण कंपनी",
    "NotoSansBengali": "উদাহরণ কোম্পানি",
    "NotoSansGurmukhi": "ਉਦਾਹਰਨ ਕੰਪਨੀ",
    "NotoSansGujarati": "ઉદાહરણ કંપની",
    "NotoSansOriya": "ଉଦାହରଣ କମ୍ପାନୀ",
    "NotoSansTamil": "எடுத்துக்காட்டு",
    "NotoSansTelugu": "ఉదాహరణ కంపెనీ",
    "NotoSansKannada": "ಉದಾಹರಣೆ ಕಂಪನಿ",
    "NotoSansMalayalam": "ഉദാഹരണം കമ്പനി",
    "NotoSansSinhala": "උදාහරණ සමාගම",
    "NotoSansThai": "บริษัท ตัวอย่าง",
    "NotoSansLao": "ບໍລິສັດ ຕົວຢ່າງ",
    "NotoSansMyanmar": "ဥပမာ ကုမ္ပဏီ",
    "NotoSansEthiopic": "ምሳሌ ድርጅት",
    "NotoSansKhmer": "ក្រុមហ៊ុន ឧទាហរណ៍",
    "ClienteleHangul": "예시 주식회사",
    "DroidSansFallbackFull": "有限会社サンプル 示例公司",
}
IN_NOTO_SANS = "Łódź Ünïcode Παράδειγμα Фирма Пример Nguyễn ƒ€₹₺"


def text(content: bytes) -> str:
    """The words of a PDF, page by page."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    return " ".join(unicodedata.normalize("NFC", "\n".join(pages)).split())


def raised(*lines: BilledLine, customer: Customer | None = None, currency: str = "USD") -> Invoice:
    """An invoice of January 1, over 100.00 unless lines are given."""
    bill = InvoiceRequest(
        customer_id=str((customer or make_customer()).pk),
        currency=currency,
        at=JANUARY,
        lines=lines or [BilledLine(kind="base", description="Pro", amount=10000, quantity=Decimal(4))],
        period_start=JANUARY,
        period_end=datetime(2026, 2, 1, 23, 30, tzinfo=UTC),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: JANUARY)
        [invoice] = raise_invoices([bill], done_by="renew")
    assert invoice is not None
    return invoice


def buyer(name: str = "Ada Lovelace", **terms: Any) -> Customer:
    customer = make_customer(name=name, email="ada@example.com")
    make_billing_account(customer=customer, **terms)
    make_business(customer=customer, name="Engines & Co", tax_identifier="GB123456789", company_number="")
    make_address(
        customer=customer, line1="1 Road", city="Dublin", postal_code="D01", country="IE", is_default=True
    )
    return customer


@pytest.fixture(autouse=True)
def seller() -> Seller:
    return Seller.objects.create(
        name="Example Works GmbH",
        line1="1 Example Street",
        city="Berlin",
        postal_code="10115",
        country="DE",
        tax_id="DE123456789",
        company_number="HRB 12345",
        email="billing@example.com",
        payment_instructions="Example Bank\nIBAN DE00 0000",
    )


def test_an_invoice():
    customer = buyer(no_tax_reason="Reverse charge", payment_terms_days=14)
    make_discount(customer=customer, name="Welcome", type="percentage_discount", discount_value=Decimal(10))
    invoice = raised(customer=customer)
    record_payment(
        invoice, 5000, reference="bank 17", paid_at=datetime(2026, 1, 5, tzinfo=UTC), done_by="ada"
    )
    bounced = record_payment(invoice, 1000, reference="bank 18", done_by="ada")
    reverse_payment(bounced, reason="Bounced", done_by="ada")
    credit_note(invoice, 500, reason="Outage", done_by="ada")
    invoice.refresh_from_db()
    shown = text(to_pdf(invoice_paper(invoice)))
    for expected in (
        "Example Works GmbH 1 Example Street 10115 Berlin Germany billing@example.com",
        "Company number: HRB 12345 Tax ID: DE123456789",
        "Billed to Engines & Co Ada Lovelace 1 Road D01 Dublin Ireland ada@example.com Tax ID: GB123456789",
        "Jan 15, 2026",
        "Jan 1, 2026 \N{EN DASH} Feb 1, 2026",
        "Pro 4 $25.00 $100.00",
        "Subtotal $100.00",
        "Welcome (10%) -$10.00",
        "No tax: Reverse charge",
        "Total $90.00",
        "Paid on Jan 5, 2026 (bank 17) -$50.00",
        "Credit note CN-000001, ",
        "Amount due $35.00",
        "Example Bank IBAN DE00 0000",
        "Invoice INV-000001, page 1 of 1",
    ):
        assert expected in shown, expected
    assert "bank 18" not in shown


def test_one_that_is_paid_asks_for_no_money():
    invoice = raised(customer=buyer())
    record_payment(invoice, 10000, done_by="ada")
    invoice.refresh_from_db()
    shown = text(to_pdf(invoice_paper(invoice)))
    assert "Amount due $0.00" in shown
    assert "IBAN" not in shown


def test_a_credit_note_and_its_tax():
    invoice = raised(customer=buyer(tax_rate=Decimal(20)))
    shown = text(to_pdf(credit_note_paper(credit_note(invoice, 6000, reason="Outage", done_by="ada"))))
    for expected in (
        "CN-000001",
        "Corrects invoice INV-000001, Jan 1, 2026",
        "Outage $50.00 Tax $10.00 Total credited $60.00",
        "Tax ID: DE123456789",
        "Tax ID: GB123456789",
    ):
        assert expected in shown, expected


def test_a_receipt_says_if_its_payment_was_reversed():
    payment = record_payment(raised(customer=buyer()), 4000, reference="bank 17", done_by="ada")
    shown = text(to_pdf(receipt_paper(payment)))
    for expected in (
        "Receipt",
        "bank 17",
        "Payment of invoice INV-000001 ($100.00) $40.00",
        "Amount received $40.00",
    ):
        assert expected in shown, expected
    reverse_payment(payment, reason="Bounced", done_by="ada")
    payment.refresh_from_db()
    assert "Bounced" in (again := text(to_pdf(receipt_paper(payment))))
    assert "Reversed receipt" in again


def test_the_seller_is_that_of_the_day_it_was_issued(seller):
    invoice, draft = (
        raised(customer=buyer()),
        draft_invoice(
            make_customer(), "USD", [BilledLine(kind="base", description="Pro", amount=5)], done_by="ada"
        ),
    )
    Seller.objects.update(name="Renamed")
    assert invoice_paper(invoice).seller[0] == "Example Works GmbH"
    paper = invoice_paper(draft)
    assert (paper.kind, paper.seller[0]) == ("Draft invoice", "Renamed")


def test_an_imported_one():
    paper = invoice_paper(make_invoice(imported=True, stripe_id="in_7", status="paid", total=1234))
    assert paper.title == "Invoice in_7"
    assert "Amount due" not in [row.label for row in paper.sums]


def test_a_company_named_like_its_customer_is_named_once():
    assert invoice_paper(raised(customer=buyer(name="Engines & Co"))).buyer[:2] == ["Engines & Co", "1 Road"]


def test_the_same_bytes_wherever_one_looks_from():
    invoice = raised(customer=buyer(name=NAMES["NotoSansArabic"]))
    once = to_pdf(invoice_paper(invoice))
    with timezone.override("Asia/Tokyo"):
        assert to_pdf(invoice_paper(invoice)) == once
    assert "Date Jan 1, 2026" in " ".join(text(once).split())


def test_a_long_one_has_numbered_pages_and_repeats_its_headings():
    lines = [BilledLine(kind="base", description=f"Seat {index}", amount=100) for index in range(120)]
    pages = [
        page.extract_text() for page in PdfReader(io.BytesIO(to_pdf(invoice_paper(raised(*lines))))).pages
    ]
    assert len(pages) > 2
    assert all(f"page {number} of {len(pages)}" in page for number, page in enumerate(pages, 1))
    assert all("Description" in page for page in pages if "Seat" in page)
    assert sum(page.count("Seat ") for page in pages) == 120


@pytest.mark.parametrize("description", ["Unbroken" * 60, "a\tb\u2028c", "\N{ROCKET} Launch", "x" * 999])
def test_texts_of_any_form_are_printed(description):
    raised(BilledLine(kind="base", description=description, amount=1))
    assert to_pdf(invoice_paper(Invoice.objects.get())).startswith(b"%PDF")


@pytest.mark.parametrize("font", NAMES)
def test_each_script_has_a_font_with_its_letters(font):
    [chosen] = fonts_for([NAMES[font]])
    assert chosen.stem.removesuffix("-Regular") == font
    letters = {ord(char) for char in NAMES[font] if char != " "}
    assert letters <= TTFont(chosen).getBestCmap().keys()


def test_the_fonts_are_those_that_are_shipped():
    shipped = {file.stem.removesuffix("-Regular") for file in FONTS.glob("*.ttf")}
    assert shipped == {"NotoSans", "NotoSans-Bold", *NAMES}
    assert fonts_for([IN_NOTO_SANS]) == []
    assert {ord(char) for char in IN_NOTO_SANS} <= TTFont(FONTS / "NotoSans-Regular.ttf").getBestCmap().keys()


@pytest.mark.parametrize("name", [IN_NOTO_SANS, NAMES["DroidSansFallbackFull"], NAMES["ClienteleHangul"]])
def test_names_can_be_read_in_the_file(name):
    assert name in text(to_pdf(invoice_paper(raised(customer=buyer(name=name)))))


class TestPages:
    def client(self, role: str | None = None) -> Client:
        client = Client()
        client.force_login(make_user(role))
        return client

    def urls(self) -> dict[str, str]:
        invoice = raised(customer=buyer())
        payment = record_payment(invoice, 100, done_by="ada")
        note = credit_note(invoice, 100, reason="Outage", done_by="ada")
        key = invoice.pk
        return {
            reverse("admin:billing_invoice_pdf", args=[key]): "Invoice INV-000001.pdf",
            reverse(
                "admin:billing_invoice_credit_note_pdf", args=[key, note.pk]
            ): "Credit note CN-000001.pdf",
            reverse("admin:billing_invoice_receipt_pdf", args=[key, payment.pk]): (
                f"Receipt for INV-000001_ {payment.paid_at:%Y-%m-%d}.pdf"
            ),
        }

    def test_they_are_downloaded_by_those_who_see_the_invoice(self):
        viewer = self.client("Viewer")
        for url, name in self.urls().items():
            response = viewer.get(url)
            assert (response.status_code, response["Content-Type"]) == (200, "application/pdf")
            assert response["Content-Disposition"] == f'attachment; filename="{name}"'
            assert response.content.startswith(b"%PDF")
            assert Client().get(url).status_code == 302

    def test_without_the_right_there_is_none(self):
        someone = make_user("Viewer")
        someone.groups.clear()
        client = Client()
        client.force_login(someone)
        assert {client.get(url).status_code for url in self.urls()} <= {403, 404}

    def test_those_of_another_invoice_are_not_found(self):
        client, other = self.client(), raised()
        for url in list(self.urls())[1:]:
            part = url.split("/invoice/")[1].split("/")[0]
            assert client.get(url.replace(part, str(other.pk))).status_code == 404

    def test_the_invoice_page_leads_to_them(self):
        urls = self.urls()
        key = Invoice.objects.get().pk
        page = self.client().get(reverse("admin:billing_invoice_change", args=[key]))
        for url in urls:
            assert f'href="{url}"' in page.content.decode().replace(quote(key), key)
