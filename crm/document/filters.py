"""The filters of the list of CRM documents."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from crm.models import Domain
from customers.api.filtersets import TextFilter
from customers.document.filters import CustomerFilter
from customers.models.customer import CustomerQuerySet
from customers.readings.mailboxes import domain as read_domain


class CrmCustomerFilter(CustomerFilter):
    domain = TextFilter(
        method="at_domain",
        help_text="An internet domain of the company, such as example.com, in any spelling.",
    )
    owner = TextFilter(
        "relationship__owner__username", help_text="The exact user name of the account manager."
    )
    industry = TextFilter("company__industry", "iexact", help_text="The company's industry, ignoring case.")

    def at_domain(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Customers with the domain in any form: with `www.`, as a link, in Unicode or in ASCII."""
        names = Q(name__iexact=value) | Q(name__iexact=read_domain(value)[0])
        return rows.filter(Exists(Domain.objects.filter(names, customer=OuterRef("pk"))))
