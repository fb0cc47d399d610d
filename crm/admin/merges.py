"""Merges in the admin, read-only. They are made and undone on their own pages."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from crm.dedupe.merges.plan import PERMISSION
from crm.models import Merge
from customers.admin.base import ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.formats import column_of, preformatted, text_of


@admin.register(Merge)
class MergeAdmin(ReadOnlyAdmin):
    """Who was merged into whom, when and by whom, and whether it was undone."""

    list_display = (text_of("survivor"), column_of("other"), "made_at", "made_by", "undone_at")
    list_filter = (("made_at", DaysFilter), ("undone_at", DaysFilter), ("survivor", Row))
    list_select_related = ("survivor", "other", "made_by")
    search_fields = ("id",)
    search_help_text = "Search by the full ID of the merge or of the primary record."
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
    actions_detail = ("undo",)

    @action(description="Undo", url_path="undo", permissions=["undo"], icon="undo")
    def undo(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the page that shows what an undo restores."""
        return HttpResponseRedirect(reverse("desk-unmerge", args=[unquote(object_id)]))

    def has_undo_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(PERMISSION)

    @display(description="changes")
    def shown_changes(self, merge: Merge) -> SafeString:
        """The changes that an undo reverts, as JSON."""
        return preformatted(json.dumps(merge.changes, ensure_ascii=False))
