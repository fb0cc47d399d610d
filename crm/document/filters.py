"""What lists of customers can be narrowed by, as the CRM knows them."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from crm.models import Domain
from customers.api.filtersets import TextFilter
from customers.document.filters import CustomerFilter
from customers.models.customer import CustomerQuerySet


class CrmCustomerFilter(CustomerFilter):
    """What the list of crm documents can be narrowed by."""

    domain = TextFilter(
        method="at_domain", help_text="An internet domain of the company, such as example.com, in any case."
    )
    owner = TextFilter(
        "relationship__owner__username", help_text="The user name of the account manager, exactly."
    )
    industry = TextFilter("company__industry", "iexact", help_text="The company's industry, in any case.")

    def at_domain(self, rows: CustomerQuerySet, name: str, value: str) -> CustomerQuerySet:
        """Those whose company has the domain."""
        return rows.filter(Exists(Domain.objects.filter(customer=OuterRef("pk"), name__iexact=value)))
