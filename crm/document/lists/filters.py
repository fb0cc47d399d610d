"""The filters of lists of companies and people."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from crm.models import Contact, Person
from customers.api.filtersets import DayFilter, TextFilter, WordFilter
from customers.document.filters import CustomerRelationFilter, CustomerRowFilter
from customers.lookup import LONGEST_IDENTIFIER
from customers.models.customer import CustomerQuerySet


class CompanyFilter(CustomerRowFilter):
    q = TextFilter("name", "icontains", help_text="Text in the name, ignoring case.")
    domain = TextFilter(
        method="meets", help_text="An internet domain of the company, such as example.com, in any spelling."
    )
    owner = TextFilter(
        "customer__relationship__owner__username", help_text="The exact user name of the account manager."
    )
    industry = TextFilter("industry", "iexact", help_text="The company's industry, ignoring case.")
    founded_after = DayFilter("founded_date", "gte", help_text="Founded on this day or later.")
    founded_before = DayFilter("founded_date", "lt", help_text="Founded before this day.")


class PersonFilter(CustomerRelationFilter):
    """The filters of the list of people. Those by customer leave only contacts of such a customer."""

    q = TextFilter(
        method="search", help_text="Text in the name, the preferred name or the title, ignoring case."
    )
    crm_id = TextFilter(
        "obfuscated_id", longest=LONGEST_IDENTIFIER, help_text="The exact ID of the person in the CRM."
    )
    email = TextFilter("email", "iexact", help_text="The email address, ignoring case.")
    type = WordFilter(words=Person.Type.values, help_text="The type of person.")
    department = TextFilter("department", "iexact", help_text="The department, ignoring case.")
    role = TextFilter(method="in_role", help_text="A role as a contact, such as Billing, ignoring case.")

    def search(self, rows: QuerySet[Person], name: str, value: str) -> QuerySet[Person]:
        return rows.filter(
            Q(name__icontains=value) | Q(preferred_name__icontains=value) | Q(title__icontains=value)
        )

    def in_role(self, rows: QuerySet[Person], name: str, value: str) -> QuerySet[Person]:
        return rows.filter(Exists(Contact.objects.filter(person=OuterRef("pk"), role__iexact=value)))

    def with_customers(self, rows: QuerySet[Any], customers: CustomerQuerySet) -> QuerySet[Any]:
        contacts = Contact.objects.filter(person=OuterRef("pk"), customer__in=customers.order_by())
        return rows.filter(Exists(contacts))
