"""Erasing a customer leaves nothing personal in any table, and changes nothing of anyone else."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from billing.document.renderer import render_customers as render_billing
from billing.document.schema import EXPANDABLE
from billing.models import Invoice, LedgerEntry
from crm.document.importer import CrmImporter
from crm.document.renderer import render_customers as render_crm
from crm.privacy.erase import CannotErase, erase_customer
from customers.ingest.importer import ImportOutcome
from customers.json_types import encode
from customers.models import Customer, Erasure
from tests.crm.privacy.canaries import (
    CANARIES,
    CRM,
    NAME,
    PERSON,
    PERSON_EMAIL,
    hits,
    import_all,
    plant,
    stored,
)
from tests.customers.import_documents import exported, take
from tests.factories import make_contact, make_customer, make_note, make_person, make_subscription

pytestmark = pytest.mark.django_db


def documents(customer: Customer) -> list[str]:
    """The three documents of a customer."""
    fresh = [Customer.objects.get(pk=customer.pk)]
    billing, crm = render_billing(fresh, EXPANDABLE), render_crm(fresh)
    return [json.dumps(exported(customer)), *(encode(each).decode() for each in (*billing, *crm))]


def test_nothing_personal_is_left():
    customer = plant()
    before = stored()
    assert [canary for canary in CANARIES if canary not in before] == []
    other = make_customer(name="Another")
    make_contact(customer=other, person=make_person(name="Shared Person"))
    make_note(customer=other, body="Stays")
    shown = documents(other)
    totals = list(Invoice.objects.values_list("number", "total", "credited").order_by("pk"))
    entries = list(LedgerEntry.objects.values_list("pk", "amount", "after").order_by("pk"))

    done = erase_customer(customer, "Request of March 2", "test")

    assert hits() == []
    assert documents(other) == shown
    assert list(Invoice.objects.values_list("number", "total", "credited").order_by("pk")) == totals
    assert list(LedgerEntry.objects.values_list("pk", "amount", "after").order_by("pk")) == entries
    assert done.deleted["notes"] == 1
    out = StringIO()
    call_command("doctor", stdout=out)
    assert "No problems" in out.getvalue()

    assert [report.outcome for report in import_all()] == [ImportOutcome.ERASED] * 3
    assert hits() == []


def test_a_dry_run_changes_nothing_and_a_customer_is_erased_once():
    customer = make_customer(name="Jane Roe", email="jane.roe@example.com")
    make_note(customer=customer, body="About Jane")
    before = stored()
    out = StringIO()
    call_command("erase_customer", str(customer.pk), "--reason", "Request", "--dry-run", stdout=out)
    assert "Would delete 1 notes" in out.getvalue().replace("\n", " ")
    assert stored() == before

    call_command("erase_customer", "jane.roe@example.com", "--reason", "Request", stdout=StringIO())
    assert Erasure.objects.get().finished_at is not None
    with pytest.raises(CommandError, match="erased already"):
        call_command("erase_customer", str(customer.pk), "--reason", "Request", stdout=StringIO())


def test_a_customer_that_is_billed_here_stays():
    subscription = make_subscription(billed_here=True)
    with pytest.raises(CannotErase, match="Cancel it first"):
        erase_customer(subscription.customer, "Request", "test")


def test_one_person_is_erased_and_does_not_come_back():
    customer = plant()
    words = ("ottokar", "velvetine.example")
    assert any(word in stored().casefold() for word in words)
    call_command(
        "erase_customer", str(customer.pk), "--person", PERSON_EMAIL, "--reason", "Request", stdout=StringIO()
    )
    left = [line for line in stored().splitlines() if any(word in line.casefold() for word in words)]
    assert left == []
    assert Customer.objects.get(pk=customer.pk).name == NAME
    assert call_command("doctor", stdout=StringIO()) is None

    assert [report.outcome for report in import_all()] == [ImportOutcome.UNCHANGED] * 3
    changed = {
        **CRM,
        "notes": f"{PERSON} called.",
        "poc": [*CRM["poc"], {"name": "Third Person", "obfuscated_id": "third-1"}],
    }
    [report] = take(CrmImporter(), changed)
    assert "A person in this record was erased" in report.remarks[-1].text
    left = [line for line in stored().splitlines() if any(word in line.casefold() for word in words)]
    assert left == []
    assert "Third Person" in stored()
