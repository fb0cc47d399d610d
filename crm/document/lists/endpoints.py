"""The lists of companies and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from crm.document.api import CASE
from crm.document.lists.documents import ListedCompany, ListedPerson, in_case
from crm.document.lists.examples import COMPANY, PERSON
from crm.document.lists.filters import CompanyFilter, PersonFilter
from crm.document.lists.render import render_companies, render_people
from crm.document.openapi import add_camel_case
from crm.models import Company, Person
from customers.api.paging import orders_by_id, orders_by_text
from customers.api.schemas import Components, Schema
from customers.document.customer_rows import CustomerRowList


class _CrmList(CustomerRowList):
    tag = "Relationships"
    document_parameters = (CASE,)
    orders = (*reversed(orders_by_id()), *orders_by_text("name"))

    @classmethod
    def describe_document(cls, components: Components) -> Schema:
        """One schema for each style of the keys."""
        return {"anyOf": [super().describe_document(components), add_camel_case(cls.document, components)]}


class CompanyList(_CrmList):
    """The companies of customers, with their domains."""

    summary = "List companies"
    permission = "crm.view_company"
    document = ListedCompany
    example = COMPANY
    filterset = CompanyFilter

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Company]:
        return Company.objects.all()

    def render(self, rows: Sequence[Company], asked: Mapping[str, Any]) -> Sequence[object]:
        return [in_case(document, asked.get("case", "snake")) for document in render_companies(rows, asked)]


class PersonList(_CrmList):
    """People: the contacts of customers and their managers. `contact_of` has the customers."""

    summary = "List people"
    permission = "crm.view_person"
    document = ListedPerson
    example = PERSON
    filterset = PersonFilter

    def rows(self, asked: Mapping[str, Any], **path: str) -> QuerySet[Person]:
        return Person.objects.all()

    def render(self, rows: Sequence[Person], asked: Mapping[str, Any]) -> Sequence[object]:
        return [in_case(document, asked.get("case", "snake")) for document in render_people(rows, asked)]
