"""The values of custom fields, from the documents of the three sources and from what users entered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from billing.models import BillingAccount
from crm.custom_fields.types import ShownValue, read_received
from crm.models import CustomField, FieldDefinition, FieldFacts, FieldValue
from customers.models import Customer

#: The columns of a value of the CRM; the first that has one counts.
_OF_CRM = ("boolean_value", "number_value", "string_list_value", "string_value")


def definitions() -> list[FieldDefinition]:
    """All custom fields, by label. One query."""
    return list(FieldDefinition.objects.all())


def values_of(
    customer_ids: Sequence[str], fields: Iterable[FieldDefinition]
) -> dict[str, dict[str, ShownValue]]:
    """The values of each customer by the name of the field, as they are now. At most one query for each origin."""
    found: dict[str, dict[str, ShownValue]] = {key: {} for key in customer_ids}
    by_origin: dict[str, dict[str, FieldDefinition]] = defaultdict(dict)
    for field in fields:
        is_ours = field.origin == FieldDefinition.Origin.OURS
        by_origin[field.origin][str(field.pk) if is_ours else field.key] = field
    for origin, wanted in by_origin.items():
        cleared: set[tuple[str, str]] = set()
        for customer_id, key, value in _READ[origin](customer_ids, wanted):
            field = wanted[key]
            # The customer's own rows come first, then those of merged customers.
            if field.name in found[customer_id] or (customer_id, key) in cleared:
                continue
            shown = read_received(field, value)
            if shown is not None:
                found[customer_id][field.name] = shown
            elif origin == FieldDefinition.Origin.OURS:
                cleared.add((customer_id, key))
    return found


def facts_of_fields(customer_ids: Sequence[str]) -> list[FieldFacts]:
    """The values of these customers as unsaved rows. One query if there are no custom fields."""
    fields = definitions()
    if not fields:
        return []
    return [
        FieldFacts(
            customer_id=customer_id,
            field=shown.field,
            text=shown.text,
            fits=shown.fits,
            sort=shown.sort,
            number=_number(shown),
            day=_day(shown),
        )
        for customer_id, values in values_of(customer_ids, fields).items()
        for shown in values.values()
    ]


def stored_values(
    customer_ids: Sequence[str], fields: Iterable[FieldDefinition]
) -> dict[str, dict[str, ShownValue]]:
    """The values of each customer by the name of the field, as of the last refresh. One query."""
    known = {field.pk: field for field in fields}
    found: dict[str, dict[str, ShownValue]] = defaultdict(dict)
    rows = FieldFacts.objects.filter(customer_id__in=customer_ids, field__in=known).order_by()
    for row in rows:
        field = known[row.field_id]
        shown = read_received(field, row.text) if row.fits else ShownValue(field, row.text, None)
        if shown is not None:
            found[str(row.customer_id)][field.name] = shown
    return found


Received = Iterator[tuple[str, str, Any]]


def _of_payments(customer_ids: Sequence[str], wanted: Mapping[str, Any]) -> Received:
    rows = Customer.objects.filter(pk__in=customer_ids).order_by().values_list("pk", "custom_data")
    yield from _from_objects(rows, wanted)


def _of_billing(customer_ids: Sequence[str], wanted: Mapping[str, Any]) -> Received:
    rows = _own_first(BillingAccount.objects.filter(customer_id__in=customer_ids), "metadata")
    yield from _from_objects(((row[0], row[-1]) for row in rows), wanted)


def _of_crm(customer_ids: Sequence[str], wanted: Mapping[str, Any]) -> Received:
    rows = CustomField.objects.filter(customer_id__in=customer_ids, key__in=list(wanted))
    for customer_id, _, key, *values in _own_first(rows, "key", *_OF_CRM):
        yield str(customer_id), key, next((each for each in values if each is not None), None)


def _of_ours(customer_ids: Sequence[str], wanted: Mapping[str, Any]) -> Received:
    rows = FieldValue.objects.filter(customer_id__in=customer_ids, field__in=list(wanted))
    for customer_id, _, field_id, text in _own_first(rows, "field_id", "text"):
        yield str(customer_id), str(field_id), text


_READ: Mapping[str, Callable[[Sequence[str], Mapping[str, Any]], Received]] = {
    FieldDefinition.Origin.PAYMENTS: _of_payments,
    FieldDefinition.Origin.BILLING: _of_billing,
    FieldDefinition.Origin.CRM: _of_crm,
    FieldDefinition.Origin.OURS: _of_ours,
}


def _from_objects(rows: Iterable[tuple[Any, Any]], wanted: Iterable[str]) -> Received:
    for customer_id, data in rows:
        if isinstance(data, dict):
            for key in wanted:
                if key in data:
                    yield str(customer_id), key, data[key]


def _own_first(rows: Any, *columns: str) -> list[Any]:
    found = rows.order_by("pk").values_list("customer_id", "came_with_id", *columns)
    return sorted(found, key=lambda row: row[1] is not None)


def _number(shown: ShownValue) -> float | None:
    is_number = shown.field.type == FieldDefinition.Type.NUMBER and shown.typed is not None
    return float(str(shown.typed)) if is_number else None


def _day(shown: ShownValue) -> Any:
    return shown.typed if shown.field.type == FieldDefinition.Type.DATE else None
