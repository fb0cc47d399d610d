"""The audit log is never changed, and its chain of hashes finds whoever did it all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from customers.audit.actor import Actor, acting
from customers.audit.chain import Head, head, seal_entries, verify
from customers.audit.record import audit
from customers.models import AuditAction, AuditDetails, AuditEntry, AuditSeal
from tests.factories import make_customer, make_user

pytestmark = pytest.mark.django_db

_TABLES = ("customers_auditentry", "customers_auditdetails", "customers_auditseal")


def write_five() -> list[AuditEntry]:
    """Five sealed entries, the third of them with details."""
    customer = str(make_customer().pk)
    for number in range(5):
        details = {"reason": "as asked"} if number == 2 else None
        audit(AuditAction.MERGED, customer, f"merge_{number}", details=details, merged=number)
    assert seal_entries() == 5
    return list(AuditEntry.objects.order_by("seal__number"))


@contextmanager
def without_triggers() -> Iterator[Any]:
    """A cursor for which the tables of the log have no triggers. The test's transaction gives them back."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for table in _TABLES:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        else:
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE '%audit%'"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"DROP TRIGGER {name}")
        yield cursor


@pytest.mark.parametrize("model", [AuditEntry, AuditDetails, AuditSeal])
def test_both_databases_refuse_to_change_or_delete_a_row(model: Any):
    write_five()
    column = {AuditEntry: "done_by", AuditDetails: "salt", AuditSeal: "hash"}[model]
    for change in (
        lambda: model.objects.update(**{column: "x"}),
        lambda: model.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="nobody changes the audit log"), transaction.atomic():
            change()


def _change(cursor: Any, rows: list[AuditEntry]) -> None:
    AuditEntry.objects.filter(pk=rows[1].pk).update(user_id=99)


def _change_details(cursor: Any, rows: list[AuditEntry]) -> None:
    AuditDetails.objects.update(values={"reason": "another"})


def _empty_details(cursor: Any, rows: list[AuditEntry]) -> None:
    AuditDetails.objects.update(values={}, salt="")


def _delete(cursor: Any, rows: list[AuditEntry]) -> None:
    AuditSeal.objects.filter(entry=rows[1])._raw_delete("default")
    AuditEntry.objects.filter(pk=rows[1].pk)._raw_delete("default")


def _insert(cursor: Any, rows: list[AuditEntry]) -> None:
    """Put an entry before the second, and give the later ones the next number."""
    for seal in AuditSeal.objects.filter(number__gte=2).order_by("-number"):
        AuditSeal.objects.filter(pk=seal.pk).update(number=seal.number + 1)
    audit(AuditAction.MERGED, subject="forged")
    forged = AuditEntry.objects.get(subject="forged")
    AuditSeal.objects.create(number=2, entry=forged, hash="a" * 64)


@pytest.mark.parametrize(
    ("corrupt", "number"),
    [(_change, 2), (_change_details, 3), (_empty_details, 3), (_delete, 2), (_insert, 2)],
)
def test_the_first_broken_link_is_found(corrupt: Callable[[Any, list[AuditEntry]], None], number: int):
    rows = write_five()
    assert verify().broken is None
    with without_triggers() as cursor:
        corrupt(cursor, rows)
    broken = verify().broken
    assert broken is not None
    assert broken.number == number


def test_an_anchor_finds_an_end_that_was_removed_and_a_chain_that_was_written_again(tmp_path: Path):
    rows = write_five()
    anchor = tmp_path / "anchor"
    call_command("verify_audit", "--anchor", str(anchor))
    assert anchor.read_text().split()[:2] == ["5", head().hash]
    audit(AuditAction.IMPORTED)
    seal_entries()
    call_command("verify_audit", "--anchor", str(anchor))
    assert [line.split()[0] for line in anchor.read_text().splitlines()] == ["5", "6"]

    with without_triggers():
        AuditSeal.objects.filter(number__gte=5)._raw_delete("default")
        AuditEntry.objects.filter(subject="merge_4")._raw_delete("default")
        AuditEntry.objects.filter(action=AuditAction.IMPORTED)._raw_delete("default")
    assert verify().broken is None
    with pytest.raises(CommandError, match="The end of the chain is missing"):
        call_command("verify_audit", "--anchor", str(anchor))

    written_again = verify([Head(4, "b" * 64)]).broken
    assert written_again is not None
    assert "differs from the anchor" in written_again.problem
    assert len(rows) == 5


def test_an_entry_says_who_acted_and_from_where_and_a_key_records_once():
    user = make_user()
    actor = Actor(address=lambda: "192.0.2.7", user_id=lambda: user.pk)
    with acting(actor):
        audit(AuditAction.TOKEN_USED, key="once")
        audit(AuditAction.TOKEN_USED, key="once")
    entry = AuditEntry.objects.get()
    assert (entry.address, entry.user_id) == ("192.0.2.7", user.pk)
