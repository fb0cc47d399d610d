"""Merged customers' own documents in the admin: to be looked at."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import MergedRecord
from customers.admin.base import ReadOnlyHistoryAdmin, Row
from customers.admin.filters import Days
from customers.formats import column_of, preformatted


@admin.register(MergedRecord)
class MergedRecordAdmin(ReadOnlyHistoryAdmin):
    """What customers were before they became part of another."""

    list_display = ("crm_id", column_of("survivor"), "merged_at")
    list_filter = (("merged_at", Days), ("survivor", Row))
    list_select_related = ("survivor",)
    search_fields = ("crm_id__exact",)
    search_help_text = "A whole id in the CRM, or an id of ours."
    sortable_by = ("merged_at",)
    fields = ("crm_id", "survivor", "tombstone", "parent", "merged_at", "id", "shown_document")
    readonly_fields = ("shown_document",)

    @display(description="document")
    def shown_document(self, record: MergedRecord) -> SafeString:
        """The crm document as it was."""
        return preformatted(record.document)
