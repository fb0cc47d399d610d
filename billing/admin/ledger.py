"""The ledger in the admin: read-only, but each entry can be reversed once by another entry."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from billing.formats import name_of_grant_or_rollover
from billing.models import LedgerEntry, Posting
from customers.admin.base import Choices, ReadOnlyAdmin, Row
from customers.admin.filters import DaysFilter
from customers.admin.inlines import ReadOnlyInline
from customers.formats import (
    BAD,
    GOOD,
    NEWS,
    PLAIN,
    WAITING,
    column_of,
    link_to,
    long_text,
    number,
    preformatted,
    when,
)
from customers.sheets import act_url

KINDS = {
    "Grant": GOOD,
    "Usage": WAITING,
    "Refund": GOOD,
    "Reset": PLAIN,
    "Rollover": PLAIN,
    "Expiry": BAD,
    "Adjustment": NEWS,
    "Import": PLAIN,
    "Merge": PLAIN,
}
_CHANGE = "billing.change_balance"


class LineColumns:
    """The columns of a ledger line."""

    @display(description="change")
    def shown_amount(self, entry: LedgerEntry) -> str:
        return f"{'+' if entry.amount > 0 else ''}{number(entry.amount)}"

    @display(description="after")
    def shown_after(self, entry: LedgerEntry) -> str:
        return number(entry.after)

    @display(description="grant")
    def shown_owner(self, entry: LedgerEntry) -> str:
        return name_of_grant_or_rollover(entry.owner)


class LedgerEntryInline(LineColumns, ReadOnlyInline):
    model = LedgerEntry
    tab = False
    fields = ("shown_owner", "figure", "shown_amount", "shown_after")
    readonly_fields = ("shown_owner", "shown_amount", "shown_after")

    def get_queryset(self, request: HttpRequest) -> Any:
        return _with_owners(super().get_queryset(request))


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    """Every change of balances: ledger entries on pages."""

    list_display = (
        "shown_kind",
        "occurred",
        column_of("customer"),
        "shown_feature",
        "shown_amount",
        "shown_who",
        "shown_reason",
    )
    list_filter = (("kind", Choices), ("occurred_at", DaysFilter), ("feature", Row), ("customer", Row))
    list_select_related = ("customer", "feature")
    search_fields = ("key__exact",)
    search_help_text = "Search by ID or by full idempotency key."
    sortable_by = ()
    inlines = [LedgerEntryInline]
    actions_detail = ("take_back",)
    readonly_fields = ("shown_amount", "reversed_by", "reversed_entry", "shown_answer")
    fieldsets = (
        (
            "Ledger entry",
            {
                "classes": ["tab"],
                "fields": (
                    "kind",
                    "customer",
                    "feature",
                    "entity",
                    "shown_amount",
                    "occurred_at",
                    "recorded_at",
                    "done_by",
                    "reason",
                    "reversed_entry",
                    "reversed_by",
                ),
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id", "key", "digest", "shown_answer")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        """Lists leave out the responses, which may be long."""
        queryset: QuerySet[Posting] = super().get_queryset(request)
        is_list = request.resolver_match is None or "object_id" not in request.resolver_match.kwargs
        return queryset.defer("answer") if is_list else queryset.select_related("reverses")

    def has_take_back_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm(_CHANGE)

    @display(description="kind", label=KINDS)
    def shown_kind(self, posting: Posting) -> str:
        return posting.get_kind_display()

    @display(description="feature")
    def shown_feature(self, posting: Posting) -> SafeString | str:
        return long_text(str(posting.feature)) if posting.feature else "-"

    @display(description="amount")
    def shown_amount(self, posting: Posting) -> str:
        return number(posting.amount)

    @display(description="when")
    def occurred(self, posting: Posting) -> SafeString | str:
        return when(posting.occurred_at)

    @display(description="by")
    def shown_who(self, posting: Posting) -> SafeString | str:
        return long_text(posting.done_by)

    @display(description="reason")
    def shown_reason(self, posting: Posting) -> SafeString | str:
        return long_text(posting.reason)

    @display(description="reverses")
    def reversed_entry(self, posting: Posting) -> SafeString | str:
        return link_to(posting.reverses)

    @display(description="reversed by")
    def reversed_by(self, posting: Posting) -> SafeString | str:
        return link_to(posting.reversals.first())

    @display(description="response")
    def shown_answer(self, posting: Posting) -> SafeString | str:
        return (
            "-" if posting.answer is None else preformatted(forms.JSONField().prepare_value(posting.answer))
        )

    # The URL and the name of the action are older than the word on the page.
    @action(description="Reverse", url_path="take-back", permissions=["take_back"], icon="undo")
    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the sheet that reverses the entry."""
        return HttpResponseRedirect(act_url("reverse-entry", unquote(object_id)))


@admin.register(LedgerEntry)
class LedgerEntryAdmin(LineColumns, ReadOnlyAdmin):
    """Every change of one figure: ledger lines on pages."""

    list_display = ("shown_owner", "figure", "shown_amount", "shown_after", "shown_entry")
    list_filter = (("figure", Choices),)
    list_select_related = ("posting",)
    search_fields = ("id",)
    search_help_text = "Search by ID."
    sortable_by = ()
    fields = ("posting", "shown_owner", "figure", "number", "shown_amount", "shown_after", "id")
    readonly_fields = ("shown_owner", "shown_amount", "shown_after")

    @display(description="ledger entry")
    def shown_entry(self, line: LedgerEntry) -> SafeString | str:
        return link_to(line.posting)

    def get_queryset(self, request: HttpRequest) -> Any:
        return _with_owners(super().get_queryset(request))


def _with_owners(entries: Any) -> Any:
    return entries.select_related("posting", "grant__plan", "rollover__grant__plan")
