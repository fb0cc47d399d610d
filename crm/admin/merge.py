"""Merges in the admin: to be looked at. They are made and undone on pages of their own."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.models import Merge
from customers.admin.base import ReadOnlyAdmin, Row
from customers.admin.filters import Days
from customers.admin.showing import column_of, preformatted, text_of


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    """Who was merged into whom, when, by whom, and whether that was undone."""

    list_display = (text_of("survivor"), column_of("other"), "made_at", "made_by", "undone_at")
    list_filter = (("made_at", Days), ("undone_at", Days), ("survivor", Row))
    list_select_related = ("survivor", "other", "made_by")
    search_fields = ("id",)
    search_help_text = "A whole id, of the merge or of the survivor."
    sortable_by = ("made_at",)
    fields = (
        "survivor",
        "other",
        "made_at",
        "made_by",
        "reason",
        "undone_at",
        "undone_by",
        "id",
        "shown_changes",
    )
    readonly_fields = ("shown_changes",)

    @display(description="changes")
    def shown_changes(self, merge: Merge) -> SafeString:
        """What undoing it needs."""
        return preformatted(json.dumps(merge.changes, ensure_ascii=False))
