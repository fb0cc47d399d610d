"""The endpoints of the payments document: customers and their addresses, businesses and payment methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet

from customers.api.endpoints import CustomerEndpoint, DocumentEndpoint, ListEndpoint, known_customer
from customers.api.filtersets import ListFilterSet
from customers.api.paging import orders_by_number, orders_by_text, orders_by_time
from customers.api.parameters import ENV
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
from customers.models import Customer, Source
from customers.models.customer import CustomerQuerySet

#: The orders that every list of customers can have.
CUSTOMER_ORDERS = (
    *reversed(orders_by_time("created_at")),
    *orders_by_time("updated_at"),
    *orders_by_text("name"),
    *orders_by_text("email"),
)


class CustomerListEndpoint(ConditionedList):
    """A list of customers."""

    filterset: ClassVar[type[CustomerFilter]]


class _PaymentsDocument(DocumentEndpoint):
    tag = "Payments"
    permission = "customers.view_customer"
    document = PaymentsCustomer
    example = CUSTOMER

    def render(self, rows: Sequence[Customer], asked: Mapping[str, Any]) -> Sequence[object]:
        return with_not_understood(render_customers(rows), rows, Source.PAYMENTS)


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
