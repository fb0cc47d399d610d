"""Rows that change their customer, all rows of a kind by one statement, and remember whose they were."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Exists, F, Model, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from crm.dedupe.merges.relations import rows_of
from customers.models import Customer


def found_at(customer: Customer, models: Sequence[type[Model]], **lookups: Any) -> list[QuerySet[Any]]:
    """The customer's rows of those of `models` of which it has any (with these lookups), told by one query."""
    rows = [rows_of(model).filter(customer=customer, **lookups) for model in models]
    [there] = Customer.objects.filter(pk=customer.pk).values_list(*map(Exists, rows))
    return [each for each, is_there in zip(rows, there, strict=True) if is_there]


def hand_over(other: Customer, survivor: Customer, models: Sequence[type[Model]]) -> None:
    """Give the survivor everything of `models` that is the other's: what came with nobody came with the other."""
    home = Coalesce(F("came_with"), _key(other))
    for rows in found_at(other, models):
        rows.update(customer=survivor, came_with=home)


def give_back(
    survivor: Customer, other: Customer, homes: Collection[str], models: Sequence[type[Model]]
) -> None:
    """Give the other everything of `models` that came with one of `homes`; what came with it is its own again."""
    home = NullIf(F("came_with"), _key(other))
    for rows in found_at(survivor, models, came_with__in=homes):
        rows.update(customer=other, came_with=home)


def _key(customer: Customer) -> Value:
    return Value(customer.pk, output_field=Customer._meta.pk)
