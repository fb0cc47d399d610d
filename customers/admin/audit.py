"""The audit log in the admin: read, filtered, exported, never changed."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from unfold.decorators import display

from customers.admin.base import Choices, ReadOnlyAdmin
from customers.admin.filters import DaysFilter
from customers.audit.record import audit
from customers.models import AuditAction, AuditDetails, AuditEntry

_HEADINGS = ("at", "action", "user", "done by", "address", "customer", "subject", "data", "details", "id")


class _Echo:
    """What a CSV writer writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who did or saw what, newest first."""

    list_display = ("at", "action", "shown_user", "address", "customer_id", "subject")
    list_filter = (("action", Choices), ("at", DaysFilter))
    list_per_page = 50
    search_fields = ("subject__exact", "customer_id__exact", "address__exact")
    search_help_text = "Enter a complete ID or IP address."
    sortable_by = ("at",)
    actions = ("export",)
    fields = (
        "at",
        "action",
        "shown_user",
        "done_by",
        "address",
        "customer_id",
        "subject",
        "data",
        "shown_details",
        "id",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """The entries with the names of their users."""
        return _with_names(super().get_queryset(request))

    @display(description="user")
    def shown_user(self, entry: AuditEntry) -> str:
        """The user, or the command or API token that acted."""
        return _name(entry) or entry.done_by or "-"

    @display(description="details")
    def shown_details(self, entry: AuditEntry) -> str:
        """What is personal in the entry."""
        details = AuditDetails.objects.filter(pk=entry.pk).first()
        return _text(details.values) if details else "-"

    @admin.action(description="Export as CSV", permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[AuditEntry]) -> HttpResponseBase:
        """A CSV file of the chosen entries, or of all that match the filter."""
        audit(AuditAction.EXPORTED, by=request.user, entries=queryset.count())
        return StreamingHttpResponse(
            _lines(_with_names(queryset).select_related("details").order_by("at", "id")),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="audit.csv"'},
        )


def _with_names(entries: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
    users = get_user_model()._default_manager.filter(pk=OuterRef("user_id"))
    return entries.annotate(username=Subquery(users.values("username")))


def _name(entry: AuditEntry) -> str:
    if entry.user_id is None:
        return ""
    name: str | None = entry.username  # type: ignore[attr-defined]
    # A spreadsheet would run a name that begins like a formula.
    return f"User {entry.user_id}" if name is None else name.lstrip("=+-@")


def _lines(entries: QuerySet[AuditEntry]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    yield writer.writerow(_HEADINGS)
    for entry in entries.iterator(500):
        details = getattr(entry, "details", None)
        yield writer.writerow(
            [
                entry.at.isoformat(),
                entry.action,
                _name(entry),
                entry.done_by,
                entry.address,
                entry.customer_id or "",
                entry.subject,
                _text(entry.data),
                _text(details.values) if details else "",
                entry.pk,
            ]
        )


def _text(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True) if values else ""
