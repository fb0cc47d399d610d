"""Files as other systems export them, made up after their documented columns."""

from __future__ import annotations

import codecs
import gzip
import io
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

TRADE_FAIR = (
    "Fachmesse 2026;;;;;;;;;\r\n"
    "Badge;Firma;Name;E-Mail;Tel.;Land;Umsatz;Kunde seit;Kategorie;Betreuer\r\n"
    "TF-00017;Fährbrück GmbH;Amina Eriksson;amina@faehrbrueck.example;+49 30 5550199;DE;1.234,56 €;03/10/2026;A;\r\n"
    "TF-00018;Optik Süd;Oskar Varga;o.varga@optiksued.example;0049 40 555012;Deutschland;12.000,00 €;31/10/2026;B;\r\n"
    "TF-00019;Lumen Fracht;Lea Tanaka;lea@@lumen;;Schweiz;900,00 €;01/10/2026;C;\r\n"
    "Summe;;;;;;14.134,56 €;;;\r\n"
).encode("cp1252")

STRIPE = codecs.BOM_UTF8 + (
    b"id,Description,Email,Name,Created (UTC),Delinquent,Card Address Line1,Card Address City,Card Address Zip,"
    b"Card Address Country\r\n"
    b'cus_Px81LmNo2pQrSt,"Pays late.\r\nCall first.",pay@orbit.example,Orbit Ltd,2026-01-05 10:00,false,1 High Street,Leeds,'
    b"LS1 4AP,GB\r\n"
)

HUBSPOT_COMPANIES = (
    b"Record ID,Company name,Company owner,Create Date,Phone Number,City,Country/Region,Industry,Company Domain Name,"
    b"Annual Revenue,Number of Employees\n"
    b"9001,Delta Mills,max@example.com,2025-02-03 09:00,+1 202 555 0114,Austin,United States,Textiles,deltamills.example,"
    b"1250000,51-200\n"
)

HUBSPOT_CONTACTS = (
    "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Associated Company,Lead Status\n"
    "501,Nia,Okoro,nia@deltamills.example,+1 202 555 0115,,Delta Mills,Open\n"
    "502,Ben,Sato,ben@deltamills.example,,,Delta Mills,New\n"
).encode("utf-16")

SALESFORCE_ACCOUNTS = (
    b'"Id","Name","BillingStreet","BillingCity","BillingState","BillingPostalCode","BillingCountry","Phone","Website",'
    b'"Industry","AnnualRevenue","NumberOfEmployees"\n'
    b'"001Hs00000AbCdEIAV","Umbra Optics","12 Rue Bleue","Lyon","","69001","France","+33 1 55 50 01 10",'
    b'"www.umbra.example","Optics","2500000.0","80"\n'
)

SALESFORCE_CONTACTS = (
    "Id,AccountId,FirstName,LastName,Email,Phone,Title,MailingCity,MailingCountry\n"
    "003Hs00000ZzYyXIAV,001Hs00000AbCdEIAV,Inès,Moreau,ines@umbra.example,,Buyer,Lyon,France\n"
).encode()

PIPEDRIVE = (
    "Person - ID\tPerson - Name\tPerson - Organization\tPerson - Email - Work\tPerson - Phone - Work\tPerson - Owner\n"
    "77\tTomás Reyes\tRío Verde SA\ttomas@rioverde.example\t'+34 910 555 012\tMax\n"
).encode("cp1252")

ATTIO = (
    b"Record ID,Company,Domains,Description,Categories,Estimated ARR\n"
    b'0d5f1c1e-9a1b-4c53-8a3e-6f8a2c1d0e11,Pebble Works,pebble.example,Makes pebbles,"B2B, Tools","$12,500.50"\n'
)

QUICKBOOKS = (
    b"Customer,Company,Email,Phone,Street Address,City,State,Country,Zip,Open Balance\n"
    b'"Ada Quill","Quill & Co.",ada@quill.example,(202) 555-0123,"5 Elm St\nSuite 2",Boston,MA,USA,02110,"1,250.00"\n'
    b'TOTAL,,,,,,,,,"1,250.00"\n'
)

DUPLICATE_HEADINGS = b"Name,Email,Email,Phone,,Country\nJuniper Bakery,hello@juniper.example,alt@juniper.example,0151 555 0100,x,DE\n"

MONTH_FIRST = (
    "Customer name|Email|Customer since\nKite Labs|kite@kite.example|02/03/2026\nFern Ltd|fern@fern.example|02/28/2026\n"
).encode("utf-16-le")


def wide() -> bytes:
    """300 columns, of which three mean something."""
    headings = ["Company", "Contact email", "Country", *(f"Field {at}" for at in range(297))]
    cells = ["Mistral Foods", "anna@mistral.example", "FR", *("x" for _ in range(297))]
    return (",".join(headings) + "\n" + ",".join(cells) + "\n").encode()


def workbook(sheets: dict[str, Sequence[Sequence[Any]]]) -> bytes:
    """A small XLSX file; days are serial numbers with a date format, as Excel stores them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        names = list(sheets)
        archive.writestr("[Content_Types].xml", _types(len(names)))
        archive.writestr("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
        listed = "".join(
            f'<sheet name="{escape(name)}" sheetId="{at}" r:id="rId{at}"/>'
            for at, name in enumerate(names, 1)
        )
        archive.writestr("xl/workbook.xml", f"<workbook {_MAIN} {_REL}><sheets>{listed}</sheets></workbook>")
        relations = [("worksheet", f"worksheets/sheet{at}.xml") for at in range(1, len(names) + 1)]
        archive.writestr("xl/_rels/workbook.xml.rels", _relations([*relations, ("styles", "styles.xml")]))
        archive.writestr("xl/styles.xml", _STYLES)
        for at, rows in enumerate(sheets.values(), 1):
            archive.writestr(f"xl/worksheets/sheet{at}.xml", _sheet(rows))
    return file.getvalue()


_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_REL = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_STYLES = (
    f"<styleSheet {_MAIN}><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>"
    '<cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>"
)


def _types(count: int) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheets = "".join(
        f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{kind}.worksheet+xml"/>'
        for at in range(1, count + 1)
    )
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/>{sheets}</Types>'
    )


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    base = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    rows = "".join(
        f'<Relationship Id="rId{at}" Type="{base}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{rows}</Relationships>'


def _sheet(rows: Sequence[Sequence[Any]]) -> str:
    body = "".join(f'<row r="{at}">{"".join(map(_cell, cells))}</row>' for at, cells in enumerate(rows, 1))
    return f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>"


def _cell(value: Any) -> str:
    if value is None:
        return "<c/>"
    if isinstance(value, date):
        return f'<c s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, int | float):
        return f"<c><v>{value}</v></c>"
    if value.startswith("="):
        return f'<c t="str"><f>{escape(value[1:])}</f><v>computed</v></c>'
    return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'


RESELLERS = workbook(
    {
        "Notes": [],
        "Resellers": [
            ["Reseller list", None, None, None, None, None],
            ["Company name", "Contact name", "Contact email", "Phone", "Customer since", "Annual revenue"],
            ["Tern Tools", "Ola Berg", "ola@tern.example", 4721555012, date(2024, 3, 9), 1234.5],
            ["Wren Works", "Kim Lund", "kim@wren.example", "+47 21 55 50 13", 45000, 99000],
            ["Formula AS", '=A4&" x"', "form@formula.example", None, None, None],
        ],
    }
)


def zipped(name: str, data: bytes) -> bytes:
    """A zip archive with one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data)


QUICKBOOKS_DESKTOP = (
    b'"Acme Holdings Inc.",,,,\n"Customer Contact List",,,,\n"As of October 31, 2026",,,,\n"",,,,\n'
    b'"Customer","Phone Numbers","Email","Full Name","Billing Address"\n'
    b'"Bo Ink","Phone: (202) 555-0124 Mobile: (202) 555-0125","bo@ink.example","Bo Ink","6 Elm St Boston MA"\n'
    b'"TOTAL","","","",""\n"","","","",""\n"Saturday, October 31, 2026 10:15 AM GMT-05:00",,,,\n'
)

#: Sums in the middle and at the end, and a line about the report below; one company is called Total.
SUMS = (
    b"Company,City,Founded,Annual revenue\nOak,Rome,1987,100\nSubtotal,,,100\n\nTotal,Paris,,50\nElm,Oslo,2001-05-06,(20)\n"
    b"Grand Total,,,150\n,,,\nReport created 2026-11-30,,,\n"
)

#: What Excel is to leave as it is, and nobody whose phone it could be.
AS_TEXT = b'Company,Phone,Zip\nZero Co,0301234567,"=""01067"""\n'

NO_HEADINGS = b"Fir Ltd,info@fir.example,Bonn,DE\nYew Ltd,hello@yew.example,Lyon,FR\n"
