"""Source records and received documents in the admin, read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from customers.admin.base import Choices, ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.admin.inlines import ReadOnlyInline
from customers.formats import column_of, counted, link_by_name, link_to, long_text, preformatted
from customers.ingest.not_understood import read_kept
from customers.json_types import each_kept, encode
from customers.models import ReceivedPayload, SourceRecord


class SourceRecordInline(ReadOnlyInline):
    """A customer's source records."""

    model = SourceRecord
    fk_name = "customer"
    fields = ("source", "env", "source_id", "first_received_at", "last_received_at")


class ReceivedPayloadInline(ReadOnlyInline):
    """The received documents of a record, newest first."""

    model = ReceivedPayload
    fields = ("received_at", "origin", "remark_count")
    readonly_fields = ("remark_count",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Without the texts."""
        return super().get_queryset(request).select_related("record").defer("text")

    @display(description="remarks")
    def remark_count(self, payload: ReceivedPayload) -> int:
        """The number of remarks of the import."""
        return len(payload.remarks)


@admin.register(SourceRecord)
class SourceRecordAdmin(ReadOnlyAdmin):
    """Source records, with the latest received document."""

    list_display = ("shown_id", "source", "env", column_of("customer"), "last_received_at")
    list_filter = (("source", Choices), ("last_received_at", DaysFilter), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("source_id__exact",)
    search_help_text = "Search by the full ID at the source, or by a typed ID."
    sortable_by = ("last_received_at",)
    inlines = [ReceivedPayloadInline]
    fieldsets = (
        (
            "Record",
            {
                "classes": ["tab"],
                "fields": (
                    "customer",
                    "source",
                    "env",
                    "source_id",
                    "first_received_at",
                    "last_received_at",
                    "remarks",
                    "shown_not_understood",
                    "changes",
                    "payload",
                ),
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id", "digest", "claims")}),
    )
    readonly_fields = ("remarks", "shown_not_understood", "changes", "payload")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The record, with its latest received document."""
        record = super().get_object(request, object_id, from_field)
        if record is not None:
            record.latest = record.payloads.first()
        return record

    @display(description="ID at the source", ordering="source_id")
    def shown_id(self, record: SourceRecord) -> SafeString | str:
        return long_text(record.source_id)

    @display(description="remarks on the latest document")
    def remarks(self, record: Any) -> SafeString | str:
        """The remarks of the import."""
        return _remarks(record.latest)

    @display(description="not understood")
    def shown_not_understood(self, record: SourceRecord) -> SafeString | str:
        """Keys and words that mean nothing here, as they came. They go back out in the record's own document."""
        rows = [(path, encode(value).decode()) for path, value in each_kept(read_kept(record))]
        if not rows:
            return "-"
        lines = format_html_join("", '<p class="clientele-remark"><code>{}</code> {}</p>', rows)
        return format_html("<details><summary>{}</summary>{}</details>", counted(len(rows), "value"), lines)

    @display(description="changes")
    def changes(self, record: Any) -> SafeString | str:
        """A link to the comparison of two received documents."""
        return link_by_name("desk-record-changes", "Compare two imports", identifier=record.pk) or "-"

    @display(description="latest document, as received")
    def payload(self, record: Any) -> SafeString | str:
        """The text as it was received."""
        return preformatted(record.latest.text) if record.latest else "-"


@admin.register(ReceivedPayload)
class ReceivedPayloadAdmin(ReadOnlyAdmin):
    """Received documents."""

    list_display = ("received_at", "shown_record", "origin")
    list_filter = (("received_at", DaysFilter), ("record", Row))
    list_select_related = ("record",)
    search_fields = ("digest__exact",)
    search_help_text = "Search by a typed ID, or by the full digest."
    sortable_by = ("received_at",)
    fieldsets = (
        (
            "Document",
            {
                "classes": ["tab"],
                "fields": ("record", "customer", "received_at", "origin", "remarks_in_words", "payload"),
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id", "digest")}),
    )
    readonly_fields = ("customer", "remarks_in_words", "payload")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Lists don't load the texts of the documents, which may be long."""
        queryset = super().get_queryset(request)
        is_list = request.resolver_match is None or "object_id" not in request.resolver_match.kwargs
        return queryset.defer("text") if is_list else queryset.select_related("record__customer")

    @display(description="record")
    def shown_record(self, payload: ReceivedPayload) -> SafeString | str:
        return long_text(str(payload.record))

    @display(description="customer")
    def customer(self, payload: ReceivedPayload) -> SafeString | str:
        return link_to(payload.record.customer)

    @display(description="remarks")
    def remarks_in_words(self, payload: ReceivedPayload) -> SafeString | str:
        """The remarks of the import."""
        return _remarks(payload)

    @display(description="text, as received")
    def payload(self, payload: ReceivedPayload) -> SafeString | str:
        """The text as it was received."""
        return preformatted(payload.text)


def _remarks(payload: ReceivedPayload | None) -> SafeString | str:
    remarks = payload.remarks if payload else []
    rows = (
        (remark.get("path", "$"), remark.get("text", "")) for remark in remarks if isinstance(remark, dict)
    )
    return format_html_join("", '<p class="clientele-remark"><code>{}</code> {}</p>', rows) or "-"
