"""The page of one company."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.records.shell import Head, Meta, act_actions, form_actions, record_page, requested_row
from crm.models import Company
from customers.formats import customer_url


def company_page(request: HttpRequest, key: str) -> HttpResponse:
    """The company with this ID."""
    row = requested_row(request, Company.objects.select_related("customer"), key, "crm.view_company")
    crumbs = crumbs_of(
        row.customer,
        Crumb(str(row)),
    )
    head = Head(
        kind="company",
        name=str(row),
        icon="apartment",
        meta=[Meta(str(row.customer), customer_url(row.customer_id))],
        actions=[("", [*act_actions(request, row), *form_actions(request, row)])],
    )
    return record_page(request, "crm/desk/records/company.html", head, crumbs, {"row": row})
