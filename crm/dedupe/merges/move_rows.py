"""Move rows to another customer, each model in one statement, and remember where they came from (`came_with`)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Exists, F, Model, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from crm.dedupe.merges.relations import rows_of
from customers.models import Customer


def found_at(customer: Customer, models: Sequence[type[Model]], **lookups: Any) -> list[QuerySet[Any]]:
    """Those of `models` of which the customer has rows that match the lookups. In one query."""
    rows = [rows_of(model).filter(customer=customer, **lookups) for model in models]
    [there] = Customer.objects.filter(pk=customer.pk).values_list(*map(Exists, rows))
    return [each for each, is_there in zip(rows, there, strict=True) if is_there]


def hand_over(other: Customer, survivor: Customer, models: Sequence[type[Model]]) -> None:
    """Move all rows of `models` from the merged customer to the survivor. Rows without an origin get the merged customer as theirs."""
    home = Coalesce(F("came_with"), _key(other))
    for rows in found_at(other, models):
        rows.update(customer=survivor, came_with=home)


def give_back(
    survivor: Customer, other: Customer, homes: Collection[str], models: Sequence[type[Model]]
) -> None:
    """Move rows of `models` back that came with one of `homes`. Rows that came with the customer itself lose their origin."""
    home = NullIf(F("came_with"), _key(other))
    for rows in found_at(survivor, models, came_with__in=homes):
        rows.update(customer=other, came_with=home)


def _key(customer: Customer) -> Value:
    return Value(customer.pk, output_field=Customer._meta.pk)
