"""The columns and filters of lists that users defined as custom fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import FilteredRelation, Q, QuerySet

from crm.custom_fields.types import ShownValue
from crm.custom_fields.values import definitions, stored_values
from crm.desk.lists import cells, paging
from crm.desk.lists.column import Cell, Column, RowList
from crm.desk.lists.paging import Order
from crm.desk.segments.custom_filters import PREFIX, filters_of_fields
from crm.models import FieldDefinition

_JOINED = "custom_facts"
_PERMISSION = "crm.view_fieldvalue"
#: By which column of the facts values of a type are sorted, and how a place of a cursor is read.
_SORTED_BY: dict[str, tuple[str, Callable[[Any], Any]]] = {
    FieldDefinition.Type.NUMBER: ("number", paging.share),
    FieldDefinition.Type.DATE: ("day", paging.day),
}


def with_custom_fields(row_list: RowList) -> RowList:
    """The list with a filter for each custom field and, if its rows are customers, a column. One query."""
    if not row_list.has_customers:
        return row_list
    fields = definitions()
    if not fields:
        return row_list
    found = replace(row_list, custom_filters=filters_of_fields(fields))
    if row_list.of_customers is not None:
        return found

    def complete(rows: list[Any], at: datetime) -> None:
        row_list.complete(rows, at)
        values = stored_values([str(row.pk) for row in rows], fields)
        for row in rows:
            row.custom = values.get(str(row.pk), {})

    return replace(found, columns=(*row_list.columns, *_columns(fields)), complete=complete)


def _columns(fields: Sequence[FieldDefinition]) -> list[Column]:
    return [
        Column(
            name=PREFIX + field.name,
            label=field.label,
            cell=_cell(field),
            order=_order(field),
            falls=field.type in _SORTED_BY,
            is_figure=field.type == FieldDefinition.Type.NUMBER,
            is_extra=True,
            permission=_PERMISSION,
        )
        for field in fields
    ]


def _cell(field: FieldDefinition) -> Callable[[Any, datetime], Cell]:
    def cell(row: Any, at: datetime) -> Cell:
        shown: ShownValue | None = row.custom.get(field.name)
        if shown is None:
            return cells.NONE
        if not shown.fits:
            return cells.misfit(shown.words, f"Not a value of the type {field.get_type_display().lower()}")
        if shown.url:
            return cells.out(shown.url)
        return cells.figure(shown.words) if field.type in _SORTED_BY else cells.plain(shown.words)

    return cell


def _order(field: FieldDefinition) -> Order:
    def join(rows: QuerySet[Any]) -> QuerySet[Any]:
        facts = FilteredRelation("field_facts", condition=Q(field_facts__field=field))
        joined: QuerySet[Any] = rows.annotate(**{_JOINED: facts})
        return joined

    column, read = _SORTED_BY.get(field.type, ("sort", paging.text))
    return Order(f"{_JOINED}__{column}", read, tie=f"{_JOINED}__customer_id", nullable=True, join=join)
