"""An older state of a record does not overwrite a newer one."""

from typing import Any

import pytest

from customers.document.importer import PaymentsImporter
from customers.ingest.importer import ImportOutcome
from customers.models import Customer, ReceivedPayload
from tests.customers.import_documents import outcomes, payment, take

pytestmark = pytest.mark.django_db

CREATED, UPDATED, UNCHANGED, STALE, *_ = ImportOutcome


def _take(*states: tuple[str, str | None], **options: Any) -> list[ImportOutcome]:
    """Import one customer's states in this order: a name, and when the platform changed it."""
    taken = []
    for name, updated_at in states:
        document = payment(1, name=name) | ({"updated_at": updated_at} if updated_at else {})
        taken += outcomes(take(PaymentsImporter(), document, **options))
    return taken


@pytest.mark.parametrize(
    ("states", "expected", "name"),
    [
        ([("New", "2025-06-01T00:00:00Z"), ("Old", "2025-01-01T00:00:00Z")], [CREATED, STALE], "New"),
        ([("New", "2025-06-01T00:00:00.001Z"), ("Old", "2025-06-01T00:00:00Z")], [CREATED, STALE], "New"),
        ([("Old", "2025-01-01T00:00:00Z"), ("New", "2025-06-01T00:00:00Z")], [CREATED, UPDATED], "New"),
        ([("One", "2025-06-01T00:00:00Z"), ("Two", "2025-06-01T02:00:00+02:00")], [CREATED, UPDATED], "Two"),
        ([("New", "2025-06-01T00:00:00Z"), ("Undated", None)], [CREATED, UPDATED], "Undated"),
        ([("Undated", None), ("Dated", "2001-01-01T00:00:00Z")], [CREATED, UPDATED], "Dated"),
        (
            [("New", "2025-06-01T00:00:00Z"), ("Undated", None), ("Old", "2025-01-01T00:00:00Z")],
            [CREATED, UPDATED, STALE],
            "Undated",
        ),
    ],
    ids=[
        "older",
        "a millisecond older",
        "newer",
        "as old",
        "undated",
        "first dated",
        "older than before an undated",
    ],
)
def test_only_an_older_state_is_stale(
    states: list[tuple[str, str | None]], expected: list[ImportOutcome], name: str
) -> None:
    assert _take(*states) == expected
    assert Customer.objects.get().name == name


def test_an_older_state_is_said_and_not_kept() -> None:
    _take(("New", "2025-06-01T00:00:00Z"))
    [report] = take(PaymentsImporter(), payment(1, name="Old", updated_at="2025-01-01T00:00:00Z"))
    [remark] = report.remarks
    assert remark.path == "$.updated_at"
    assert "2025-06-01T00:00:00.000Z" in remark.text
    assert ReceivedPayload.objects.count() == 1


def test_an_older_state_is_taken_on_request() -> None:
    states = [("New", "2025-06-01T00:00:00Z"), ("Old", "2025-01-01T00:00:00Z")]
    assert _take(*states, allow_older=True) == [CREATED, UPDATED]
    assert Customer.objects.get().name == "Old"
