"""Rows that hang on one another are deleted together, and the history tells of each."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.models import MergedRecord
from customers.bulk import delete_rows
from customers.models import Customer
from tests.factories import make_customer, make_merged_record

pytestmark = pytest.mark.django_db


def tree(survivor: Customer, width: int) -> MergedRecord:
    """A record with `width` others below it, and one below each of those."""
    root = make_merged_record(survivor=survivor)
    for _ in range(width):
        below = make_merged_record(survivor=survivor, parent=root)
        make_merged_record(survivor=survivor, parent=below)
    return root


def test_what_is_below_a_record_goes_along_and_is_told_of() -> None:
    survivor = make_customer()
    root, beside = tree(survivor, 2), make_merged_record(survivor=survivor)
    gone = set(MergedRecord.objects.exclude(pk=beside.pk).values_list("pk", flat=True))
    delete_rows([root], "No longer listed")
    assert list(MergedRecord.objects.all()) == [beside]
    told = MergedRecord.history.filter(history_type="-", history_change_reason="No longer listed")
    assert sorted(told.values_list("id", flat=True)) == sorted(gone)
    assert len(gone) == 5


def test_one_that_is_named_with_what_is_below_it_is_told_of_once() -> None:
    root = tree(make_customer(), 1)
    delete_rows(list(MergedRecord.objects.all()))
    assert MergedRecord.history.filter(history_type="-", id=root.pk).count() == 1


def test_the_number_of_queries_does_not_grow_with_the_records() -> None:
    counts = []
    for width in (1, 5):
        root = tree(make_customer(), width)
        with CaptureQueriesContext(connection) as captured:
            delete_rows([root])
        counts.append(len(captured))
    assert counts[0] == counts[1]
