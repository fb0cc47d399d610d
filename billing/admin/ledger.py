"""The ledger in the admin: read-only, but each entry can be reversed once by another entry."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.admin.adjust import figures_table, name_of
from billing.balances.grant_preview import preview_reverse
from billing.ledger.entries import CannotReverse
from billing.ledger.entries import reverse as reverse_posting
from billing.models import LedgerEntry, Posting
from customers import clock
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


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Shown with the ledger entry.",
    )


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
        return name_of(entry.owner)


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
        """Reverse the entry: show a preview, then post a second entry that undoes the first."""
        key = unquote(object_id)
        found = Posting.objects.select_related("customer", "feature")
        posting = found.filter(pk=key).first() if self.is_id(key) else None
        if posting is None:
            redirect: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, key)
            return redirect
        posting_url = reverse("admin:billing_posting_change", args=[quote(posting.pk)])
        form = ReasonForm(request.POST if request.method == "POST" else None)
        refusal, preview, now = "", None, clock.now()
        try:
            if form.is_bound and form.is_valid():
                made = reverse_posting(
                    posting, done_by=request.user.get_username(), reason=form.cleaned_data["reason"], at=now
                )
                self.message_user(
                    request,
                    "Reversed the ledger entry. This is the entry that reverses it.",
                    messages.SUCCESS,
                )
                return HttpResponseRedirect(reverse("admin:billing_posting_change", args=[quote(made.pk)]))
            preview = preview_reverse(posting, at=now)
        except CannotReverse as problem:
            refusal = str(problem)
        return TemplateResponse(
            request,
            "billing/posting_reverse.html",
            {
                **self.admin_site.each_context(request),
                "title": str(posting),
                "subtitle": "Reversal",
                "opts": self.opts,
                "original": posting,
                "form": form,
                "refusal": refusal,
                "posting_url": posting_url,
                "balances": preview
                and [
                    (str(balance), figures_table(before, after)) for balance, before, after in preview.figures
                ],
                "entries": preview and _entries(preview.entries),
            },
        )


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


def _entries(entries: Any) -> dict[str, Any]:
    return {
        "headers": ["Grant", "Figure", "Change", "After"],
        "rows": [
            [
                name_of(entry.owner),
                entry.get_figure_display(),
                f"{'+' if entry.amount > 0 else ''}{number(entry.amount)}",
                number(entry.after),
            ]
            for entry in entries
        ],
    }
