"""Edit the value of a custom field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils.text import Truncator

from billing.sheets.fields import Segments, amount_field, focus
from crm.models import CustomField
from customers.formats import number
from customers.sheets import Act, Block, Changed, Done, Line, Preview, Refused, SheetForm

_COLUMNS = ("string_value", "string_list_value", "number_value", "boolean_value")
#: Characters of a value in a preview or message.
_SHOWN = 100
_YES_NO = (("yes", "Yes"), ("no", "No"))


class FieldForm(SheetForm):
    """The value, as the type of the field has it."""

    value: Any = forms.CharField(
        label="Value", max_length=20_000, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, row: CustomField, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fields: Any = self.fields
        column = column_of(row)
        if column == "number_value":
            # Without a number the field would not be known as one of numbers any more.
            fields["value"] = amount_field("Value")
        elif column == "boolean_value":
            fields["value"] = forms.ChoiceField(label="Value", choices=_YES_NO, widget=Segments)
        elif column == "string_list_value":
            fields["value"].help_text = "One text on each line."
        fields["value"].initial = _as_typed(row, column)
        focus(self, "value")


class EditField(Act):
    """Edit the value of a custom field."""

    name = "edit-field"
    title = "Edit custom field"
    verb = "Save"
    permissions = ("crm.change_customfield", "customers.view_customer")
    models = (CustomField,)

    def heading(self) -> str:
        """The name of the field."""
        return f"Edit {self.row}"

    def home(self) -> str:
        """The tab that shows it."""
        return reverse("desk-details", args=[self.row.customer_id])

    def form(self, data: QueryDict | None, initial: dict[str, Any]) -> FieldForm:
        """The form with the present value."""
        return FieldForm(self.row, data)

    def notes(self, form: FieldForm) -> list[str]:
        """Whether an import replaces the value."""
        return (
            ["This field comes from the CRM. The next import replaces its value."]
            if self.row.imported
            else []
        )

    def preview(self, form: FieldForm) -> Preview:
        """The value before and after."""
        value = _as_stored(self.row, form.cleaned_data["value"])
        if value == _as_stored(self.row, _as_typed(self.row, column_of(self.row))):
            if self.request.method == "POST":
                raise Refused("Enter another value. This one is saved already.")
            return Preview(button=f"Save {self.row}", seen=repr(_values(self.row)))
        line = Line(str(self.row), _shown(in_words(value)), _shown(value_in_words(self.row)))
        return Preview(
            button=f"Save {self.row}", blocks=[Block("Preview", [line])], seen=repr(_values(self.row))
        )

    @transaction.atomic
    def do(self, form: FieldForm, seen: str) -> Done:
        """Save it."""
        row: Any = CustomField.objects.select_for_update().get(pk=self.row.pk)
        if repr(_values(row)) != seen:
            raise Changed
        setattr(row, column_of(row), _as_stored(row, form.cleaned_data["value"]))
        row._history_user = self.request.user
        row.save()
        words = value_in_words(row)
        return Done(message=f"Set {row} to {_shown(words)}." if words else f"Cleared {row}.")


def column_of(row: CustomField) -> str:
    """The column that holds the value."""
    return next((column for column in reversed(_COLUMNS) if getattr(row, column) is not None), _COLUMNS[0])


def value_in_words(row: CustomField) -> str:
    """The value as pages show it."""
    return in_words(getattr(row, column_of(row)))


def in_words(value: Any) -> str:
    """A value of any type as pages show it."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value or "" if isinstance(value, str | None) else number(value)


def _values(row: CustomField) -> list[Any]:
    return [getattr(row, column) for column in _COLUMNS]


def _as_typed(row: CustomField, column: str) -> Any:
    value = getattr(row, column)
    if column == "boolean_value":
        return "yes" if value else "no"
    if column == "string_list_value":
        return "\n".join(map(str, value or ()))
    return value


def _as_stored(row: CustomField, typed: Any) -> Any:
    column = column_of(row)
    if column == "boolean_value":
        return typed == "yes"
    if column == "string_list_value":
        return [line.strip() for line in typed.splitlines() if line.strip()]
    # A browser sends the ends of lines as two characters.
    return "\n".join(typed.splitlines()) if isinstance(typed, str) else typed


def _shown(words: str) -> str:
    return Truncator(words).chars(_SHOWN) or "None"
