"""The filters of the list of CRM documents."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from crm.models import Domain
from customers.api.filtersets import TextFilter
from customers.document.filters import CustomerFilter
from customers.models.customer import CustomerQuerySet


class CrmCustomerFilter(CustomerFilter):
    domain = TextFilter(
        method="at_domain", help_text="An internet domain of the company, such as example.com, ignoring case."
    )
    owner = TextFilter(
        "relationship__owner__username", help_text="The exact user name of the account manager."
    )
    industry = TextFilter("company__industry", "iexact", help_text="The company's industry, ignoring case.")

    def at_domain(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        return rows.filter(Exists(Domain.objects.filter(customer=OuterRef("pk"), name__iexact=value)))
