"""The form behind every form of the admin: it notices that somebody else has saved the row in the meantime."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from customers.admin.extreme_times import keep_extreme_times
from customers.admin.fields import RowSelect

_SHOWN = 200


class ShownValuesField(forms.Field):
    """What a person saw when they opened the form: a digest for each field, kept in the page."""

    widget = forms.HiddenInput

    def __init__(self) -> None:
        super().__init__(required=False)

    def to_python(self, value: Any) -> dict[str, str] | None:
        """The digests by field; None where they are missing or were tampered with."""
        try:
            found = json.loads(value)
        except (TypeError, ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def prepare_value(self, value: Any) -> str:
        """The digests as the page keeps them."""
        return json.dumps(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """A form that is shown again shows, with its errors, how the row is now: so that is what was seen."""
        return initial

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Never: it is no field of the row."""
        return False


class RecordForm(forms.ModelForm):
    """A form that never overwrites in silence what somebody else saved after it was opened.

    The page carries a digest of every value that it showed. If one of them is no longer what the database holds,
    the form is shown again with an error beside each such field; saving it once more is a decision. The row has
    to be locked while a form is checked and saved (`RecordAdmin` does that).
    """

    seen_values = ShownValuesField()

    def __init__(self, *args: Any, **options: Any) -> None:
        if options.get("instance") is not None:
            keep_extreme_times([options["instance"]])
        super().__init__(*args, **options)
        if self.instance._state.adding:
            del self.fields["seen_values"]
        else:
            self.initial["seen_values"] = self._digests()
        for name, field in self.fields.items():
            widget = getattr(field.widget, "widget", field.widget)
            if isinstance(widget, RowSelect):
                widget.at_hand = self.instance._state.fields_cache.get(name)

    def clean(self) -> dict[str, Any] | None:
        """Add an error to each field that somebody else has changed since the form was opened."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "seen_values" not in self.fields or not self.has_changed():
            return cleaned
        seen = cleaned.get("seen_values")
        if seen is None:
            raise ValidationError("This page does not tell which values it showed. Open it again.")
        now = self.initial["seen_values"]
        for name in now:
            if seen.get(name) != now[name]:
                self.add_error(name, self._conflict(name))
        return cleaned

    def _post_clean(self) -> None:
        # Django passes over the constraints that touch a field which this form does not have, or only shows.
        super()._post_clean()  # type: ignore[misc]
        if not self.has_changed():
            return
        try:
            self.instance.validate_constraints(exclude=set(self.errors))
        except ValidationError as problem:
            for name, errors in problem.error_dict.items():
                where = name if name in self.fields else None
                told = list(map(str, self.errors.get(where or NON_FIELD_ERRORS, ())))
                self.add_error(where, [error for error in errors if error.messages[0] not in told])

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
            now = "it is empty now"
        else:
            text = str(value)
            now = f"it is now “{text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}”"
        return f"Somebody changed this since you opened the form: {now}. Save again to overwrite it."


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
