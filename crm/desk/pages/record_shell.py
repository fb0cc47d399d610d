"""What all pages of one customer have in common: the header, the key facts, the actions and the tabs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from crm.dedupe.merges.plan import PERMISSION as MERGE
from crm.desk.form_fields import people_who_act
from crm.desk.pages.crumbs import Crumb, came_from, crumbs_of
from crm.desk.pages.merge import merge_url
from crm.desk.pages.overview import people, places
from crm.desk.pages.overview.header import header_of
from crm.desk.pages.overview.key_facts import key_facts
from crm.desk.pages.overview.tags import tags_of
from crm.models import Contact
from customers.formats import customer_url, page_of
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
class Action:
    """An entry of the menu of actions. `key` is the key of the keyboard that opens it."""

    label: str
    url: str
    icon: str
    key: str = ""


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
            "actions": _actions(customer, may, is_current=is_current),
            "owners": list(people_who_act()) if may_assign else [],
            "crumbs": crumbs_of(
                customer,
                *([] if tab == OVERVIEW else [Crumb(tab)]),
                list_url=_list_url(request),
            ),
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


def _list_url(request: HttpRequest) -> str:
    """The list of customers, filtered as it was when the user came from there."""
    filters = request.GET.get("_changelist_filters", "")
    return f"{reverse('admin:customers_customer_changelist')}{'?' if filters else ''}{filters}"


def _actions(customer: Customer, may: May, *, is_current: bool) -> list[tuple[str, Sequence[Action]]]:
    """The groups of the menu: what the user may do with this customer."""
    groups = (
        ("Billing", _billing_actions(customer, may) if is_current else []),
        ("Account", _account_actions(customer, may, is_current=is_current)),
        ("Record", _record_actions(customer, may)),
    )
    return [(title, actions) for title, actions in groups if actions]


def _billing_actions(customer: Customer, may: May) -> list[Action]:
    found = []
    if may("billing.add_subscription"):
        url = f"{reverse('admin:billing_subscription_add')}?{urlencode({'customer': customer.pk})}"
        found.append(Action("Attach plan…", url, "add_card"))
    if may("billing.change_balance"):
        found.append(
            Action(
                "Adjust balance…", f"{reverse('desk-usage', args=[customer.pk])}#section-balances", "redeem"
            )
        )
    return found


def _account_actions(customer: Customer, may: May, *, is_current: bool) -> list[Action]:
    overview = customer_url(customer.pk)
    found = []
    if is_current and may("crm.add_task"):
        found.append(Action("Add task…", f"{overview}#add-task", "task_alt", "T"))
    if is_current and may(MERGE):
        found.append(Action("Merge…", merge_url([customer]), "call_merge"))
    return found


def _record_actions(customer: Customer, may: May) -> list[Action]:
    found = [
        Action("View as of…", f"{reverse('desk-details', args=[customer.pk])}#as-of", "history_toggle_off")
    ]
    if may("customers.view_sourcerecord"):
        found.append(Action("Sources", reverse("desk-provenance", args=[customer.pk]), "input"))
    words = "Edit" if may("customers.change_customer") else "Record"
    found.append(Action(words, page_of(customer, "change"), "edit"))
    found.append(Action("History", page_of(customer, "history"), "history"))
    return found
