"""Reverting an import gives every document back as it was; what was done since stays."""

from __future__ import annotations

import random

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from crm.exchange.exports import customers_to_export, exported
from crm.imports import undo
from crm.imports.revert import begin_revert, preview_revert, revert, revert_customer
from crm.models import Company, Contact, FileImport, Person
from crm.notes import write_note
from customers.document.importer import PaymentsImporter
from customers.models import AuditAction, AuditEntry, Customer, Source, SourceRecord
from tests.crm.import_documents import take_crm
from tests.crm.imports.test_files import imported
from tests.customers.import_documents import take
from tests.examples import examples
from tests.factories import make_customer, make_user

pytestmark = pytest.mark.django_db


def _all_documents() -> dict[str, list[bytes]]:
    return {source: sorted(exported(source, customers_to_export())) for source in Source}


def _nothing(done: int, total: int) -> None:
    pass


def _reverted(file_import: FileImport) -> None:
    begin_revert(file_import, None)
    revert(file_import, _nothing)


def _known_customers() -> None:
    take(
        PaymentsImporter(),
        {"id": "p-1", "name": "Orbit Ltd", "email": "pay@orbit.example", "phone": "+44 20 7946 0001"},
        {
            "id": "p-2",
            "name": "Delta Mills",
            "email": "nia@deltamills.example",
            "address": {"city": "Austin"},
        },
        {"id": "p-3", "email": "kim@wren.example"},
    )
    take_crm(
        {
            "id": "c-1",
            "company": {"name": "Umbra Optics", "industry": "Lenses"},
            "domains": ["umbra.example"],
            "poc": [
                {"name": "Inès Moreau", "obfuscated_id": "u1", "metadata": {"email": "ines@umbra.example"}}
            ],
        }
    )


_COMPANIES = ("Orbit Ltd", "Delta Mills", "Wren Works", "Umbra Optics", "Tern Tools", "")
_PEOPLE = (
    ("Pay Desk", "pay@orbit.example"),
    ("Nia Okoro", "nia@deltamills.example"),
    ("Kim Lund", "kim@wren.example"),
    ("Inès Moreau", "ines@umbra.example"),
    ("Ola Berg", "ola@tern.example"),
)


def _table(chance: random.Random) -> bytes:
    lines = [
        "Company;Contact name;Contact email;Phone;City;Country;Industry;Employees;Tags;Notes;Website;Extra"
    ]
    for _ in range(chance.randint(1, 8)):
        name, email = chance.choice(_PEOPLE)
        cells = [
            chance.choice(_COMPANIES),
            name,
            email,
            chance.choice(["", "+47 21 55 50 13", "0151 555 0100"]),
            chance.choice(["", "Oslo", "Austin"]),
            chance.choice(["", "NO", "Germany"]),
            chance.choice(["", "Tools", "Lenses"]),
            chance.choice(["", "51-200", "7"]),
            chance.choice(["", "fair, vip", "VIP"]),
            chance.choice(["", "Call back"]),
            chance.choice(["", "www.umbra.example", "https://tern.example"]),
            chance.choice(["", "x"]),
        ]
        lines.append(";".join(cells))
    return "\n".join(lines).encode()


@pytest.mark.parametrize("seed", range(examples(1)))
def test_imports_that_are_reverted_leave_every_document_as_it_was(seed: int) -> None:
    chance = random.Random(seed)
    _known_customers()
    states = [_all_documents()]
    imports = []
    for at in range(3):
        imports.append(imported(f"list {chance.randint(1, 2)}.csv", _table(chance)))
        if at < 2:
            states.append(_all_documents())
    assert any(state != states[0] for state in states[1:])
    people = Person.objects.filter(obfuscated_id="u1").count()
    for file_import, before in zip(reversed(imports), reversed(states), strict=True):
        foreseen = preview_revert(file_import)
        _reverted(file_import)
        assert _all_documents() == before
        assert not foreseen.stays
    assert Customer.objects.count() == 4
    assert not SourceRecord.objects.filter(source__startswith="csv:").exists()
    assert Person.objects.count() == people


def test_what_was_done_since_stays() -> None:
    _known_customers()
    file_import = imported(
        "list.csv",
        b"Company;Contact name;Contact email;Industry\nTern Tools;Ola Berg;ola@tern.example;Tools\n"
        b"Wren Works;Kim Lund;kim@wren.example;Birds\n",
    )
    tern = Customer.objects.get(name="Tern Tools")
    write_note(tern, "Met at the fair", by=None)
    wren = Customer.objects.get(source_records__source_id="p-3")
    assert (wren.name, wren.company.industry) == ("Wren Works", "Birds")
    company = Company.objects.get(customer=wren)
    company.about = "Written by hand"
    company.save()
    foreseen = preview_revert(file_import)
    assert [name for _, name, _ in foreseen.stays] == ["Tern Tools"]
    _reverted(file_import)
    tern.refresh_from_db()
    wren.refresh_from_db()
    assert (tern.name, tern.notes.count(), tern.source_records.count()) == ("", 1, 0)
    assert (wren.name, wren.email) == ("", "kim@wren.example")
    company.refresh_from_db()
    assert company.about == "Written by hand"
    assert not Contact.objects.filter(person__name="Ola Berg").exists()


def test_who_reverted_is_recorded_and_how_many_stay_is_counted(
    monkeypatch: pytest.MonkeyPatch, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    user = make_user("Account manager", username="ada")
    rows = "".join(f"Works {at};w{at}@works{at}.example\n" for at in range(12))
    file_import = imported("list.csv", f"Company;Email\n{rows}".encode())
    works = {str(row): row for row in Customer.objects.all()}
    found = revert_customer(file_import, str(works.pop("Works 0").pk), user)
    entry = AuditEntry.objects.get(action=AuditAction.IMPORT_REVERTED)
    assert (found.removed, entry.user_id, entry.data["removed"]) == (1, user.pk, 1)
    for row in works.values():
        write_note(row, "Called", by=None)
    monkeypatch.setattr(undo, "_MOST_NAMED", 3)
    with django_assert_max_num_queries(250):
        found = preview_revert(file_import)
    assert (len(found.stays), len(found.staying), found.removed) == (3, 11, 0)
    begin_revert(file_import, user)
    revert(file_import, _nothing)
    assert AuditEntry.objects.filter(action=AuditAction.IMPORT_REVERTED, user_id=user.pk).count() == 2


def test_a_customer_that_was_merged_since_is_not_counted_as_removed() -> None:
    file_import = imported("list.csv", b"Company;Email\nTern;tern@tern.example\n")
    tern = Customer.objects.get(name="Tern")
    kept = make_customer(name="Kept")
    Customer.objects.filter(pk=tern.pk).update(merged_into=kept)
    found = preview_revert(file_import)
    assert (found.removed, [why for _, _, why in found.stays]) == (
        0,
        ["Was merged into another customer since"],
    )


def test_an_import_by_an_earlier_version_is_reverted_as_a_whole() -> None:
    """Earlier versions kept neither whose a row is nor with which rows a record came."""
    _known_customers()
    before = _all_documents()
    file_import = imported("list.csv", b"Company;Contact name;Contact email\nTern;Ola;ola@tern.example\n")
    for batch in file_import.batches.all():
        batch.entries = [{name: entry[name] for name in entry if name != "of"} for entry in batch.entries]
        batch.save()
    file_import.records.update(batch=None)
    client = Client()
    client.force_login(make_user("Account manager", username="ada"))
    page = client.get(reverse("import", args=[file_import.pk])).content.decode()
    assert ("Revert…" in page, "Revert this customer" in page) == (True, False)
    row = file_import.records.get(is_preview=False).number
    assert client.get(reverse("import-revert-customer", args=[file_import.pk, row])).status_code == 404
    assert client.get(reverse("import-revert", args=[file_import.pk])).status_code == 200
    _reverted(file_import)
    assert _all_documents() == before


def test_documents_are_reverted_too() -> None:
    _known_customers()
    before = _all_documents()
    changed = (
        b'{"id": "c-1", "company": {"name": "Umbra SA", "about": "New"}, "domains": ["umbra.example", "u.example"],'
        b' "poc": []}\n{"id": "c-9", "company": {"name": "Ninth"}}\n'
    )
    file_import = imported("crm.ndjson", changed)
    assert _all_documents() != before
    _reverted(file_import)
    assert _all_documents() == before
