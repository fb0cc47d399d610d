"""Lists of rows of customers: what they have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from django.db.models import QuerySet
from django.http import HttpRequest
from msgspec import UNSET, UnsetType

from customers.api.endpoints import ListEndpoint
from customers.api.filtersets import ListFilterSet
from customers.api.http import demand
from customers.api.parameters import Parameter, expand_parameter
from customers.document.filters import Condition, ConditionFilter
from customers.json_types import JsonDocument
from customers.models import Customer

#: Needed for everything that shows facts about customers.
VIEW_CUSTOMER = "customers.view_customer"


class CustomerSummary(JsonDocument, kw_only=True):
    """A customer in short. `id` is the typed ID."""

    id: str
    external_id: str | None
    name: str | None
    email: str | None
    env: Literal["live", "sandbox"]
    status: Literal["active", "inactive", "suspended"]


CUSTOMER_SUMMARY = {
    "id": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
    "external_id": "acme-42",
    "name": "Jane Doe",
    "email": "jane.doe@example.com",
    "env": "live",
    "status": "active",
}


class ConditionedList(ListEndpoint):
    """A list with filters by conditions of apps above, which are passed to the filterset."""

    filterset: ClassVar[type[ConditionFilter]]
    conditions: Mapping[str, Condition] | None = None

    def filter_rows(
        self, given: Mapping[str, str], rows: QuerySet[Any], request: HttpRequest
    ) -> ListFilterSet:
        return self.filterset(given, rows, request=request, conditions=self.conditions)


class CustomerRowList(ConditionedList):
    """A list of rows of customers. `?expand=customer` includes each row's customer in short."""

    errors = (400, 401, 403, 404, 405, 406)
    #: What else can be expanded.
    expandable: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        first, after, order, *others = super().parameters()
        expand = expand_parameter(["customer", *cls.expandable])
        return (first, after, order, expand, *others)

    def check(self, request: HttpRequest, asked: Mapping[str, Any]) -> None:
        if "customer" in asked.get("expand", ()):
            demand(request, VIEW_CUSTOMER)


class SummariesOfRows:
    """The customers of some rows in short, if they are expanded; in one query, or none."""

    def __init__(self, customer_ids: Iterable[Any], asked: Mapping[str, Any]) -> None:
        wanted = {str(key) for key in customer_ids} if "customer" in asked.get("expand", ()) else set()
        customers = Customer.objects.filter(pk__in=wanted) if wanted else Customer.objects.none()
        self._summaries = {str(customer.pk): summary_of(customer) for customer in customers}

    def of(self, customer_id: Any) -> CustomerSummary | UnsetType:
        """The customer in short; `UNSET` if it isn't expanded."""
        return self._summaries.get(str(customer_id), UNSET)


def summary_of(customer: Customer) -> CustomerSummary:
    # The columns of choices allow only the words of the document.
    words: Any = {"env": customer.env, "status": customer.status}
    return CustomerSummary(
        id=str(customer.pk),
        external_id=customer.external_id,
        name=customer.name or None,
        email=customer.email or None,
        **words,
    )
