"""What the database refuses of customers that are merged, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management.sql import emit_post_migrate_signal
from django.db import DatabaseError, connection, transaction

from customers import triggers
from customers.models import Customer
from tests.factories import (
    make_address,
    make_company,
    make_customer,
    make_merged_record,
    make_note,
    make_posting,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def tombstone() -> Customer:
    """A customer that is merged into another."""
    return make_customer(merged_into=make_customer())


@pytest.mark.parametrize("make", [make_address, make_company, make_note, make_posting])
def test_nothing_is_added_to_a_merged_customer(tombstone: Customer, make: Callable[..., Any]) -> None:
    with pytest.raises(DatabaseError, match="owns nothing"), transaction.atomic():
        make(customer=tombstone)


def test_nothing_is_moved_to_a_merged_customer(tombstone: Customer) -> None:
    note, record = make_note(), make_merged_record()

    for row, column in ((note, "customer"), (record, "survivor")):
        rows: Any = type(row)._default_manager.filter(pk=row.pk)
        with pytest.raises(DatabaseError, match="owns nothing"), transaction.atomic():
            rows.update(**{column: tombstone})
    assert note.customer.merged_into is None


def test_nobody_is_merged_into_whom_others_are_merged(tombstone: Customer) -> None:
    with pytest.raises(DatabaseError, match="leads to"), transaction.atomic():
        Customer.objects.filter(pk=str(tombstone.merged_into_id)).update(merged_into=make_customer())


def test_nobody_is_merged_into_a_merged_customer(tombstone: Customer) -> None:
    with pytest.raises(DatabaseError, match="merged"), transaction.atomic():
        Customer.objects.filter(pk=make_customer().pk).update(merged_into=tombstone)
    with pytest.raises(DatabaseError, match="merged"), transaction.atomic():
        make_customer(merged_into=tombstone)


@pytest.mark.postgresql
def test_a_merged_customer_is_not_deleted(tombstone: Customer) -> None:
    with pytest.raises(DatabaseError, match="never deleted"), transaction.atomic():
        Customer.objects.filter(pk=tombstone.pk)._raw_delete(using="default")
    Customer.objects.filter(pk=make_customer().pk)._raw_delete(using="default")
    assert Customer.objects.count() == 2


def test_every_table_with_a_customer_is_guarded() -> None:
    assert {
        "billing_posting",
        "crm_note",
        "crm_mergedrecord",
        "customers_sourcerecord",
    } <= triggers.owned().keys()
    installed = {"postgresql": "SELECT tgname FROM pg_trigger", "sqlite": "SELECT name FROM sqlite_master"}
    with connection.cursor() as cursor:
        cursor.execute(installed[connection.vendor])
        there = {name for (name,) in cursor.fetchall()}
    assert triggers.names(connection.vendor) <= there


def test_guards_that_are_gone_are_made_again() -> None:
    triggers.remove("default")
    make_note(customer=make_customer(merged_into=make_customer()))

    triggers.install("default")

    with pytest.raises(DatabaseError, match="owns nothing"), transaction.atomic():
        make_note(customer=Customer.objects.exclude(merged_into=None).get())


def definitions() -> dict[str, str]:
    installed = {
        "postgresql": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    }
    with connection.cursor() as cursor:
        cursor.execute(installed[connection.vendor])
        return {name: text.lower() for name, text in cursor.fetchall()}


def test_a_trigger_whose_text_has_changed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "customers_customer_leads_to_one_that_is_not_merged_insert"
    of_before = triggers._triggers
    assert "new.id is not null" not in definitions()[name].replace("(", "")

    def changed(vendor: str, tables: dict[str, str]) -> Any:
        for trigger, table, statement in of_before(vendor, tables):
            yield (
                trigger,
                table,
                statement.replace("WHEN (NEW.", "WHEN (NEW.id IS NOT NULL AND NEW.").replace(
                    "WHEN NEW.", "WHEN NEW.id IS NOT NULL AND NEW."
                ),
            )

    monkeypatch.setattr(triggers, "_triggers", changed)
    emit_post_migrate_signal(0, False, "default")
    assert "new.id is not null" in definitions()[name].replace("(", "")
    with pytest.raises(DatabaseError, match="merged"), transaction.atomic():
        make_customer(merged_into=make_customer(merged_into=make_customer()))


def test_a_trigger_whose_text_is_the_same_stays(django_assert_max_num_queries: Any) -> None:
    before = definitions()
    functions = len(list(triggers._functions(triggers.owned()))) if connection.vendor == "postgresql" else 1
    with django_assert_max_num_queries(2 + functions):
        triggers.install("default")
    assert definitions() == before


@pytest.mark.postgresql
def test_a_function_whose_text_has_changed_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    of_before = triggers._functions
    monkeypatch.setattr(
        triggers,
        "_functions",
        lambda tables: (text.replace("owns nothing", "has nothing at all") for text in of_before(tables)),
    )
    emit_post_migrate_signal(0, False, "default")
    with pytest.raises(DatabaseError, match="has nothing at all"), transaction.atomic():
        make_note(customer=make_customer(merged_into=make_customer()))
