"""Archiving customers and taking them out again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from customers.archive import archive, unarchive
from customers.models import Customer
from tests.factories import make_customer, make_user

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def test_archives_those_that_are_not_archived_and_says_who_did_it() -> None:
    someone = make_user()
    before = make_customer(archived_at=datetime(2025, 1, 1, tzinfo=UTC))
    customer, other = make_customer(), make_customer()
    chosen = Customer.objects.filter(pk__in=[before.pk, customer.pk])
    assert archive(chosen, by=someone, at=AT) == 1
    for row in (before, customer, other):
        row.refresh_from_db()
    assert (before.archived_at, customer.archived_at, other.archived_at) == (
        datetime(2025, 1, 1, tzinfo=UTC),
        AT,
        None,
    )
    told = customer.history.first()
    assert (told.history_user, told.history_change_reason, told.archived_at) == (someone, "Archived", AT)
    assert before.history.count() == 1


def test_archiving_twice_does_it_once() -> None:
    customer = make_customer()
    assert archive(Customer.objects.all(), by=None) == 1
    assert archive(Customer.objects.all(), by=None) == 0
    assert customer.history.count() == 2


def test_takes_out_of_the_archive() -> None:
    someone = make_user()
    customer = make_customer(archived_at=AT)
    make_customer()
    assert unarchive(Customer.objects.all(), by=someone) == 1
    customer.refresh_from_db()
    assert customer.archived_at is None
    assert customer.history.first().history_user == someone


def test_a_merged_customer_stays_as_it_is() -> None:
    merged = make_customer(merged_into=make_customer())
    assert archive(Customer.objects.filter(pk=merged.pk), by=None) == 0
    merged.refresh_from_db()
    assert merged.archived_at is None


def test_archives_more_than_one_batch() -> None:
    Customer.objects.bulk_create(Customer(name=f"Customer {number}") for number in range(501))
    assert archive(Customer.objects.all(), by=None, at=AT) == 501
    assert Customer.objects.filter(archived_at=AT).count() == 501
