"""What all pages of one customer have in common: the header, the key facts, the actions and the tabs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from crm.desk.form_fields import people_who_act
from crm.desk.pages.actions import actions_of
from crm.desk.pages.crumbs import Crumb, came_from, crumbs_of
from crm.desk.pages.overview import people, places
from crm.desk.pages.overview.header import header_of
from crm.desk.pages.overview.key_facts import key_facts
from crm.desk.pages.overview.tags import tags_of
from crm.models import Contact
from customers.formats import customer_url
from customers.models import Address, Customer

May = Callable[[str], bool]

OVERVIEW, BILLING, USAGE, ACTIVITY, DETAILS = "Overview", "Billing", "Usage", "Activity", "Details"
#: The tabs with their URL names. To see a tab, a user needs one of its permissions, if it has any.
_TABS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (OVERVIEW, "desk-customer", ()),
    (BILLING, "desk-billing", ("billing.view_subscription", "billing.view_invoice")),
    (USAGE, "desk-usage", ("billing.view_balance",)),
    (ACTIVITY, "desk-timeline", ()),
    (DETAILS, "desk-details", ()),
)


@dataclass(frozen=True, slots=True)
class RecordShell:
    """A customer with the rows that the header shows and sections show too."""

    customer: Customer
    may: May
    now: datetime
    contacts: list[Contact]
    addresses: list[Address]

    def context(self, request: HttpRequest, tab: str) -> dict[str, Any]:
        """The context of the template `crm/desk/record.html`, with `tab` as the current one."""
        customer, may = self.customer, self.may
        first = self.addresses[0] if self.addresses else None
        is_current = customer.merged_into_id is None and customer.archived_at is None
        may_assign = is_current and may("crm.change_relationship")
        return {
            **admin.site.each_context(request),
            "title": str(customer) if tab == OVERVIEW else f"{customer}: {tab.lower()}",
            "customer": customer,
            "header": header_of(customer, self.contacts, first, self.now),
            "tags": tags_of(customer, may) if may("crm.view_customertag") else None,
            "key_facts": key_facts(customer, may, self.now),
            "tabs": [
                (label, reverse(name, args=[customer.pk]), label == tab)
                for label, name, needed in _TABS
                if not needed or any(map(may, needed))
            ],
            "actions": actions_of(customer, may),
            "owners": list(people_who_act()) if may_assign else [],
            "crumbs": crumbs_of(customer, *([] if tab == OVERVIEW else [Crumb(tab)])),
            "came_from": came_from(request),
            "recent": {"name": str(customer), "url": customer_url(customer.pk), "icon": "group"},
        }


def shell_of(customer: Customer, may: May, now: datetime) -> RecordShell:
    """Read what the header shows. `customer` is from `customer_with_head`."""
    return RecordShell(
        customer,
        may,
        now,
        contacts=people.contacts_of(customer) if may("crm.view_contact") else [],
        addresses=places.addresses_of(customer) if may("customers.view_address") else [],
    )
