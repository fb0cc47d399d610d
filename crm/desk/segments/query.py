"""The filters in a URL or a segment: read, applied, described in words, and written as a query string again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from crm.desk.segments import billing_filters, crm_filters
from crm.desk.segments.crm_filters import RECORDS
from crm.desk.segments.custom_filters import is_custom, named_filters
from crm.desk.segments.filter import BadValue, FilterContext, SegmentFilter
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

#: All filters, in the order in which lists show them.
FILTERS: tuple[SegmentFilter, ...] = (
    RECORDS,
    *crm_filters.FIRST,
    *billing_filters.FILTERS,
    *crm_filters.FILTERS,
)

_OF_PARAMETER = {name: segment_filter for segment_filter in FILTERS for name in segment_filter.names}

May = Callable[[str], bool]


class Forbidden(BadValue):
    """The user lacks the permission of a filter."""


@dataclass(frozen=True, slots=True)
class Query:
    """Filters that were read: the valid texts of each given parameter."""

    texts: Mapping[str, Sequence[str]]
    #: The filters by custom fields that are used.
    custom: tuple[SegmentFilter, ...] = field(default=(), compare=False)

    @classmethod
    def read(cls, given: QueryDict | Mapping[str, Sequence[str]]) -> Query:
        """Read the filters of a URL or a segment, and ignore other parameters. Raises `BadValue`."""
        pairs = given.lists() if isinstance(given, QueryDict) else given.items()
        texts = {
            name: found
            for name, values in pairs
            if (name in _OF_PARAMETER or is_custom(name))
            and (found := [text.strip() for text in values if text.strip()])
        }
        if any("\0" in text for values in texts.values() for text in values):
            raise BadValue("Remove the unprintable character from the URL.")
        query = cls(texts, named_filters([name for name in texts if is_custom(name)]))
        for segment_filter in query.filters:
            segment_filter.words(segment_filter.read(texts))
        return query

    @property
    def filters(self) -> list[SegmentFilter]:
        """The filters that are used, in the order of `FILTERS`, then those by custom fields."""
        return [*(each for each in FILTERS if any(name in self.texts for name in each.names)), *self.custom]

    def customers(self, context: FilterContext, may: May | None = None) -> CustomerQuerySet:
        """The customers that match, current ones unless the filter `standing` says otherwise.

        `may` tells whether the user has a permission; None allows everything. Raises `BadValue` and its subclass
        `Forbidden`.
        """
        found = Customer.objects.filter(RECORDS.condition(RECORDS.read(self.texts), context))
        for segment_filter in self.filters:
            if may is not None and not may(segment_filter.permission):
                raise Forbidden(f"You don't have permission to filter by {segment_filter.label}.")
            if segment_filter is not RECORDS:
                found = found.filter(segment_filter.condition(segment_filter.read(self.texts), context))
        return found

    @property
    def words(self) -> str:
        """The filters in words, such as `status Active, MRR over 500 USD`."""
        words = [segment_filter.words(segment_filter.read(self.texts)) for segment_filter in self.filters]
        return ", ".join(words) if words else "all current customers"

    @property
    def address(self) -> str:
        """The query string with these filters."""
        query = QueryDict(mutable=True)
        for name, values in self.texts.items():
            query.setlist(name, list(values))
        return query.urlencode()

    def as_json(self) -> dict[str, Any]:
        """The value of `Segment.query`."""
        return {name: list(values) for name, values in self.texts.items()}
