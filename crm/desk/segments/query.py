"""A filter of customers as an address says it: read, applied, said in words, and written as an address again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from crm.desk.segments import billing_filters, crm_filters
from crm.desk.segments.crm_filters import RECORDS
from crm.desk.segments.filter import BadValue, FilterContext, SegmentFilter
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

#: Everything that customers can be narrowed by, in the order in which it is offered.
FILTERS: tuple[SegmentFilter, ...] = (
    RECORDS,
    *crm_filters.FILTERS[:3],
    *billing_filters.FILTERS,
    *crm_filters.FILTERS[3:],
)

_OF_PARAMETER = {name: segment_filter for segment_filter in FILTERS for name in segment_filter.names}

May = Callable[[str], bool]


class Forbidden(BadValue):
    """Whoever asks may not see what a segment_filter is about."""


@dataclass(frozen=True, slots=True)
class Query:
    """A filter that was read: for each parameter the texts that were given, all of them good."""

    texts: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, given: QueryDict | Mapping[str, Sequence[str]]) -> Query:
        """The criteria in what an address or a saved segment says; what is no segment_filter is passed over.

        Raises `BadValue`.
        """
        pairs = given.lists() if isinstance(given, QueryDict) else given.items()
        texts = {
            name: found
            for name, values in pairs
            if name in _OF_PARAMETER and (found := [text.strip() for text in values if text.strip()])
        }
        if any("\0" in text for values in texts.values() for text in values):
            raise BadValue("A NUL character is in no value that we hold.")
        query = cls(texts)
        for segment_filter in query.criteria:
            segment_filter.words(segment_filter.read(texts))
        return query

    @property
    def criteria(self) -> list[SegmentFilter]:
        """The criteria that say something, in the order of the vocabulary."""
        return [each for each in FILTERS if any(name in self.texts for name in each.names)]

    def customers(self, context: FilterContext, may: May | None = None) -> CustomerQuerySet:
        """The customers that it is about, current ones unless it says otherwise; `may` says what the context may see.

        Raises `BadValue`, which `Forbidden` is.
        """
        found = Customer.objects.filter(RECORDS.condition(RECORDS.read(self.texts), context))
        for segment_filter in self.criteria:
            if may is not None and not may(segment_filter.permission):
                raise Forbidden(f"{segment_filter.label}: you may not see what this is about.")
            if segment_filter is not RECORDS:
                found = found.filter(segment_filter.condition(segment_filter.read(self.texts), context))
        return found

    @property
    def words(self) -> str:
        """What it narrows by, such as `status Active, MRR over 500 USD`."""
        said = [segment_filter.words(segment_filter.read(self.texts)) for segment_filter in self.criteria]
        return ", ".join(said) if said else "all current customers"

    @property
    def address(self) -> str:
        """The query string that says the same."""
        query = QueryDict(mutable=True)
        for name, values in self.texts.items():
            query.setlist(name, list(values))
        return query.urlencode()

    def as_json(self) -> dict[str, Any]:
        """What a segment keeps."""
        return {name: list(values) for name, values in self.texts.items()}
