"""The single values of a customer that a merge decides: its own columns, and those of its company and account details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models

from crm.models import Company, Relationship
from customers.ingest.precedence import KEY_BY_KEY, combined
from customers.models import Customer

#: Unique within an environment.
UNIQUE = ("external_id", "stripe_id")
#: Columns that customers are looked up by. A merge swaps them, so that both values still find the survivor.
IDENTIFIERS = (*UNIQUE, "email", "fingerprint")


@dataclass(frozen=True, slots=True)
class Field:
    """One value: a `column` of `model`. People choose it by `name`."""

    name: str
    label: str
    model: type[models.Model]
    column: str

    def of(self, customer: Customer) -> Any:
        """The customer's value; None if it has no row of `model`."""
        row = row_of(self.model, customer)
        return None if row is None else getattr(row, self.column)


def row_of(model: type[models.Model], customer: Customer) -> Any:
    """The customer itself, or its one-to-one row of `model`; None if it has none."""
    if model is Customer:
        return customer
    relation: Any = model._meta.get_field("customer").remote_field
    return getattr(customer, relation.get_accessor_name(), None)


def is_empty(value: Any) -> bool:
    """Whether there is no value. 0 and False are values."""
    return value is None or value in ("", [], {})


def joined(field: Field, first: Any, second: Any) -> Any:
    """`first`; where the field is merged key by key, with the keys that only `second` has."""
    if field.column in KEY_BY_KEY and not is_empty(first) and not is_empty(second):
        return combined([first, second])
    return first


def columns_of(model: type[models.Model]) -> list[str]:
    """The columns of a one-to-one row that hold a value of the customer."""
    return [
        field.attname
        for field in model._meta.concrete_fields
        if not field.primary_key and field.name not in ("customer", "came_with", "created_at")
    ]


def _label(model: type[models.Model], column: str) -> str:
    name = next(each.verbose_name for each in model._meta.concrete_fields if each.attname == column)
    return str(name) if model is Customer else f"{model._meta.verbose_name}: {name}"


def _fields(model: type[models.Model], prefix: str, columns: list[str]) -> list[Field]:
    return [
        Field(
            f"{prefix}{column.removesuffix('_id') if prefix and column == 'owner_id' else column}",
            _label(model, column),
            model,
            column,
        )
        for column in columns
    ]


#: By name.
FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        *_fields(Customer, "", list(Customer.PINNABLE)),
        *_fields(Company, "company.", columns_of(Company)),
        *_fields(Relationship, "relationship.", columns_of(Relationship)),
    )
}
