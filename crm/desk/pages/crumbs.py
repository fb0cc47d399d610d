"""Where a page is: the breadcrumb, and the list that the user came from."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.urls import Resolver404, resolve, reverse

from customers.formats import customer_url
from customers.models import Customer

#: Pages that people work through, each with its name. A record that was opened from one has a way back to it.
_LISTS = {
    "admin:index": "Home",
    "desk-worklist": "Worklist",
    "desk-find": "Search",
    "desk-segment": "Segment",
    "desk-review": "Review",
    "desk-trials": "Shared trials",
    "desk-customers": "Customers",
    "desk-invoices": "Invoices",
    "desk-subscriptions": "Subscriptions",
    "desk-balances": "Balances",
    "desk-companies": "Companies",
    "desk-people": "People",
    "desk-tasks": "Tasks",
    "report": "Report",
    "admin:customers_customer_changelist": "Customers",
    "admin:billing_invoice_changelist": "Invoices",
    "admin:billing_subscription_changelist": "Subscriptions",
    "admin:billing_balance_changelist": "Balances",
    "admin:crm_company_changelist": "Companies",
    "admin:crm_person_changelist": "People",
    "admin:crm_task_changelist": "Tasks",
}


class Crumb(NamedTuple):
    """A step of the breadcrumb. The page itself has no URL."""

    text: str
    url: str = ""


def crumbs_of(customer: Customer, *below: Crumb) -> list[Crumb]:
    """The breadcrumb of a page of a customer: the list, the customer, and what is below."""
    return [
        Crumb("Customers", reverse("desk-customers")),
        Crumb(str(customer), customer_url(customer.pk) if below else ""),
        *below,
    ]


def came_from(request: HttpRequest) -> Crumb | None:
    """The list that the user came from, as it was filtered; None if they came from elsewhere."""
    source = urlsplit(request.headers.get("Referer", ""))
    if source.netloc != request.get_host():
        return None
    try:
        name = _LISTS.get(resolve(source.path).view_name)
    except Resolver404:
        return None
    if name is None:
        return None
    return Crumb(name, f"{source.path}?{source.query}" if source.query else source.path)
