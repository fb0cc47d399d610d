"""Twelve plainly invented values, put wherever the product takes a value, and looked for in everything that is stored."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from billing.balances.grant import grant
from billing.document.importer import BillingImporter
from billing.invoices.credit_notes import credit_note
from billing.invoices.issue import issue_invoice
from billing.invoices.payments import record_payment, reverse_payment
from billing.models import Invoice
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from crm.dedupe.merges.merge import merge
from crm.document.importer import CrmImporter
from crm.models import ExportPart, FileImport, FileImportPart, ImportBatch, ImportedRecord
from customers import clock
from customers.document.importer import PaymentsImporter
from customers.models import Customer
from tests.customers.import_documents import customer_of, take
from tests.factories import (
    make_activity,
    make_document,
    make_duplicate_pair,
    make_export,
    make_feature,
    make_health_score,
    make_invoice,
    make_invoice_email,
    make_invoice_line,
    make_job,
    make_mention,
    make_note,
    make_outgoing_email,
    make_segment,
    make_task,
    make_user,
    make_webhook_delivery,
    make_worklist_decision,
    make_worklist_entry,
    make_worklist_reason,
)

NAME = "Zephyrine Quallbrook"
EMAIL = "zephyrine@quallbrook.example"
PHONE = "+12025550143"
STREET = "17 Quallbrook Lane"
TAX = "QUALL99173"
DATA = "quall-data-7781"
PERSON = "Ottokar Velvetine"
PERSON_EMAIL = "ottokar@velvetine.example"
COMPANY = "Velvetine Umbrellas"
NOTE = "velvetine-note-5519"
REFERENCE = "QUALL-REF-3307"
UMLAUT = "Würgelbach-8844"
CANARIES = (NAME, EMAIL, PHONE, STREET, TAX, DATA, PERSON, PERSON_EMAIL, COMPANY, NOTE, REFERENCE, UMLAUT)

PAYMENTS = {
    "id": "quall-pay-1",
    "name": NAME,
    "email": EMAIL,
    "phone": PHONE,
    "custom_data": {"hint": DATA, UMLAUT: "x"},
    "unknown_key": {"deep": [DATA]},
    "addresses": [{"id": "a1", "line1": STREET, "city": UMLAUT, "country": "US", "is_default": True}],
    "businesses": [
        {
            "id": "b1",
            "name": COMPANY,
            "tax_identifier": TAX,
            "contacts": [{"name": PERSON, "email": PERSON_EMAIL}],
        }
    ],
}
BILLING = {
    "id": "quall-bill-1",
    "name": NAME,
    "email": EMAIL,
    "created_at": 1_724_674_500_000,
    "metadata": {"hint": DATA},
    "fingerprint": DATA,
    "entities": [{"id": "seat-1", "name": PERSON, "feature_id": None, "created_at": 1_724_674_500_000}],
    "referrals": [
        {
            "program_id": "p",
            "customer": {"id": "r1", "name": PERSON, "email": PERSON_EMAIL},
            "reward_applied": False,
            "created_at": 1_724_674_500_000,
        }
    ],
}
CRM = {
    "id": "quall-crm-1",
    "company": {"name": COMPANY, "phone": PHONE, "about": UMLAUT, "location": STREET},
    "domains": ["quallbrook.example"],
    "notes": NOTE,
    "metadata": {"datasource_id": "7", "custom_data": {"k": {"string_value": DATA}}},
    "poc": [
        {
            "name": PERSON,
            "obfuscated_id": "ottokar-1",
            "metadata": {
                "email": PERSON_EMAIL,
                "bio": UMLAUT,
                "manager": {"name": NAME, "obfuscated_id": "boss-1"},
            },
        }
    ],
    "merged_customers": [{"id": "quall-crm-0", "company": {"name": COMPANY}, "notes": NOTE}],
}
FILES = ((PaymentsImporter, PAYMENTS), (BillingImporter, BILLING), (CrmImporter, CRM))


def import_all() -> list[Any]:
    """Import the three documents, and return the reports."""
    return [report for importer, document in FILES for report in take(importer(), document)]


def plant() -> Customer:
    """A customer with a canary in everything that the product takes: the survivor of a merge of all three documents."""
    assert [report.bad for report in import_all() if report.bad] == []
    customer = customer_of("payments", "quall-pay-1")
    for source, record in (("billing", "quall-bill-1"), ("crm", "quall-crm-1")):
        other = customer_of(source, record)
        if other.pk != customer.pk:
            merge(str(customer.pk), [str(other.pk)], reason=NOTE)
    customer = Customer.objects.get(pk=customer.pk)
    _billing(customer)
    _work(customer)
    _elsewhere(customer)
    return customer


def _billing(customer: Customer) -> None:
    feature = make_feature()
    grant(customer, feature, Decimal(100), done_by="test", reason=NOTE)
    for key in (None, REFERENCE):
        request = UsageRequest(
            customer_id=str(customer.pk),
            feature=feature,
            amount=Decimal(3),
            done_by="test",
            key=key,
            reason=NAME,
        )
        record_usage(request)
    draft = make_invoice(customer=customer, status="draft", imported=False, stripe_id="", total=1000)
    make_invoice_line(invoice=draft, amount=1000)
    issue_invoice(draft, done_by="test")
    payment = record_payment(draft, 600, reference=REFERENCE, done_by="test")
    reverse_payment(payment, reason=NOTE, done_by="test")
    credit_note(draft, 1000, reason=NAME, done_by="test")
    make_invoice_email(invoice=draft, recipients=[EMAIL], text=NAME, subject=STREET)
    assert EMAIL in json.dumps(Invoice.objects.get(pk=draft.pk).bill_to)


def _work(customer: Customer) -> None:
    note = make_note(customer=customer, body=f"{NOTE} {PHONE}")
    make_mention(note=note)
    gone = make_note(customer=customer, body=NOTE)
    gone.body = f"{UMLAUT}, changed"
    gone.save()
    gone.delete()
    make_task(customer=customer, title=NAME, body=NOTE)
    make_activity(customer=customer, summary=f"{NAME}: {NOTE}")
    make_document(customer=customer, title=COMPANY, url=f"https://example.com/{DATA}")
    make_worklist_decision(customer=customer, words=NAME)
    make_worklist_reason(entry=make_worklist_entry(customer=customer), words=COMPANY)
    make_health_score(customer=customer, parts=[{"hint": NAME}])
    make_duplicate_pair(a=customer, reasons=[f"same phone number: {PHONE}"])
    customer.phone = PHONE
    customer.save()
    LogEntry.objects.create(
        user=make_user(),
        content_type=ContentType.objects.get_for_model(Customer),
        object_id=str(customer.pk),
        object_repr=NAME,
        action_flag=CHANGE,
        change_message=json.dumps([{"changed": {"fields": [NAME]}}]),
    )


def _elsewhere(customer: Customer) -> None:
    """Where no row names the customer, but a text does."""
    export = make_export(title=f"Name contains {NAME}")
    ExportPart.objects.create(
        export=export, number=1, customer_ids=[str(customer.pk)], data=f"{NAME},{EMAIL}".encode()
    )
    make_outgoing_email(text=f"{NOTE} https://example.com/{customer.pk}", html=NAME)
    make_webhook_delivery(body=json.dumps({"customer_id": str(customer.pk)}), response_text=EMAIL)
    make_job(subject=f"{NAME}, 3 customers", error=f"{EMAIL} failed", log=[f"{PERSON} left out"])
    make_segment(query={"text": NAME})
    file_import = FileImport.objects.create(
        name="customers.csv", kind="csv", state="done", source="payments", ended_at=clock.now()
    )
    FileImportPart.objects.create(file_import=file_import, number=1, data=f"{NAME},{EMAIL}".encode())
    ImportedRecord.objects.create(
        file_import=file_import, number=1, outcome="refused", title=COMPANY, text=f'{{"name": "{NAME}"}}'
    )
    ImportBatch.objects.create(
        file_import=file_import, entries=[{"model": "customers.Customer", "before": {"email": EMAIL}}]
    )


def stored() -> str:
    """Every value of every row of every table, as text, with and without JSON's escapes."""
    texts = []
    with connection.cursor() as cursor:
        for table in sorted(database_tables()):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [each[0] for each in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    shown = (
                        bytes(value).decode(errors="replace")
                        if isinstance(value, bytes | memoryview)
                        else str(value)
                    )
                    texts.append(f"{table}.{column}: {shown}")
    return "\n".join(texts)


def database_tables() -> set[str]:
    """The tables of the database."""
    with connection.cursor() as cursor:
        return set(connection.introspection.table_names(cursor))


def hits() -> list[str]:
    """The places at which a canary is stored."""
    canaries = [form.casefold() for each in CANARIES for form in (each, json.dumps(each)[1:-1])]
    return [
        line[:200] for line in stored().splitlines() if any(canary in line.casefold() for canary in canaries)
    ]
