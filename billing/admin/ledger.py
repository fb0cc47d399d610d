"""The ledger in the admin: to be read. What was posted can be taken back by another posting, once."""

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
from billing.ledger.entries import reverse as take_back
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
    """Why something is taken back."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="Kept with the change, for whoever asks later.",
    )


class EntryFigures:
    """The figures of an entry."""

    @display(description="change")
    def shown_amount(self, entry: LedgerEntry) -> str:
        """What was added to the figure."""
        return f"{'+' if entry.amount > 0 else ''}{number(entry.amount)}"

    @display(description="after")
    def shown_after(self, entry: LedgerEntry) -> str:
        """The figure after it."""
        return number(entry.after)

    @display(description="of")
    def shown_owner(self, entry: LedgerEntry) -> str:
        """The grant or rollover whose figure it is."""
        return name_of(entry.owner)


class LedgerEntryInline(EntryFigures, ReadOnlyInline):
    """What a posting changed."""

    model = LedgerEntry
    tab = False
    fields = ("shown_owner", "figure", "shown_amount", "shown_after")
    readonly_fields = ("shown_owner", "shown_amount", "shown_after")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the names of their grants are made of."""
        return _with_owners(super().get_queryset(request))


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    """Postings: everything that was done to balances."""

    list_display = (
        "shown_kind",
        "occurred_at",
        column_of("customer"),
        "shown_feature",
        "shown_amount",
        "shown_who",
        "shown_reason",
    )
    list_filter = (("kind", Choices), ("occurred_at", DaysFilter), ("feature", Row), ("customer", Row))
    list_select_related = ("customer", "feature")
    search_fields = ("key__exact",)
    search_help_text = "The whole idempotency key, or an id of ours."
    sortable_by = ()
    inlines = [LedgerEntryInline]
    actions_detail = ("take_back",)
    readonly_fields = ("shown_amount", "taken_back_by", "takes_back", "shown_answer")
    fieldsets = (
        (
            "Posting",
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
                    "takes_back",
                    "taken_back_by",
                ),
            },
        ),
        ("Origin", {"classes": ["tab"], "fields": ("id", "key", "digest", "shown_answer")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Posting]:
        """Lists do without the answers."""
        queryset: QuerySet[Posting] = super().get_queryset(request)
        is_list = request.resolver_match is None or "object_id" not in request.resolver_match.kwargs
        return queryset.defer("answer") if is_list else queryset.select_related("reverses")

    def has_take_back_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever may change balances."""
        return request.user.has_perm(_CHANGE)

    @display(description="kind", label=KINDS)
    def shown_kind(self, posting: Posting) -> str:
        """What was done."""
        return posting.get_kind_display()

    @display(description="feature")
    def shown_feature(self, posting: Posting) -> SafeString | str:
        """Of what."""
        return long_text(str(posting.feature)) if posting.feature else "-"

    @display(description="amount")
    def shown_amount(self, posting: Posting) -> str:
        """What was asked for."""
        return number(posting.amount)

    @display(description="by")
    def shown_who(self, posting: Posting) -> SafeString | str:
        """Who or what did it."""
        return long_text(posting.done_by)

    @display(description="reason")
    def shown_reason(self, posting: Posting) -> SafeString | str:
        """Why."""
        return long_text(posting.reason)

    @display(description="takes back")
    def takes_back(self, posting: Posting) -> SafeString | str:
        """The posting that this one takes back."""
        return link_to(posting.reverses)

    @display(description="taken back by")
    def taken_back_by(self, posting: Posting) -> SafeString | str:
        """The posting that takes this one back."""
        return link_to(posting.reversals.first())

    @display(description="answer")
    def shown_answer(self, posting: Posting) -> SafeString | str:
        """What was answered, word for word, each time the key came."""
        return (
            "-" if posting.answer is None else preformatted(forms.JSONField().prepare_value(posting.answer))
        )

    @action(description="Take back", url_path="take-back", permissions=["take_back"], icon="undo")
    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take back what the posting changed: first a preview, then another posting."""
        key = unquote(object_id)
        found = Posting.objects.select_related("customer", "feature")
        posting = found.filter(pk=key).first() if self.is_id(key) else None
        if posting is None:
            elsewhere: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, key)
            return elsewhere
        posting_url = reverse("admin:billing_posting_change", args=[quote(posting.pk)])
        form = ReasonForm(request.POST if request.method == "POST" else None)
        refusal, preview, now = "", None, clock.now()
        try:
            if form.is_bound and form.is_valid():
                made = take_back(
                    posting, done_by=request.user.get_username(), reason=form.cleaned_data["reason"], at=now
                )
                self.message_user(request, "The posting was taken back by this one.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:billing_posting_change", args=[quote(made.pk)]))
            preview = preview_reverse(posting, at=now)
        except CannotReverse as problem:
            refusal = str(problem)
        return TemplateResponse(
            request,
            "billing/posting_take_back.html",
            {
                **self.admin_site.each_context(request),
                "title": str(posting),
                "subtitle": "Taken back",
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
class LedgerEntryAdmin(EntryFigures, ReadOnlyAdmin):
    """Entries: each change of a figure."""

    list_display = ("shown_owner", "figure", "shown_amount", "shown_after", column_of("posting"))
    list_filter = (("figure", Choices),)
    list_select_related = ("posting",)
    search_fields = ("id",)
    search_help_text = "An id of ours."
    sortable_by = ()
    fields = ("posting", "shown_owner", "figure", "number", "shown_amount", "shown_after", "id")
    readonly_fields = ("shown_owner", "shown_amount", "shown_after")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the names of their grants are made of."""
        return _with_owners(super().get_queryset(request))


def _with_owners(entries: Any) -> Any:
    return entries.select_related("posting", "grant__plan", "rollover__grant__plan")


def _entries(entries: Any) -> dict[str, Any]:
    return {
        "headers": ["What", "Figure", "Change", "After"],
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
