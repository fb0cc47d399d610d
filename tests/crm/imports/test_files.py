"""Files of other systems: what is recognized, and what becomes of them without a correction."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from crm.imports.run import preview, run, start_preview, start_run
from crm.imports.unpack import NotImportable
from crm.imports.uploads import take_file
from crm.models import Company, Contact, FileImport, Relationship
from customers.models import Address, Customer, SourceRecord
from tests.crm.imports import files

pytestmark = pytest.mark.django_db


def imported(name: str, data: bytes, by: User | None = None) -> FileImport:
    """A file that went through all steps as it was guessed."""
    file_import = take_file(name, io.BytesIO(data), by)
    start_preview(file_import, by)
    preview(file_import, _nothing)
    foreseen = dict(file_import.counts)
    start_run(file_import, by)
    file_import.refresh_from_db()
    run(file_import, _nothing)
    file_import.refresh_from_db()
    assert file_import.counts == foreseen
    return file_import


def _nothing(done: int, total: int) -> None:
    pass


def _counts(file_import: FileImport) -> tuple[int, int, int]:
    counts = file_import.counts
    return tuple(counts.get(name, 0) for name in ("created", "updated", "refused"))


def test_a_list_in_another_language_is_read_without_a_correction() -> None:
    found = imported("Trade fair 2026.csv", files.TRADE_FAIR)
    assert found.source == "csv:trade-fair-2026"
    assert _counts(found) == (2, 0, 1)
    company = Company.objects.get(name="Fährbrück GmbH")
    assert (company.annual_revenue, company.customer.email) == (Decimal("1234.56"), "")
    contact = Contact.objects.get(customer=company.customer)
    assert (contact.person.email, contact.imported) == ("amina@faehrbrueck.example", False)
    # Day first for the whole column, because row 4 has 31/10/2026.
    assert str(Relationship.objects.get(customer=company.customer).start_date) == "2026-10-03"
    assert Address.objects.get(customer__name="Optik Süd").country == "DE"
    refused = found.records.get(outcome="refused", is_preview=False)
    assert (refused.number, refused.place) == (5, "E-Mail")


def test_exports_of_known_systems_need_no_mapping() -> None:
    stripe = imported("customers.csv", files.STRIPE)
    assert (stripe.options["preset"], _counts(stripe)) == ("Stripe customers", (1, 0, 0))
    orbit = Customer.objects.get(stripe_id="cus_Px81LmNo2pQrSt")
    assert (orbit.name, orbit.email, orbit.notes.get().body) == (
        "Orbit Ltd",
        "pay@orbit.example",
        "Pays late.\r\nCall first.",
    )
    companies = imported("hubspot-crm-exports-companies.csv", files.HUBSPOT_COMPANIES)
    assert (companies.options["preset"], companies.source) == ("HubSpot companies", "csv:hubspot-companies")
    delta = Company.objects.get(name="Delta Mills")
    assert (delta.number_of_employees, delta.annual_revenue, delta.customer.domains.get().name) == (
        51,
        1250000,
        "deltamills.example",
    )
    contacts = imported("hubspot-crm-exports-contacts.csv", files.HUBSPOT_CONTACTS)
    assert contacts.options["preset"] == "HubSpot contacts"
    assert sum(_counts(contacts)) == 1
    assert Contact.objects.filter(person__name__in=["Nia Okoro", "Ben Sato"]).count() == 2
    accounts = imported("accounts.csv", files.SALESFORCE_ACCOUNTS)
    people = imported("contacts.csv", files.SALESFORCE_CONTACTS)
    assert (accounts.options["preset"], people.options["preset"]) == (
        "Salesforce accounts",
        "Salesforce contacts",
    )
    pipedrive = imported("people.tsv", files.PIPEDRIVE)
    assert (pipedrive.options["preset"], pipedrive.layout["delimiter"]) == ("Pipedrive people", "\t")
    assert Contact.objects.get(customer__name="Río Verde SA").person.phone == "+34 910 555 012"
    attio = imported("attio.csv", files.ATTIO)
    assert (attio.options["preset"], _counts(attio)) == ("Attio companies", (1, 0, 0))
    quickbooks = imported("customers.csv", files.QUICKBOOKS)
    assert (quickbooks.options["preset"], _counts(quickbooks)) == ("QuickBooks customers", (1, 0, 0))
    assert Address.objects.get(customer__email="ada@quill.example").postal_code == "02110"


def test_awkward_tables_are_read() -> None:
    twice = imported("list.csv", files.DUPLICATE_HEADINGS)
    headings = [column["heading"] for column in twice.columns]
    assert headings == ["Name", "Email", "Email (2)", "Phone", "Column E", "Country"]
    assert Customer.objects.get(email="hello@juniper.example").phone == "0151 555 0100"
    american = imported("list.txt", files.MONTH_FIRST)
    assert (american.layout["encoding"], american.options["order"]) == ("utf-16-le", "mdy")
    assert str(Relationship.objects.get(customer__name="Kite Labs").start_date) == "2026-02-03"
    wide = imported("wide.csv", files.wide())
    assert (len(wide.columns), _counts(wide)) == (300, (1, 0, 0))
    resellers = imported("reseller list.xlsx", files.RESELLERS)
    assert (resellers.layout["sheet"], resellers.layout["header"]) == ("Resellers", 2)
    assert _counts(resellers) == (3, 0, 0)
    tern, wren = (Relationship.objects.get(customer__name=name) for name in ("Tern Tools", "Wren Works"))
    assert (str(tern.start_date), str(wren.start_date)) == ("2024-03-09", "2023-03-15")
    assert Contact.objects.get(customer__name="Formula AS").person.name == "computed"
    again = imported("trade fair.zip", files.zipped("Trade fair 2026.csv", files.TRADE_FAIR))
    assert _counts(again)[2] == 1


def test_what_reports_add_is_left_out() -> None:
    quickbooks = imported("contacts.csv", files.QUICKBOOKS_DESKTOP)
    assert (quickbooks.layout["header"], _counts(quickbooks)) == (5, (1, 0, 0))
    ink = Customer.objects.get(name="Bo Ink")
    assert (ink.phone, ink.addresses.get().line1) == ("(202) 555-0124", "6 Elm St Boston MA")
    sums = imported("revenue.csv", files.SUMS)
    assert _counts(sums) == (2, 0, 1)
    assert sorted(str(row) for row in Company.objects.exclude(customer=ink)) == ["Oak", "Total"]
    # A year alone is its first day; below zero is no revenue.
    assert str(Company.objects.get(name="Oak").founded_date) == "1987-01-01"
    refused = sums.records.get(outcome="refused", is_preview=False)
    assert (refused.number, refused.place) == (6, "Annual revenue")


def test_nothing_is_lost_of_a_list_without_people_or_headings() -> None:
    imported("zero.csv", files.AS_TEXT)
    zero = Company.objects.get(name="Zero Co")
    assert (zero.phone, zero.customer.addresses.get().postal_code) == ("0301234567", "01067")
    found = imported("list.csv", files.NO_HEADINGS)
    assert found.layout["header"] == 0
    assert Customer.objects.get(email="info@fir.example").name == "Fir Ltd"


def test_documents_are_recognized_by_their_keys() -> None:
    documents = b'[{"id": "c-1", "company": {"name": "Acme"}, "domains": ["acme.example"]}]'
    found = imported("export.json.gz", files.gzipped(documents))
    assert (found.kind, found.source, _counts(found)) == ("crm", "crm", (1, 0, 0))
    assert SourceRecord.objects.get(source_id="c-1").source == "crm"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7 x", "looks like a PDF file"),
        (
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Okoro;Nia;;;\r\nEND:VCARD\r\n",
            "looks like a file of contacts",
        ),
        (b"BEGIN:VCALENDAR\nSUMMARY:Call; Nia\nEND:VCALENDAR\n", "looks like a calendar"),
        (b"dn: cn=Nia,dc=example\nmail: nia@example.com\n", "looks like an export of a directory"),
        (
            b"From: nia@example.com\nTo: bo@example.com\nSubject: Prices; terms\n\nDear Bo\n",
            "looks like an email",
        ),
        (b"MZ\x90\0\3\0\0\0", "looks like a program"),
        (b"", "The file is empty."),
        (b"name,email\n", "no rows below its headings"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"), "password-protected"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old Excel file"),
        (b'{"object": "invoice", "id": "in_1", "lines": []}\n', "looks like an invoice of Stripe"),
        (b"\x1f\x8b\x08\x00broken", "damaged"),
        (files.gzipped(files.TRADE_FAIR * 50)[:-20], "ends too early"),
        (files.zipped("word/document.xml", b"<w:document/>"), "looks like a Word document"),
        (b"\r\n<HTML><table><tr><td>Name</td></tr></table></HTML>", "looks like an HTML file"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 99, "looks like a picture"),
        (b'name,email\n"open,x@example.com\n' + b"y" * 200_000, "Check that each quotation mark is closed"),
    ],
)
def test_other_files_are_refused_with_a_sentence(data: bytes, says: str) -> None:
    with pytest.raises(NotImportable, match=says):
        take_file("file", io.BytesIO(data), None)
    assert not FileImport.objects.exists()


def test_what_grows_beyond_measure_is_refused_in_little_memory() -> None:
    bomb = files.gzipped(b"\0" * 80_000_000)
    endless = b"a" * 6_000_000
    sheets = io.BytesIO()
    with zipfile.ZipFile(sheets, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * 80_000_000)
    tracemalloc.start()
    for data, says in (
        (bomb, "It wasn't unpacked"),
        (endless, "Check that the file has line ends"),
        (sheets.getvalue(), "Save the sheet as CSV"),
    ):
        with pytest.raises(NotImportable, match=says):
            take_file("file.csv", io.BytesIO(data), None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000
