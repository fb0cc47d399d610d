"""Who was part of whom, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from crm.models import Merge
from tests.factories import MOMENT, make_customer, make_merge

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_a_customer_of_which_nothing_was_merged_is_its_own_home() -> None:
    customer = make_customer()

    assert Merge.objects.origin_ids_of(customer) == {customer.pk}


def test_what_was_merged_into_a_part_is_part_of_the_whole_as_long_as_it_stands() -> None:
    whole, part, inner, early = (make_customer() for _ in range(4))
    make_merge(survivor=part, other=inner, made_at=MOMENT)
    make_merge(survivor=whole, other=early, made_at=MOMENT + DAY, undone_at=MOMENT + 2 * DAY)
    make_merge(survivor=whole, other=part, made_at=MOMENT + 3 * DAY)

    def at(days: int) -> set[str]:
        return Merge.objects.origin_ids_of(whole, MOMENT + days * DAY)

    assert at(0) == {whole.pk}
    assert at(1) == {whole.pk, early.pk}
    assert at(2) == {whole.pk}
    assert at(3) == Merge.objects.origin_ids_of(whole) == {whole.pk, part.pk, inner.pk}
    assert Merge.objects.origin_ids_of(part, MOMENT - DAY) == {part.pk}


def test_many_are_asked_for_together(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    merges = [make_merge() for _ in range(3)]
    wholes = [merge.survivor_id for merge in merges]

    with django_assert_num_queries(2):
        homes = Merge.objects.origin_ids_of_each(wholes)

    assert homes == {merge.survivor_id: {merge.survivor_id, merge.other_id} for merge in merges}


def test_a_customer_is_part_of_one_other_at_a_time() -> None:
    standing = make_merge()

    with pytest.raises(IntegrityError), transaction.atomic():
        make_merge(other=standing.other)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_merge(survivor=standing.other, other=standing.other)
