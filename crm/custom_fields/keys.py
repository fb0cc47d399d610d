"""The keys that sources really sent, for fields that take their values from one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.text import Truncator

from billing.models import BillingAccount
from crm.custom_fields.types import read_received
from crm.models import CustomField, FieldDefinition
from customers.models import Customer

#: How many customers of a source are looked at: the newest ones.
MOST_LOOKED_AT = 20_000
_MOST_SHOWN = 100
_SAMPLES = 50
_LONGEST_SAMPLE = 40
#: The types that values can all fit, the narrowest first.
_GUESSES = (
    FieldDefinition.Type.YES_NO,
    FieldDefinition.Type.NUMBER,
    FieldDefinition.Type.DATE,
    FieldDefinition.Type.LINK,
)


@dataclass(frozen=True, slots=True)
class ReceivedKey:
    """A key of a source: how many customers have it, one of its values, and the type that fits the first ones."""

    origin: str
    key: str
    customers: int
    sample: str
    kind: str


def received_keys() -> list[ReceivedKey]:
    """The keys of all sources that no field has yet, those of the most customers first. Four queries."""
    taken = set(FieldDefinition.objects.values_list("origin", "key"))
    found: list[ReceivedKey] = []
    for origin, pairs in (
        (FieldDefinition.Origin.PAYMENTS, _of_objects(Customer.objects.unmerged(), "custom_data")),
        (FieldDefinition.Origin.BILLING, _of_objects(BillingAccount.objects.all(), "metadata")),
        (FieldDefinition.Origin.CRM, _of_crm()),
    ):
        found += _counted(origin, (pair for pair in pairs if (origin.value, pair[0]) not in taken))
    return sorted(found, key=lambda each: -each.customers)


def _counted(origin: str, pairs: Iterable[tuple[str, Any]]) -> list[ReceivedKey]:
    counts: dict[str, int] = {}
    samples: dict[str, list[Any]] = {}
    for key, value in pairs:
        if value in (None, "", [], {}):
            continue
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= _SAMPLES:
            samples.setdefault(key, []).append(value)
    most = sorted(counts, key=lambda key: (-counts[key], key))[:_MOST_SHOWN]
    return [
        ReceivedKey(origin, key, counts[key], _sample(samples[key]), _guess(samples[key])) for key in most
    ]


def _of_objects(rows: Any, column: str) -> Iterator[tuple[str, Any]]:
    for data in rows.order_by("-pk").values_list(column, flat=True)[:MOST_LOOKED_AT]:
        if isinstance(data, dict):
            yield from data.items()


def _of_crm() -> Iterator[tuple[str, Any]]:
    columns = ("boolean_value", "number_value", "string_list_value", "string_value")
    rows = CustomField.objects.filter(came_with=None).order_by("-pk").values_list("key", *columns)
    for key, *values in rows[:MOST_LOOKED_AT]:
        yield key, next((each for each in values if each is not None), None)


def _guess(values: list[Any]) -> str:
    has_numbers = any(
        isinstance(each, int | float | Decimal) and not isinstance(each, bool) for each in values
    )
    for kind in _GUESSES:
        # 1 and 0 could be yes and no too.
        if kind == FieldDefinition.Type.YES_NO and has_numbers:
            continue
        field = FieldDefinition(type=kind)
        read = [read_received(field, value) for value in values]
        if all(each is not None and each.fits for each in read):
            return kind
    return FieldDefinition.Type.TEXT


def _sample(values: list[Any]) -> str:
    shown = read_received(FieldDefinition(type=FieldDefinition.Type.TEXT), values[0])
    return Truncator(shown.text if shown else "").chars(_LONGEST_SAMPLE)
