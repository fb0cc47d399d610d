"""The filters of a list: those of its rows and those of their customers, in the vocabulary of segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.text import capfirst

from crm.desk.lists.column import May, RowList
from crm.desk.segments.crm_filters import RECORDS
from crm.desk.segments.filter import FilterContext, FilterParameter, SegmentFilter
from crm.desk.segments.query import FILTERS, Forbidden, Query

#: A field with at most this many choices shows all of them at once.
_FEW = 12


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is used: in words, the URL that changes it, the URL without it."""

    words: str
    change_url: str
    remove_url: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a filter's form. `choices` are (value, label, whether it is chosen); none for a text field."""

    name: str
    label: str
    kind: str
    value: str = ""
    choices: Sequence[tuple[str, str, bool]] = ()


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The filters in a URL of a list: those of its rows, and those of their customers."""

    row_list: RowList
    own: Mapping[str, Sequence[str]]
    of_customers: Query

    @classmethod
    def read(cls, row_list: RowList, given: QueryDict | Mapping[str, Sequence[str]]) -> ListQuery:
        """Read the filters of a URL, and ignore other parameters. Raises `BadValue`."""
        pairs = given.lists() if isinstance(given, QueryDict) else given.items()
        names = {name for each in row_list.filters for name in each.names}
        own = {
            name: found
            for name, values in pairs
            if name in names and (found := [text.strip() for text in values if text.strip()])
        }
        for each in row_list.filters:
            if values := each.read(own):
                each.words(values)
        return cls(row_list, own, Query.read(given) if row_list.has_customers else Query({}))

    @property
    def texts(self) -> dict[str, Sequence[str]]:
        """The texts of each given parameter."""
        return {**self.own, **self.of_customers.texts}

    @property
    def filters(self) -> list[SegmentFilter]:
        """The filters that are used."""
        used = [each for each in self.row_list.filters if any(name in self.own for name in each.names)]
        return [*used, *self.of_customers.filters]

    @property
    def words(self) -> str:
        """The filters in words; empty without any."""
        return ", ".join(each.words(each.read(self.texts)) for each in self.filters)

    def rows(self, context: FilterContext, may: May, term: str = "") -> QuerySet[Any]:
        """The rows that match the filters, and the term of a search. Raises `BadValue` and its subclass `Forbidden`."""
        row_list = self.row_list
        if row_list.of_customers is None and row_list.has_customers:
            rows: QuerySet[Any] = self._searched(term).customers(context, may)
        else:
            rows = row_list.rows()
        for each in row_list.filters:
            if values := each.read(self.own):
                if not may(each.permission):
                    raise Forbidden(f"You don't have permission to filter by {each.label}.")
                rows = rows.filter(each.condition(values, context))
        if row_list.of_customers is not None and self.of_customers.texts:
            rows = rows.filter(row_list.of_customers(self.of_customers.customers(context, may).order_by()))
        elif row_list.current is not None:
            rows = rows.filter(row_list.current)
        return rows.filter(row_list.search(term, may)) if term else rows

    def _searched(self, term: str) -> Query:
        """The filters of customers; a search finds archived ones too."""
        texts = self.of_customers.texts
        return (
            replace(self.of_customers, texts={**texts, RECORDS.name: ["all"]})
            if term and RECORDS.name not in texts
            else self.of_customers
        )


def offered_filters(row_list: RowList, may: May) -> list[SegmentFilter]:
    """The filters that a user may use."""
    found = (*row_list.filters, *((*FILTERS, *row_list.custom_filters) if row_list.has_customers else ()))
    return [each for each in found if may(each.permission)]


def fields_of(segment_filter: SegmentFilter, texts: Mapping[str, Sequence[str]]) -> list[Field]:
    """The fields of a filter's form, with the given texts."""
    return [_field(each, texts.get(each.name, ())) for each in segment_filter.parameters]


def in_words(segment_filter: SegmentFilter, texts: Mapping[str, Sequence[str]]) -> str:
    """A filter that is used, in words."""
    return str(capfirst(segment_filter.words(segment_filter.read(texts))))


def _field(parameter: FilterParameter, given: Sequence[str]) -> Field:
    value = given[-1] if given else ""
    if parameter.choices is None:
        return Field(parameter.name, parameter.label, "day" if parameter.is_day else "text", value)
    choices = list(parameter.choices())
    known = {key for key, _ in choices}
    # A value that no longer exists is shown too, so that users can remove it.
    choices += [(each, each) for each in given if each not in known]
    kind = "one" if not parameter.takes_several else "some" if len(choices) <= _FEW else "many"
    return Field(
        parameter.name,
        parameter.label,
        kind,
        value,
        [(key, str(label), key in given) for key, label in choices],
    )
