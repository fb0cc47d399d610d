"""Fields of the sheets: plain inputs that the sheet's stylesheet dresses."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.timezone import make_aware

from customers.admin.fields import FigureFormField
from customers.sheets import Refused


class Segments(forms.RadioSelect):
    """A choice of two or three, side by side."""

    is_segmented = True


def amount_field(label: str, **options: Any) -> FigureFormField:
    """A quantity, typed as text with a numeric keyboard."""
    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    return FigureFormField(
        **{"label": label, "max_digits": 25, "decimal_places": 10, "widget": widget, **options}
    )


def text_field(label: str, **options: Any) -> forms.CharField:
    """A text in one line."""
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(**{"label": label, "max_length": 500, "widget": widget, **options})


def day_field(label: str, **options: Any) -> forms.DateField:
    """A day."""
    return forms.DateField(**{"label": label, "widget": forms.DateInput(attrs={"type": "date"}), **options})


def end_of(day: date | None) -> datetime | None:
    """The moment at which a day ends."""
    if day is None:
        return None
    try:
        return make_aware(datetime.combine(day + timedelta(days=1), time.min))
    except OverflowError:
        raise Refused("Choose an earlier day.") from None


def focus(form: forms.Form, name: str) -> None:
    """Put the cursor into a field when the form is opened."""
    if name in form.fields:
        form.fields[name].widget.attrs["autofocus"] = True


def raw_value(form: forms.Form, name: str) -> Any:
    """What was sent for a field, or its initial value, before the form is validated."""
    return form.data.get(name) if form.is_bound else form.get_initial_for_field(form.fields[name], name)
