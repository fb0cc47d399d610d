"""A filter of customers as an address says it: read, applied, said in words, and written as an address again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from crm.desk.segments import billing_filters, crm_filters
from crm.desk.segments.crm_filters import STANDING
from crm.desk.segments.filter import Asker, BadValue, Criterion
from customers.models import Customer
from customers.models.customer import CustomerQuerySet

#: Everything that customers can be narrowed by, in the order in which it is offered.
CRITERIA: tuple[Criterion, ...] = (
    STANDING,
    *crm_filters.CRITERIA[:3],
    *billing_filters.CRITERIA,
    *crm_filters.CRITERIA[3:],
)

_OF_PARAMETER = {name: criterion for criterion in CRITERIA for name in criterion.names}

May = Callable[[str], bool]


class Forbidden(BadValue):
    """Whoever asks may not see what a criterion is about."""


@dataclass(frozen=True, slots=True)
class Query:
    """A filter that was read: for each parameter the texts that were given, all of them good."""

    texts: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, given: QueryDict | Mapping[str, Sequence[str]]) -> Query:
        """The criteria in what an address or a saved segment says; what is no criterion is passed over.

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
        for criterion in query.criteria:
            criterion.words(criterion.read(texts))
        return query

    @property
    def criteria(self) -> list[Criterion]:
        """The criteria that say something, in the order of the vocabulary."""
        return [each for each in CRITERIA if any(name in self.texts for name in each.names)]

    def customers(self, asker: Asker, may: May | None = None) -> CustomerQuerySet:
        """The customers that it is about, current ones unless it says otherwise; `may` says what the asker may see.

        Raises `BadValue`, which `Forbidden` is.
        """
        found = Customer.objects.filter(STANDING.condition(STANDING.read(self.texts), asker))
        for criterion in self.criteria:
            if may is not None and not may(criterion.permission):
                raise Forbidden(f"{criterion.label}: you may not see what this is about.")
            if criterion is not STANDING:
                found = found.filter(criterion.condition(criterion.read(self.texts), asker))
        return found

    @property
    def words(self) -> str:
        """What it narrows by, such as `status Active, MRR over 500 USD`."""
        said = [criterion.words(criterion.read(self.texts)) for criterion in self.criteria]
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
