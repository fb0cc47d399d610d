"""The page of one balance."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from billing.models import Balance
from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.records.shell import Head, Meta, act_actions, form_actions, record_page, requested_row
from customers.formats import customer_url


def balance_page(request: HttpRequest, key: str) -> HttpResponse:
    """The balance with this ID."""
    row = requested_row(
        request, Balance.objects.select_related("customer", "feature"), key, "billing.view_balance"
    )
    crumbs = crumbs_of(
        row.customer,
        Crumb("Balances", f"{reverse('desk-usage', args=[row.customer_id])}#section-balances"),
        Crumb(str(row.feature)),
    )
    head = Head(
        kind="balance",
        name=str(row.feature),
        icon="data_usage",
        meta=[Meta(str(row.customer), customer_url(row.customer_id))],
        actions=[("", [*act_actions(request, row), *form_actions(request, row)])],
    )
    return record_page(request, "crm/desk/records/balance.html", head, crumbs, {"row": row})
