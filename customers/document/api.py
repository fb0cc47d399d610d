"""The endpoints of the payments document: customers and their addresses, businesses and payment methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet

from customers.api.endpoints import CustomerEndpoint, DocumentEndpoint, ListEndpoint, known_customer
from customers.api.filtersets import ListFilterSet
from customers.api.http import bad_parameter, demand
from customers.api.paging import orders_by_number, orders_by_text, orders_by_time
from customers.api.parameters import ENV, expand_parameter
from customers.api.schemas import Components, Schema
from customers.as_of import KnownCustomer
from customers.document.customer_rows import ConditionedList
from customers.document.examples import ADDRESS, BUSINESS, CUSTOMER, PAYMENT_METHOD
from customers.document.filters import CustomerFilter, PartFilter, PaymentMethodFilter, PaymentsCustomerFilter
from customers.document.renderer import (
    render_addresses,
    render_businesses,
    render_customers,
    render_known,
    render_payment_methods,
)
from customers.document.schema import PaymentsAddress, PaymentsBusiness, PaymentsCustomer, PaymentsMethod
from customers.ingest.not_understood import with_not_understood
from customers.json_types import to_plain
from customers.models import Customer, Source
from customers.models.customer import CustomerQuerySet

#: The orders that every list of customers can have.
CUSTOMER_ORDERS = (
    *reversed(orders_by_time("created_at")),
    *orders_by_time("updated_at"),
    *orders_by_text("name"),
    *orders_by_text("email"),
)


#: What can be expanded.
_CUSTOM_FIELDS = "custom_fields"
_CUSTOM_FIELD_SCHEMA: Schema = {
    "type": "object",
    "required": ["label", "type", "value", "fits"],
    "properties": {
        "label": {"type": "string"},
        "type": {"type": "string", "enum": ["text", "number", "date", "yes_no", "choice", "link"]},
        "value": {
            "type": ["string", "number", "boolean"],
            "description": "A number of a number, true or false of yes or no, a text of all others.",
        },
        "fits": {
            "type": "boolean",
            "description": "Whether the value is one of the type. Otherwise it is a text, as it was received.",
        },
    },
}

#: The custom fields of each of some customers, as JSON.
CustomFields = Callable[[Sequence[str]], Mapping[str, Mapping[str, Any]]]


class CustomerListEndpoint(ConditionedList):
    """A list of customers."""

    filterset: ClassVar[type[CustomerFilter]]


class _PaymentsDocument(DocumentEndpoint):
    tag = "Payments"
    permission = "customers.view_customer"
    document = PaymentsCustomer
    example = CUSTOMER
    document_parameters = (expand_parameter([_CUSTOM_FIELDS]),)
    #: The custom fields of customers by their IDs, from an app above, and the permission to see them.
    custom_fields: CustomFields | None = None
    custom_fields_permission = ""

    @classmethod
    def describe_document(cls, components: Components) -> Schema:
        """The document as the platform has it; with `expand`, one more key."""
        field = components.put("CustomFieldValue", _CUSTOM_FIELD_SCHEMA)
        fields = {
            "type": "object",
            "additionalProperties": field,
            "description": "With `expand=custom_fields`: the custom fields that have a value, by name.",
        }
        return {
            "allOf": [super().describe_document(components)],
            "type": "object",
            "properties": {_CUSTOM_FIELDS: fields},
        }

    def render(self, rows: Sequence[Customer], asked: Mapping[str, Any]) -> Sequence[object]:
        documents = with_not_understood(render_customers(rows), rows, Source.PAYMENTS)
        if self.custom_fields is None or _CUSTOM_FIELDS not in asked.get("expand", ()):
            return documents
        demand(self.request, self.custom_fields_permission)
        values = self.custom_fields([str(row.pk) for row in rows])
        return [
            {**to_plain(document), _CUSTOM_FIELDS: values[str(row.pk)]}
            for document, row in zip(documents, rows, strict=True)
        ]


class PaymentsCustomerList(_PaymentsDocument, CustomerListEndpoint):
    """Customers as payments documents."""

    summary = "List customers"
    filterset = PaymentsCustomerFilter
    orders = CUSTOMER_ORDERS

    def rows(self, asked: Mapping[str, Any], **path: str) -> CustomerQuerySet:
        return Customer.objects.unmerged()


class PaymentsCustomerDetail(_PaymentsDocument, CustomerEndpoint):
    """One customer as a payments document, by any identifier."""

    summary = "Read a customer"
    source = Source.PAYMENTS

    def render_known(self, known: KnownCustomer, asked: Mapping[str, Any]) -> object:
        if _CUSTOM_FIELDS in asked.get("expand", ()):
            raise bad_parameter("expand", "can't be used together with as_of.")
        return render_known(known)


class _PartList(ListEndpoint):
    tag = "Payments"
    errors = CustomerEndpoint.errors
    permission = "customers.view_customer"
    filterset: ClassVar[type[ListFilterSet]] = PartFilter
    orders = orders_by_number("position")
    document_parameters = (ENV,)
    #: The related name of the rows on a customer.
    relation: ClassVar[str]

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Any]:
        customer = known_customer(path["identifier"], asked.get("env"), Source.PAYMENTS)
        rows: QuerySet[Any] = getattr(customer, self.relation).all()
        return rows


class AddressList(_PartList):
    """A customer's billing addresses, in the order of the payments platform."""

    summary = "List a customer's addresses"
    document = PaymentsAddress
    example = ADDRESS
    relation = "addresses"

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_addresses(rows)


class BusinessList(_PartList):
    """A customer's business profiles, in the order of the payments platform."""

    summary = "List a customer's businesses"
    document = PaymentsBusiness
    example = BUSINESS
    relation = "businesses"

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_businesses(rows)


class PaymentMethodList(_PartList):
    """What may be shown of a customer's payment methods, in the order of the payments platform."""

    summary = "List a customer's payment methods"
    document = PaymentsMethod
    example = PAYMENT_METHOD
    filterset = PaymentMethodFilter
    relation = "payment_methods"

    def render(self, rows: Sequence[Any], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_payment_methods(rows)
