"""Actions of the customer list that export the selected customers, or all that the filters find."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from crm.desk.pages.exports import PERMISSION
from crm.desk.segments.filter import BadValue
from crm.desk.segments.query import Query
from crm.desk.spreadsheets.exports import TooMany, start_export
from crm.models import Export
from customers.admin import CustomerAdmin
from customers.models.customer import CustomerQuerySet


@admin.action(description="Export to CSV", permissions=["export_csv"])
def export_csv(
    model_admin: CustomerAdmin, request: HttpRequest, queryset: CustomerQuerySet
) -> HttpResponse | None:
    """Export the selected customers as CSV."""
    return _export(model_admin, request, queryset, Export.Format.CSV)


@admin.action(description="Export to XLSX", permissions=["export_xlsx"])
def export_xlsx(
    model_admin: CustomerAdmin, request: HttpRequest, queryset: CustomerQuerySet
) -> HttpResponse | None:
    """Export the selected customers as XLSX, with typed cells."""
    return _export(model_admin, request, queryset, Export.Format.XLSX)


def may_export(model_admin: CustomerAdmin, request: HttpRequest, object_id: Any = None) -> bool:
    """Whether the user may export."""
    return request.user.has_perm(PERMISSION)


def selection_in_words(request: HttpRequest) -> str:
    """The selection that an action of the customer list applies to."""
    if request.POST.get("select_across") != "1":
        return "selected in the list"
    term = request.GET.get("q", "").strip()
    try:
        words = Query.read(request.GET).words
    except BadValue:
        words = "customers"
    return f"{words}, matching “{term}”" if term else words


def _export(
    model_admin: CustomerAdmin, request: HttpRequest, queryset: CustomerQuerySet, file_format: str
) -> HttpResponse | None:
    try:
        export = start_export(
            queryset, selection_in_words(request), file_format, by=request.user, may=request.user.has_perm
        )
    except TooMany as problem:
        model_admin.message_user(request, str(problem), messages.ERROR)
        return None
    return HttpResponseRedirect(reverse("desk-export", args=[export.pk]))
