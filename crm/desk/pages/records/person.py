"""The page of one person."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.records.shell import Head, Meta, form_actions, record_page, requested_row
from crm.models import Person
from customers.formats import customer_url


def person_page(request: HttpRequest, key: str) -> HttpResponse:
    """The person with this ID."""
    row = requested_row(request, Person.objects.all(), key, "crm.view_person")
    contacts = list(row.contacts.select_related("customer").order_by("customer_id", "pk")[:20])
    first = contacts[0].customer if contacts else None
    crumbs = (
        crumbs_of(first, Crumb(str(row)))
        if first
        else [Crumb("People", reverse("admin:crm_person_changelist")), Crumb(str(row))]
    )
    head = Head(
        kind="person",
        name=str(row),
        icon="person",
        meta=[Meta(str(each.customer), customer_url(each.customer_id)) for each in contacts],
        actions=[("", form_actions(request, row))],
    )
    return record_page(request, "crm/desk/records/person.html", head, crumbs, {"row": row})
