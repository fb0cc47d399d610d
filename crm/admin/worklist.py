"""The worklist's rows in the admin: what was computed, and what people decided. The page is `crm.desk.pages.worklist`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from crm.desk.worklist.decisions import undo
from crm.models import DeskRefresh, WorklistDecision, WorklistEntry, WorklistReason
from customers.admin.base import Choices, ReadOnlyAdmin, Row
from customers.admin.filters import Days
from customers.formats import column_of, long_text, text_of


@admin.register(WorklistDecision)
class WorklistDecisionAdmin(ReadOnlyAdmin):
    """What people decided of reasons, which can be taken back."""

    list_display = ("said", column_of("customer"), "decision", "until", "decided_by", "decided_at")
    list_filter = (("decision", Choices), ("decided_at", Days), ("customer", Row))
    list_select_related = ("customer", "decided_by")
    search_fields = ("rule__exact",)
    search_help_text = "The name of a rule, or an id of ours or of the customer"
    sortable_by = ("until", "decided_at")
    actions = ("open_again",)
    fields = ("customer", "rule", "key", "words", "decision", "until", "decided_by", "decided_at", "id")

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever may decide on the worklist."""
        return request.user.has_perm("crm.change_worklistdecision")

    @admin.action(description="Open again", permissions=["decide"])
    def open_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Take decisions back."""
        keys = list(queryset.values_list("pk", flat=True))
        count = undo(WorklistDecision.objects.filter(pk__in=keys))
        self.message_user(request, f"Open again: {count}. What still is so is on the worklist.")

    @display(description="reason")
    def said(self, decision: WorklistDecision) -> SafeString | str:
        """What the reason said."""
        return long_text(decision.words)


@admin.register(WorklistEntry)
class WorklistEntryAdmin(ReadOnlyAdmin):
    """Who should look at which customer, as it was computed last."""

    list_display = (text_of("customer"), "person", "weight", "heaviest")
    list_filter = (("customer", Row),)
    list_select_related = ("customer", "person")
    search_fields = ("id",)
    sortable_by = ("weight",)
    fields = ("customer", "person", "weight", "heaviest", "id")


@admin.register(WorklistReason)
class WorklistReasonAdmin(ReadOnlyAdmin):
    """Why, as it was computed last."""

    list_display = ("said", "rule", "weight", "decision", "since")
    list_filter = (("decision", Choices), ("since", Days))
    search_fields = ("rule__exact",)
    search_help_text = "The name of a rule, or an id"
    sortable_by = ("weight", "since")
    fields = ("entry", "rule", "key", "words", "weight", "since", "link", "decision", "until", "id")

    @display(description="reason")
    def said(self, reason: WorklistReason) -> SafeString | str:
        """What it says."""
        return long_text(reason.words)


@admin.register(DeskRefresh)
class DeskRefreshAdmin(ReadOnlyAdmin):
    """When what the desk computes ahead was computed last."""

    list_display = ("name", "finished_at", "customers")
    search_fields = ("name",)
    sortable_by = ("name",)
    fields = ("name", "finished_at", "customers")
