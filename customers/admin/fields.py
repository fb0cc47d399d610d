"""The form fields of the admin: strict JSON, figures without trailing zeros, links, and choices of a row."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Model
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTextInputWidget,
)

from customers.admin.contact_fields import EmailField
from customers.formats import opens_a_page, plain_text
from customers.ingest.reader import read_value
from customers.json_types import JsonDocument, Link, Refused, free_form, is_plain_link, parse, to_plain
from customers.limits import refuse_oversized, too_large
from customers.readings.emails import email, is_email
from customers.readings.links import link, tidy_links


class JsonField(forms.JSONField):
    """A JSON value, read by the strict reader and checked against `shape`; every problem is a form error.

    `shape` is `Any`, `dict` for an object, or a list with the type of its items: `[str]`, `[dict]`, `[Link]`,
    `[EmailText]` or a document type, whose items are returned in the form of that document. Email addresses and links
    in it are read as at import; an email address may only be malformed if it was in `former`, the value before the edit. An empty field is `when_empty()`.
    """

    def __init__(
        self, *, shape: Any = Any, when_empty: Callable[[], Any] | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.shape = shape
        self.former: Any = None
        self.when_empty = when_empty or (lambda: None)

    def to_python(self, value: Any) -> Any:
        """The value of the text; raises `ValidationError` with the place of a problem."""
        if self.disabled:
            return value
        if value in self.empty_values:
            return self.when_empty()
        try:
            found = free_form(self._checked(read_value(value)))
        except Refused as refusal:
            raise ValidationError(_at(refusal.path, refusal.reason), code="invalid") from None
        except ValueError as problem:
            raise ValidationError(f"{problem}.", code="invalid") from None
        if reason := too_large(found):
            raise ValidationError(reason, code="too_large")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """The text as it was typed, even if it is not JSON."""
        return initial if self.disabled else _Typed(data or "")

    def prepare_value(self, value: Any) -> Any:
        """The text in the form: indented, with as few escapes as possible."""
        if isinstance(value, _Typed):
            return str(value)
        return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether `data` is another value; layout is ignored, `1` and `true` differ."""
        try:
            new = self.to_python(data)
        except ValidationError:
            return True
        return json.dumps(initial, sort_keys=True) != json.dumps(new, sort_keys=True)

    def _checked(self, value: Any) -> Any:
        if self.shape is Any:
            return value
        if self.shape is dict:
            if not isinstance(value, dict):
                raise Refused("$", 'Enter an object, such as {"key": "value"}.')
            return value
        (item,) = self.shape
        if not isinstance(value, list):
            raise Refused("$", "Enter a list in square brackets.")
        former = set(_texts(self.former))
        return [_checked_item(item, each, f"$[{index}]", former) for index, each in enumerate(value)]


class FigureFormField(forms.DecimalField):
    """A quantity or a unit price, shown without trailing zeros."""

    widget = UnfoldAdminDecimalFieldWidget

    def prepare_value(self, value: Any) -> Any:
        """`20` for a column's `20.0000000000`."""
        return plain_text(value) if not isinstance(value, str | type(None)) else value

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Any step, because ten decimals would make the browser's arrows useless."""
        return {**super().widget_attrs(widget), "step": "any"}


class LinkInput(UnfoldAdminTextInputWidget):
    """A text field for a link, with a button that opens the saved link."""

    template_name = "customers/link_input.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The link, unless it could run a script."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"]["link"] = value if opens_a_page(value) else ""
        return context


class RowSelect(AutocompleteSelect):
    """An autocomplete for one row. A row that the form's instance has already loaded needs no query."""

    at_hand: Model | None = None

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> list[Any]:
        """The chosen row; malformed IDs choose nothing."""
        target = self.field.remote_field.model._meta.pk
        chosen = [one for one in map(str, value) if _is_id(target, one)]
        if self.at_hand is not None and chosen == [str(self.at_hand.pk)]:
            blank = [] if self.is_required else [self.create_option(name, "", "", False, 0)]
            option = self.create_option(name, chosen[0], str(self.at_hand), True, len(blank))
            return [(None, [*blank, option], 0)]
        groups: list[Any] = super().optgroups(name, chosen, attr)
        return groups


def plain_link_only(value: str) -> None:
    """Raises `ValidationError` for a link that a browser might run as a script."""
    if not is_plain_link(value):
        raise ValidationError("Enter a link that begins with http:// or https://.", code="link")


class EmailText(str):
    """The shape of an email address in a list."""

    __slots__ = ()


class _Typed(str):
    """The text of a field as a person typed it."""

    __slots__ = ()


def _checked_item(item: Any, value: Any, path: str, former: set[str]) -> Any:
    if item in (str, dict, EmailText):
        if not isinstance(value, dict if item is dict else str):
            raise Refused(path, "Enter an object." if item is dict else "Enter a text in quotes.")
        return _checked_email(value, path, former) if item is EmailText else value
    try:
        parsed = parse(item, value)
        if isinstance(parsed, Link):
            return link(parsed)[0]
        if isinstance(parsed, JsonDocument):
            tidy_links("$", parsed)
            if address := getattr(parsed, "email", None):
                setattr(parsed, "email", _checked_email(address, "$.email", former))  # noqa: B010 - of some types
            refuse_oversized(parsed)
        return to_plain(parsed)
    except Refused as refusal:
        raise Refused(path + refusal.path.removeprefix("$"), refusal.reason) from None


def _checked_email(text: Any, path: str, former: set[str]) -> str:
    if text in former:
        return str(text)
    address, _ = email(text)
    if not is_email(address) and address not in former:
        raise Refused(path, EmailField.advice)
    return address


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _at(path: str, reason: str) -> str:
    return reason if path == "$" else f"At {path}: {reason}"


def _is_id(field: Any, text: str) -> bool:
    try:
        return field.to_python(text) is not None and "\0" not in text
    except (ValidationError, ValueError):
        return False
