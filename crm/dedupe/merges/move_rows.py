"""Move rows to another customer, each model in one statement, and remember where they came from (`came_with`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Exists, F, Model, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from crm.dedupe.merges.relations import rows_of
from customers.models import Customer


def found_at(customer: Customer, models: Sequence[type[Model]], **lookups: Any) -> list[QuerySet[Any]]:
    """The rows of the customer that match `lookups`, for each of `models` that has any; the check takes one query."""
    rows = [rows_of(model).filter(customer=customer, **lookups) for model in models]
    [there] = Customer.objects.filter(pk=customer.pk).values_list(*map(Exists, rows))
    return [each for each, is_there in zip(rows, there, strict=True) if is_there]


def hand_over(other: Customer, survivor: Customer, models: Sequence[type[Model]]) -> None:
    """Move all rows of `models` from the merged customer to the survivor.

    Rows that have no `came_with` yet get the merged customer.
    """
    came_with = Coalesce(F("came_with"), _key(other))
    for rows in found_at(other, models):
        rows.update(customer=survivor, came_with=came_with)


def give_back(
    survivor: Customer, other: Customer, origin_ids: Collection[str], models: Sequence[type[Model]]
) -> None:
    """Move the rows of `models` that came with one of `origin_ids` back to the merged customer.

    Rows that came with that customer itself lose their `came_with`.
    """
    came_with = NullIf(F("came_with"), _key(other))
    for rows in found_at(survivor, models, came_with__in=origin_ids):
        rows.update(customer=other, came_with=came_with)


def _key(customer: Customer) -> Value:
    return Value(customer.pk, output_field=Customer._meta.pk)
