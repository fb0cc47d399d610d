"""The worklist's tables in the admin. The page is `crm.desk.pages.worklist`."""

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
from customers.admin.filters import DaysFilter
from customers.formats import column_of, counted, long_text, text_of


@admin.register(WorklistDecision)
class WorklistDecisionAdmin(ReadOnlyAdmin):
    """Decisions about reasons, which users can undo."""

    list_display = ("shown_words", column_of("customer"), "decision", "until", "decided_by", "decided_at")
    list_filter = (("decision", Choices), ("decided_at", DaysFilter), ("customer", Row))
    list_select_related = ("customer", "decided_by")
    search_fields = ("rule__exact",)
    search_help_text = "Name of a rule, or ID of a decision or a customer"
    sortable_by = ("until", "decided_at")
    actions = ("open_again",)
    fields = ("customer", "rule", "key", "words", "decision", "until", "decided_by", "decided_at", "id")

    def has_decide_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whether the user may decide on the worklist."""
        return request.user.has_perm("crm.change_worklistdecision")

    @admin.action(description="Undo", permissions=["decide"])
    def open_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Undo the selected decisions."""
        keys = list(queryset.values_list("pk", flat=True))
        count = undo(WorklistDecision.objects.filter(pk__in=keys))
        self.message_user(
            request, f"Undid {counted(count, 'decision')}. Reasons that still apply are back on the worklist."
        )

    @display(description="reason")
    def shown_words(self, decision: WorklistDecision) -> SafeString | str:
        """The words of the reason."""
        return long_text(decision.words)


@admin.register(WorklistEntry)
class WorklistEntryAdmin(ReadOnlyAdmin):
    """Which user's worklist has which customer, as computed by the last refresh."""

    list_display = (text_of("customer"), "person", "weight", "heaviest")
    list_filter = (("customer", Row),)
    list_select_related = ("customer", "person")
    search_fields = ("id",)
    sortable_by = ("weight",)
    fields = ("customer", "person", "weight", "heaviest", "id")


@admin.register(WorklistReason)
class WorklistReasonAdmin(ReadOnlyAdmin):
    """Reasons, as computed by the last refresh."""

    list_display = ("shown_words", "rule", "weight", "decision", "since")
    list_filter = (("decision", Choices), ("since", DaysFilter))
    search_fields = ("rule__exact",)
    search_help_text = "Name of a rule, or ID"
    sortable_by = ("weight", "since")
    fields = ("entry", "rule", "key", "words", "weight", "since", "link", "decision", "until", "id")

    @display(description="reason")
    def shown_words(self, reason: WorklistReason) -> SafeString | str:
        """The words of the reason."""
        return long_text(reason.words)


@admin.register(DeskRefresh)
class DeskRefreshAdmin(ReadOnlyAdmin):
    """When each part of the desk was last refreshed."""

    list_display = ("name", "finished_at", "customers")
    search_fields = ("name",)
    sortable_by = ("name",)
    fields = ("name", "finished_at", "customers")
