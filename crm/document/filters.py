"""The filters of the list of CRM documents."""

from __future__ import annotations

from customers.api.filtersets import TextFilter
from customers.document.filters import CustomerFilter


class CrmCustomerFilter(CustomerFilter):
    owner = TextFilter(
        "relationship__owner__username", help_text="The exact user name of the account manager."
    )
    industry = TextFilter("company__industry", "iexact", help_text="The company's industry, ignoring case.")
