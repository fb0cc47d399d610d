"""The page of one subscription."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billing.models import Subscription
from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.records.shell import Head, Meta, act_actions, form_actions, record_page, requested_row
from customers.formats import customer_url


def subscription_page(request: HttpRequest, key: str) -> HttpResponse:
    """The subscription with this ID."""
    row = requested_row(
        request, Subscription.objects.select_related("customer", "plan"), key, "billing.view_subscription"
    )
    crumbs = crumbs_of(
        row.customer,
        Crumb("Subscriptions", f"{reverse('desk-billing', args=[row.customer_id])}#section-subscriptions"),
        Crumb(str(row.plan)),
    )
    head = Head(
        kind="subscription",
        name=str(row.plan),
        icon="autorenew",
        meta=[Meta(str(row.customer), customer_url(row.customer_id))],
        actions=[("", [*act_actions(request, row), *form_actions(request, row)])],
    )
    return record_page(request, "crm/desk/records/subscription.html", head, crumbs, {"row": row})
