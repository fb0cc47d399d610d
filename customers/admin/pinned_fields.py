"""Rows that imports write too, in the admin: what a person edits is locked, and can be unlocked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.utils import flatten_fieldsets
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from customers.admin.base import HistoryAdmin
from customers.admin.forms import RecordForm
from customers.formats import EMPTY
from customers.models import PinnedFields
from customers.pinned_fields import change_locks


class PinnedFieldsForm(RecordForm):
    """A form on which locked fields can be unlocked."""

    unlock_fields = forms.MultipleChoiceField(
        label="Unlock",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Imports can change unlocked fields again.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields.get("unlock_fields")
        if field is not None:
            row = self.instance
            field.choices = [(name, capfirst(row.label_of(name))) for name in row.pinned_fields]


class PinnedFieldsAdmin(HistoryAdmin):
    """A row that people and imports write: what a person edits is locked against imports until it is unlocked."""

    form: Any = PinnedFieldsForm
    #: Whether the fields of a new row are locked too. Not needed if imports never write rows that were added here.
    locks_new_rows = False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add a tab for the locked fields, unless the declared fieldsets have them."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not obj.pinned_fields or "unlock_fields" in flatten_fieldsets(fieldsets):
            return fieldsets
        fields = ["locked_fields"]
        if self.has_change_permission(request, obj):
            fields.append("unlock_fields")
        return [*fieldsets, ("Imports", {"classes": ["tab"], "fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "locked_fields")

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        """Save, and lock what the person has entered."""
        entered = form.changed_data if change or self.locks_new_rows else ()
        change_locks(obj, lock=entered, unlock=form.cleaned_data.get("unlock_fields", ()))
        super().save_model(request, obj, form, change)

    @display(description="locked fields")
    def locked_fields(self, row: PinnedFields) -> str:
        """The fields that imports don't change."""
        return ", ".join(row.pinned_labels()) or EMPTY
