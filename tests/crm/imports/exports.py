"""Twenty files as other systems export them, each with what becomes of it and the one correction that it may need."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from datetime import date

from tests.crm.imports import files

#: A report of Salesforce ends with lines about itself.
SALESFORCE_REPORT = (
    b'"Account ID","Account Name","Account Owner","Billing City","Billing Country","Phone"\n'
    b'"001Hs00000QqRrSIAV","Larch Timber","Max Mwangi","Bergen","Norway","+47 55 55 01 10"\n'
    b'\n\n"Accounts by owner"\n"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."\n'
)

PIPEDRIVE_ORGANIZATIONS = (
    "Organization - ID;Organization - Name;Organization - Owner;Organization - Address;Organization - Labels\r\n"
    "12;Río Verde SA;;Calle Mayor 1, Madrid;Hot lead\r\n"
).encode("cp1252")

#: Excel writes the delimiter above the headings where it isn't the one of the country. Phones keep their zeros.
GERMAN_EXCEL = (
    codecs.BOM_UTF8
    + (
        "sep=;\r\nKundennummer;Firma;Telefon;E-Mail;PLZ;Ort;Land\r\n"
        "00042;Mühle Süd KG;0049 89 5550142;post@muehle.example;01067;Dresden;Deutschland\r\n"
        "00043;Hof Nord;+49 40 5550143;hof@nord.example;20095;Hamburg;DE\r\n"
    ).encode()
)

#: Two rows of headings, of which the upper ones are merged over several columns.
MERGED_HEADINGS = files.workbook(
    {
        "Customers": [
            ["Company", None, "Contact", None, "Address"],
            ["Company name", "Website", "Contact name", "Contact email", "Country"],
            ["Sable Inks", "sable.example", "Ana Ruiz", "ana@sable.example", "ES"],
            ["Moss Labs", "moss.example", "Li Wei", "li@moss.example", "SG"],
        ]
    }
)

#: Days as Excel counts them, left over as plain numbers, beside days as text.
SERIAL_DAYS = (
    b'Company,Customer since,Annual revenue\nQuarry One,45000,"$1,200.00"\nQuarry Two,2024-03-09,"$900.50"\n'
)

GOOGLE_CONTACTS = (
    b"First Name,Middle Name,Last Name,Organization Name,Organization Title,E-mail 1 - Label,E-mail 1 - Value,"
    b"Phone 1 - Label,Phone 1 - Value,Labels\n"
    b"Ivo,,Novak,Brook Mill,Buyer,* Work,ivo@brook.example,Work,+420 2 5550 1234,* myContacts\n"
)

QUICKBOOKS_ONLINE = (
    b"Customer full name,Company name,Email,Phone numbers,Bill address\n"
    b'Ada Quill,Quill & Co.,ada@quill.example,Phone:(202) 555-0123,"5 Elm St, Boston MA 02110"\n'
)


@dataclass(frozen=True)
class Export:
    """A file, how many records it creates and how many are refused, what is then found, and a correction by hand."""

    name: str
    data: bytes
    created: int
    company: str
    refused: int = 0
    correction: dict[str, str] = field(default_factory=dict)


TWENTY = (
    Export("customers.csv", files.STRIPE, 1, "Orbit Ltd"),
    Export("hubspot-companies.csv", files.HUBSPOT_COMPANIES, 1, "Delta Mills"),
    Export("hubspot-contacts.csv", files.HUBSPOT_CONTACTS, 1, "Delta Mills"),
    Export("accounts.csv", files.SALESFORCE_ACCOUNTS, 1, "Umbra Optics"),
    Export("contacts.csv", files.SALESFORCE_CONTACTS, 1, "Inès Moreau"),
    Export("report1700000000000.csv", SALESFORCE_REPORT, 1, "Larch Timber"),
    Export("people.tsv", files.PIPEDRIVE, 1, "Río Verde SA"),
    Export("organizations.csv", PIPEDRIVE_ORGANIZATIONS, 1, "Río Verde SA"),
    Export("attio.csv", files.ATTIO, 1, "Pebble Works"),
    Export("quickbooks.csv", files.QUICKBOOKS, 1, "Ada Quill"),
    Export("quickbooks-online.csv", QUICKBOOKS_ONLINE, 1, "Ada Quill"),
    Export("trade-fair.csv", files.TRADE_FAIR, 2, "Fährbrück GmbH", refused=1),
    Export("duplicates.csv", files.DUPLICATE_HEADINGS, 1, "Juniper Bakery"),
    Export("american.txt", files.MONTH_FIRST, 2, "Kite Labs"),
    Export("wide.csv", files.wide(), 1, "Mistral Foods"),
    Export("resellers.xlsx", files.RESELLERS, 3, "Tern Tools"),
    Export("merged-headings.xlsx", MERGED_HEADINGS, 2, "Sable Inks", correction={"header": "2"}),
    Export("kunden.csv.gz", files.gzipped(GERMAN_EXCEL), 2, "Mühle Süd KG"),
    Export("since.csv", SERIAL_DAYS, 2, "Quarry One"),
    Export("google.csv", GOOGLE_CONTACTS, 1, "Brook Mill", correction={"Organization Name": "company.name"}),
)
#: A day is in another form than in the file, to show how it was read.
QUARRY_SINCE = date(2023, 3, 15)
