"""Filters by custom fields. They are defined by users, so they are read from the database where a query names one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q

from crm.custom_fields.types import sort_text
from crm.custom_fields.values import definitions
from crm.desk.segments.crm_filters import read_day
from crm.desk.segments.filter import (
    BadValue,
    FilterParameter,
    SegmentFilter,
    Values,
    any_of,
    names,
    number,
    one_of,
    some_of,
)
from crm.models import FieldDefinition, FieldFacts
from customers.formats import day
from customers.formats import number as formatted

#: What the parameters of these filters begin with.
PREFIX = "custom."
_IS = {"any": "Any value", "none": "No value", "misfit": "A value that doesn't fit"}
_IS_WORDS = {"any": "{} has a value", "none": "no {}", "misfit": "{} doesn't fit its type"}
_YES_NO = {"yes": "Yes", "no": "No"}
_RANGES = (FieldDefinition.Type.NUMBER, FieldDefinition.Type.DATE)
#: Between the bounds of a range in JSON.
_TO = ".."


def is_custom(name: str) -> bool:
    """Whether a parameter is one of a custom field."""
    return name.startswith(PREFIX)


def filters_of_fields(fields: Sequence[FieldDefinition]) -> tuple[SegmentFilter, ...]:
    """The filter of each field."""
    return tuple(_filter(field) for field in fields)


def named_filters(given: Collection[str]) -> tuple[SegmentFilter, ...]:
    """The filters of these parameters of custom fields; no query without any. Raises `BadValue` for an unknown one."""
    if not given:
        return ()
    found = [each for each in filters_of_fields(definitions()) if not set(given).isdisjoint(each.names)]
    known = {name for each in found for name in each.names}
    unknown = sorted(set(given) - known)
    if unknown:
        name = unknown[0].removeprefix(PREFIX)[:40]
        raise BadValue(f"Remove the filter by “{name}”, because there is no such custom field.")
    return tuple(found)


def in_custom_field(text: str, user: Any) -> Q:
    """The condition of `tier:gold`, or `seats:10..20` for a field with a range. Raises `BadValue`."""
    name, mark, value = text.partition(":")
    field = next((each for each in definitions() if each.name == name.strip()), None)
    if not mark or field is None:
        raise BadValue("Write the name of a custom field, a colon and a value, such as tier:gold.")
    value, own = value.strip(), PREFIX + field.name
    given = {own: value}
    if value.lower() in _IS:
        given = {f"{own}_is": value.lower()}
    elif field.type == FieldDefinition.Type.YES_NO:
        given = {own: {"true": "yes", "false": "no"}.get(value.lower(), value.lower())}
    elif field.type in _RANGES:
        low, is_range, high = value.partition(_TO)
        given = {f"{own}_from": low.strip(), f"{own}_to": high.strip() if is_range else low.strip()}
    texts = {key: [each] for key, each in given.items() if each}
    if not texts:
        raise BadValue("Write a value behind the colon, such as tier:gold.")
    chosen = _filter(field)
    if user is not None and not user.has_perm(chosen.permission):
        raise BadValue("You don't have permission to see custom fields.")
    return _condition(field, chosen.read(texts))


def _filter(field: FieldDefinition) -> SegmentFilter:
    own = PREFIX + field.name
    state = FilterParameter(name=f"{own}_is", label=f"{field.label} is", read=one_of(_IS), choices=_IS.items)
    return SegmentFilter(
        name=own,
        label=field.label,
        parameters=(*_value_parameters(field, own), state),
        condition=lambda values, context: _condition(field, values),
        words=lambda values: _words(field, values),
        permission="crm.view_fieldvalue",
    )


def _value_parameters(field: FieldDefinition, own: str) -> tuple[FilterParameter, ...]:
    label = field.label
    match field.type:
        case FieldDefinition.Type.NUMBER | FieldDefinition.Type.DATE:
            is_number = field.type == FieldDefinition.Type.NUMBER
            read: Any = number if is_number else read_day
            return tuple(
                FilterParameter(
                    name=f"{own}_{side}", label=f"{label} {side}", read=read, is_day=not is_number
                )
                for side in ("from", "to")
            )
        case FieldDefinition.Type.YES_NO:
            return (
                FilterParameter(
                    name=own, label=label, read=some_of(_YES_NO), choices=_YES_NO.items, takes_several=True
                ),
            )
        case FieldDefinition.Type.CHOICE:
            options: Mapping[str, str] = {each: each for each in field.options}
            return (
                FilterParameter(name=own, label=label, read=names, choices=options.items, takes_several=True),
            )
        case _:
            return (FilterParameter(name=own, label=label, read=names),)


def _condition(field: FieldDefinition, values: Values) -> Q:
    own = PREFIX + field.name
    rows = FieldFacts.objects.filter(customer=OuterRef("pk"), field=field)
    column = "number" if field.type == FieldDefinition.Type.NUMBER else "day"
    condition = Q()
    if own in values:
        condition &= Q(Exists(rows.filter(sort__in=[sort_text(text) for text in values[own]])))
    bounds = {
        f"{column}__{lookup}": _bound(values[f"{own}_{side}"])
        for side, lookup in (("from", "gte"), ("to", "lte"))
        if f"{own}_{side}" in values
    }
    if bounds:
        condition &= Q(Exists(rows.filter(**bounds)))
    match values.get(f"{own}_is"):
        case "any":
            condition &= Q(Exists(rows))
        case "none":
            condition &= ~Q(Exists(rows))
        case "misfit":
            condition &= Q(Exists(rows.filter(fits=False)))
    return condition


def _bound(value: Any) -> Any:
    return value if hasattr(value, "year") else float(value)


def _words(field: FieldDefinition, values: Values) -> str:
    own, label = PREFIX + field.name, field.label
    parts = []
    if own in values:
        labels = _YES_NO if field.type == FieldDefinition.Type.YES_NO else None
        parts.append(f"{label} {any_of(values[own], labels)}")
    show: Any = formatted if field.type == FieldDefinition.Type.NUMBER else day
    sides = [
        f"{side} {show(values[f'{own}_{side}'])}" for side in ("from", "to") if f"{own}_{side}" in values
    ]
    if sides:
        parts.append(f"{label} {' '.join(sides)}")
    if (state := values.get(f"{own}_is")) is not None:
        parts.append(_IS_WORDS[state].format(label))
    return " and ".join(parts)
