"""Notes and documents in the admin. The author of a note is the user who adds it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, TextField
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from crm.models import Document, Note
from crm.notes import mention_colleagues
from customers.admin.base import HistoryAdmin, Row, YesNo
from customers.admin.fields import plain_link_only
from customers.admin.filters import DaysFilter, MineFilter
from customers.admin.inlines import RecordFormSet, RecordTabularInline
from customers.formats import column_of, link_out, long_text


class Author(MineFilter):
    """Filter: my notes."""

    title = "author"
    parameter_name = "author"


class NoteFormSet(RecordFormSet):
    """A customer's notes, at most one of them the summary."""

    only_one = "is_summary"

    def complete(self, row: Model) -> None:
        if isinstance(row, Note):
            row.author = self.user

    def save_new(self, form: ModelForm, commit: bool = True) -> Any:
        """Save a new note, and notify the colleagues that it mentions."""
        note = super().save_new(form, commit)
        if commit:
            mention_colleagues(note)
        return note


class NoteInline(RecordTabularInline):
    model = Note
    fk_name = "customer"
    hide_title = True
    formfield_overrides = {TextField: {"widget": UnfoldAdminExpandableTextareaWidget}}
    formset = NoteFormSet
    fields = ("body", "is_summary", "is_pinned", "author", "created_at")
    readonly_fields = ("author", "created_at")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("author")


class DocumentInline(RecordTabularInline):
    model = Document
    fk_name = "customer"
    fields = ("type", "title", "url")
    link_fields = {"url": plain_link_only}
    deletable = True
    hide_title = True


@admin.register(Note)
class NoteAdmin(HistoryAdmin):
    list_display = ("first_line", column_of("customer"), "author", "is_summary", "is_pinned", "created_at")
    list_filter = (
        ("is_summary", YesNo),
        ("is_pinned", YesNo),
        ("created_at", DaysFilter),
        Author,
        ("customer", Row),
    )
    list_select_related = ("customer", "author")
    search_fields = ("body",)
    sortable_by = ("created_at",)
    autocomplete_fields = ("customer",)
    deletable = True
    readonly_fields = ("author", "origin", "created_at", "id")
    fields = ("customer", "body", "is_summary", "is_pinned", "author", "origin", "created_at", "id")

    @display(description="note")
    def first_line(self, note: Note) -> SafeString | str:
        return long_text(str(note))

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        if not change:
            obj.author = request.user
        super().save_model(request, obj, form, change)
        mention_colleagues(obj)


@admin.register(Document)
class DocumentAdmin(HistoryAdmin):
    list_display = ("shown_title", "type", column_of("customer"), "link", "created_at")
    list_filter = (("created_at", DaysFilter), ("customer", Row))
    list_select_related = ("customer",)
    search_fields = ("title", "type")
    sortable_by = ("shown_title", "type", "created_at")
    autocomplete_fields = ("customer",)
    link_fields = {"url": plain_link_only}
    deletable = True
    readonly_fields = ("id", "created_at")
    fields = ("customer", "type", "title", "url", "created_at", "id")

    @display(description="title", ordering="title")
    def shown_title(self, document: Document) -> SafeString | str:
        return long_text(document.title)

    @display(description="link")
    def link(self, document: Document) -> SafeString | str:
        return link_out(document.url, "Open") if document.url else "-"
