"""What is imported comes back as it came, and what is exported can be imported again."""

import copy
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, assume, given, settings

from customers.ingest.importer import ImportOutcome
from tests.billing.import_documents import exported, row_counts, take
from tests.billing.payloads import parsed, sent
from tests.examples import examples
from tests.strategies_billing import customers
from tests.strategies_catalog import Json

# A database is too slow to look for the shortest example in.
few = settings(
    max_examples=examples(3),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


def without_empty_names(document: Any) -> Any:
    """`document` less what cannot be told from its absence: names of nothing, an empty name, no discounts."""
    if isinstance(document, list):
        return [without_empty_names(item) for item in document]
    if not isinstance(document, dict):
        return document
    nameless = {"singular": None, "plural": None}
    return {
        key: without_empty_names(value)
        for key, value in document.items()
        if not (key == "display" and value == nameless)
    }


def expected_of(payload: Json) -> Json:
    document = copy.deepcopy(sent(parsed(payload)))
    document["name"] = document["name"] or None
    if document["rewards"] == {"discounts": []}:
        document["rewards"] = None
    expected: Json = without_empty_names(document)
    return expected


@pytest.mark.django_db
@few
@given(customers(complete=True))
def test_a_complete_document_comes_back_equal(payload):
    with transaction.atomic():
        [report] = take(payload)
        assert (report.outcome, report.bad) == (ImportOutcome.CREATED, None)
        assert exported() == expected_of(payload)
        transaction.set_rollback(True)


@pytest.mark.django_db
@few
@given(customers())
def test_an_export_that_is_imported_changes_nothing(payload):
    # The platform's count is of the interval in which it arrived, and documents are rendered as of 2000 here.
    limits = (payload.get("billing_controls") or {}).get("usage_limits") or []
    assume(not any("usage" in each and "filter" not in each for each in limits))
    with transaction.atomic():
        [report] = take(payload)
        assert (report.outcome, report.bad) == (ImportOutcome.CREATED, None)
        document, before = exported(), row_counts()
        [report] = take(_as_payload(document))
        assert (report.bad, report.remarks) == (None, [])
        assert exported() == document
        assert row_counts() == before
        transaction.set_rollback(True)


@pytest.mark.django_db
@few
@given(customers(complete=True), customers(complete=True))
def test_a_complete_document_replaces_an_earlier_one(first, second):
    assume(first["env"] == second["env"])
    second["id"] = first["id"] = "acme"
    with transaction.atomic():
        assert [report.bad for report in (*take(first), *take(second))] == [None, None]
        assert exported() == expected_of(second)
        transaction.set_rollback(True)


def _as_payload(document: Any) -> Any:
    """`document` as `json.dumps` can write it."""
    if isinstance(document, dict):
        return {key: _as_payload(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_as_payload(item) for item in document]
    return document if isinstance(document, str | int | None) else float(document)
