"""API endpoints of the CRM document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm.document.as_of import render_known
from crm.document.examples import CUSTOMER
from crm.document.filters import CrmCustomerFilter
from crm.document.openapi import add_camel_case
from crm.document.renderer import render_accounts, render_views
from crm.document.schema import CrmCustomer, to_plain
from customers.api.endpoints import CustomerEndpoint, DocumentEndpoint
from customers.api.parameters import Parameter, one_of
from customers.api.schemas import Components, Schema
from customers.as_of import KnownCustomer
from customers.document.api import CUSTOMER_ORDERS, CustomerListEndpoint
from customers.models import Customer, Source
from customers.models.customer import CustomerQuerySet

CASE = Parameter(
    "case",
    "Style of the keys: snake_case, or camelCase as in the CRM's public client.",
    {"type": "string", "enum": ["snake", "camel"], "default": "snake"},
    one_of(["snake", "camel"]),
)


class _CrmDocument(DocumentEndpoint):
    tag = "Relationships"
    permission = "crm.view_relationship"
    document = CrmCustomer
    example = CUSTOMER
    document_parameters = (CASE,)

    @classmethod
    def describe_document(cls, components: Components) -> Schema:
        """One schema for each style of the keys."""
        return {"anyOf": [super().describe_document(components), add_camel_case(cls.document, components)]}

    def render(self, rows: Sequence[Customer], asked: Mapping[str, Any]) -> Sequence[object]:
        return render_views(rows, asked.get("case", "snake"))


class CrmCustomerList(_CrmDocument, CustomerListEndpoint):
    """Customers in the CRM's format: the company, its contacts, and merged customers."""

    summary = "List customers' relationships"
    filterset = CrmCustomerFilter
    orders = CUSTOMER_ORDERS

    def rows(self, asked: Mapping[str, Any], **path: str) -> CustomerQuerySet:
        return Customer.objects.unmerged()


class CrmCustomerDetail(_CrmDocument, CustomerEndpoint):
    """One customer in the CRM's format, by any identifier."""

    summary = "Read a customer's relationship"
    source = Source.CRM
    shows_accounts = True

    def render_account(self, account: Customer, asked: Mapping[str, Any]) -> object:
        [document] = render_accounts([account], asked.get("case", "snake"))
        return document

    def render_known(self, known: KnownCustomer, asked: Mapping[str, Any]) -> object:
        return to_plain(render_known(known), asked.get("case", "snake"))
