"""Files as other systems export them, imported on the pages with at most one correction."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from crm.imports.run import preview, run
from crm.models import FileImport, Relationship
from customers.models import Address, Customer
from tests.crm.imports.exports import GERMAN_EXCEL, QUARRY_SINCE, TWENTY, Export
from tests.factories import make_user

#: The other ones are imported by tests of what becomes of each value.
_BY_PAGES = (
    "report1700000000000.csv",
    "organizations.csv",
    "merged-headings.xlsx",
    "kunden.csv.gz",
    "since.csv",
    "google.csv",
)


def work() -> None:
    """What the jobs do."""
    for found in FileImport.objects.filter(state=FileImport.State.PREVIEWING):
        preview(found, lambda done, total: None)
    for found in FileImport.objects.filter(state=FileImport.State.RUNNING):
        run(found, lambda done, total: None)


def _posted(found: FileImport, correction: dict[str, str]) -> dict[str, str]:
    """The form of the page, corrected."""
    fields = {**found.fields, **correction}
    chosen = {f"field-{at}": fields.get(column["heading"], "") for at, column in enumerate(found.columns)}
    return {**chosen, "source": found.source.removeprefix("csv:"), "preview": ""}


def _imported(client: Client, export: Export) -> FileImport:
    client.post(reverse("imports"), {"file": SimpleUploadedFile(export.name, export.data)})
    found = FileImport.objects.get(name=export.name)
    page = reverse("import-map", args=[found.pk])
    correction = dict(export.correction)
    if "header" in correction:
        client.post(page, {"look-again": "", "header": correction.pop("header")})
        found.refresh_from_db()
    client.post(page, _posted(found, correction))
    work()
    client.post(reverse("import-run", args=[found.pk]))
    work()
    found.refresh_from_db()
    return found


@pytest.mark.django_db
def test_files_are_imported_with_at_most_one_correction(client: Client) -> None:
    client.force_login(make_user(username="ada"))
    for export in TWENTY:
        if export.name in _BY_PAGES:
            found = _imported(client, export)
            counts = (
                found.counts.get("created", 0) + found.counts.get("updated", 0),
                found.counts.get("refused", 0),
            )
            assert counts == (export.created, export.refused), export.name
            assert export.company in map(str, Customer.objects.all()), export.name
    muehle = Customer.objects.get(name="Mühle Süd KG")
    assert muehle.source_records.get().source_id == "00042"
    assert muehle.contacts.get().person.phone.replace(" ", "") in ("0049895550142", "+49895550142")
    assert Address.objects.get(customer=muehle).postal_code == "01067"
    assert Relationship.objects.get(customer__name="Quarry One").start_date == QUARRY_SINCE
    assert len(GERMAN_EXCEL.splitlines()) == 4
