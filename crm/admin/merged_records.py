"""Documents of merged customers in the admin, read-only."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import MergedRecord
from customers.admin.base import ReadOnlyHistoryAdmin, Row
from customers.admin.filters import DaysFilter
from customers.formats import column_of, preformatted


@admin.register(MergedRecord)
class MergedRecordAdmin(ReadOnlyHistoryAdmin):
    """Documents of customers as they were before the merge."""

    list_display = ("crm_id", column_of("survivor"), "merged_at")
    list_filter = (("merged_at", DaysFilter), ("survivor", Row))
    list_select_related = ("survivor",)
    search_fields = ("crm_id__exact",)
    search_help_text = "Search by ID, or by the full ID in the CRM."
    sortable_by = ("merged_at",)
    fields = ("crm_id", "survivor", "tombstone", "parent", "merged_at", "id", "shown_document")
    readonly_fields = ("shown_document",)

    @display(description="document")
    def shown_document(self, record: MergedRecord) -> SafeString:
        """The CRM document before the merge."""
        return preformatted(record.document)
