"""Rows that imports write too, in the admin: what a person edits is held fast, and can be let go."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.text import capfirst
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from customers.admin.base import HistoryAdmin
from customers.admin.forms import RecordForm
from customers.models import Holding


class HoldingForm(RecordForm):
    """A form with a way to let imports change again what was edited here."""

    let_imports_change = forms.MultipleChoiceField(
        label="Let imports change again",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Ticked fields are no longer held fast: the next import may change them.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields.get("let_imports_change")
        if field is not None:
            field.choices = [(name, label_of(self.instance, name)) for name in self.instance.pinned_fields]


class HoldingAdmin(HistoryAdmin):
    """A row that people and imports write: what a person edits, imports leave alone until it is let go."""

    form = HoldingForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With what is held fast, if anything is."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not obj.pinned_fields:
            return fieldsets
        fields = ["held_fast"]
        if self.has_change_permission(request, obj):
            fields.append("let_imports_change")
        return [*fieldsets, ("Imports", {"classes": ["tab"], "fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is held fast is only shown."""
        return (*super().get_readonly_fields(request, obj), "held_fast")

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm, change: bool) -> None:
        """Save, and hold fast what the person has entered."""
        obj.unpin(form.cleaned_data.get("let_imports_change", ()))
        if change:
            obj.pin(form.changed_data)
        super().save_model(request, obj, form, change)

    @display(description="held fast")
    def held_fast(self, row: Holding) -> str:
        """Which fields imports leave alone."""
        words = ", ".join(label_of(row, name).lower() for name in row.pinned_fields)
        return f"Edited here, imports leave these alone: {words}."


def label_of(row: Holding, name: str) -> str:
    """What a field is called."""
    label: str = capfirst(str(row._meta.get_field(name).verbose_name))  # type: ignore[union-attr]
    return label
