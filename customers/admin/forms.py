"""The base form of the admin, which notices that someone else changed the row."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.text import capfirst

from customers.admin.contact_fields import ContactField, PhoneField
from customers.admin.extreme_times import keep_extreme_times
from customers.admin.fields import JsonField, RowSelect
from customers.admin.phone_region import region_of

_SHOWN = 200


class ShownValuesField(forms.Field):
    """Digests of the values that the page showed, by field, in a hidden input."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> dict[str, str] | None:
        """The digests by field; None if they are missing or malformed."""
        try:
            found = json.loads(value)
        except (TypeError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def prepare_value(self, value: Any) -> str:
        return json.dumps(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """The digests of the current values, even if the form is shown again with errors."""
        return initial

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Always false, because the field holds no column of the row."""
        return False


class RecordForm(forms.ModelForm):
    """A form that never silently overwrites changes that someone else saved after it was opened.

    The page carries a digest of every value that it showed. If a value has changed since, the form is shown again with
    an error at that field; saving again overwrites it. The row must be locked while a form is checked and saved
    (`RecordAdmin` does that).

    `warnings` are about values that are saved all the same.
    """

    seen_values = ShownValuesField()

    def __init__(self, *args: Any, **options: Any) -> None:
        if options.get("instance") is not None:
            keep_extreme_times([options["instance"]])
        super().__init__(*args, **options)
        self.warnings: list[str] = []
        if self.instance._state.adding:
            del self.fields["seen_values"]
        else:
            self.initial["seen_values"] = self._digests()
        for name, field in self.fields.items():
            widget = getattr(field.widget, "widget", field.widget)
            if isinstance(field, ContactField | JsonField):
                field.former = self.initial.get(name)
            if isinstance(field, PhoneField):
                field.region = partial(region_of, self)
            if isinstance(widget, RowSelect):
                widget.at_hand = self.instance._state.fields_cache.get(name)

    def clean(self) -> dict[str, Any] | None:
        """Add an error to each field that someone else has changed since the form was opened."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self.warnings = [
            f"{capfirst(field.label)}: {field.doubt}"
            for name, field in self.fields.items()
            if isinstance(field, PhoneField) and field.doubt and name in self.changed_data
        ]
        if "seen_values" not in self.fields or not self.has_changed():
            return cleaned
        seen = cleaned.get("seen_values")
        if seen is None:
            raise ValidationError("Reload the page and enter your changes again. Nothing was saved.")
        now = self.initial["seen_values"]
        for name in now:
            if seen.get(name) != now[name]:
                self.add_error(name, self._conflict(name))
        return cleaned

    def _post_clean(self) -> None:
        # Django skips constraints on fields that are not on the form or are read-only.
        super()._post_clean()  # type: ignore[misc]
        if not self.has_changed():
            return
        try:
            self.instance.validate_constraints(exclude=set(self.errors))
        except ValidationError as problem:
            for name, errors in problem.error_dict.items():
                where = name if name in self.fields else None
                shown = list(map(str, self.errors.get(where or NON_FIELD_ERRORS, ())))
                self.add_error(where, [error for error in errors if error.messages[0] not in shown])

    def _digests(self) -> dict[str, str]:
        return {
            name: _digest(self.get_initial_for_field(field, name))
            for name, field in self.fields.items()
            if name in self._meta.model._meta._forward_fields_map
        }

    def _conflict(self, name: str) -> str:
        shown = getattr(self.instance, f"get_{name}_display", None)
        value = shown() if shown else getattr(self.instance, name)
        if value is None or value == "":
            now = "it is now empty"
        else:
            text = str(value)
            now = f"it is now “{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}”"
        return f"Someone changed this after you opened the form: {now}. Save again to overwrite it."


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
