"""Columns of an imported table that become custom fields."""

from __future__ import annotations

import io

import pytest

from crm.imports.run import preview, run, start_preview, start_run
from crm.imports.uploads import take_file
from crm.models import FieldDefinition, FieldValue, FileImport
from tests.factories import make_field_definition

pytestmark = pytest.mark.django_db

FIELDS = {"No": "key", "Company": "company.name", "Champion": "custom.champion", "Seats": "custom.seats"}


def _nothing(done: int, total: int) -> None:
    pass


@pytest.fixture(autouse=True)
def _definitions() -> None:
    make_field_definition(name="champion", label="Champion")
    make_field_definition(name="seats", label="Seats", type="number")


def imported(rows: str) -> FileImport:
    data = f"No;Company;Champion;Seats\n{rows}".encode()
    file_import = take_file("list.csv", io.BytesIO(data), None)
    file_import.fields = FIELDS
    file_import.source = "csv:list"
    file_import.options = {**file_import.options, "mark": ","}
    file_import.save()
    start_preview(file_import, None)
    preview(file_import, _nothing)
    start_run(file_import, None)
    file_import.refresh_from_db()
    run(file_import, _nothing)
    file_import.refresh_from_db()
    return file_import


def values() -> dict[tuple[str, str], str]:
    rows = FieldValue.objects.values_list("customer__name", "field__name", "text")
    return {(customer, name): text for customer, name, text in rows}


def test_a_column_sets_a_custom_field_in_the_spelling_of_its_type() -> None:
    found = imported("1;Ash Ltd;Jane Doe;1.200,5\n2;Birch Ltd;;many\n")
    assert (found.counts["created"], found.counts["refused"]) == (1, 1)
    assert values() == {("Ash Ltd", "champion"): "Jane Doe", ("Ash Ltd", "seats"): "1200.5"}
    refused = found.records.get(outcome="refused", is_preview=False)
    assert refused.place == "Seats"
    assert "doesn't fit Seats. Enter a number such as 500" in refused.reason


def test_a_later_file_replaces_what_a_file_set_and_not_what_a_user_entered() -> None:
    imported("1;Ash Ltd;Jane;5\n")
    FieldValue.objects.filter(field__name="champion").update(text="Max")
    imported("1;Ash Ltd;Kim;7\n")
    assert values() == {("Ash Ltd", "champion"): "Max", ("Ash Ltd", "seats"): "7"}


def test_a_field_that_was_removed_is_left_out() -> None:
    FieldDefinition.objects.filter(name="seats").delete()
    imported("1;Ash Ltd;Jane;5\n")
    assert values() == {("Ash Ltd", "champion"): "Jane"}
