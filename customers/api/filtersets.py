"""Filters of lists: django-filter with strict values, described by their own attributes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django_filters import CharFilter, ChoiceFilter, Filter, FilterSet, TypedChoiceFilter

from customers.api.parameters import Parameter

_TEXT_LENGTH = 255


class TextFilter(CharFilter):
    """A text of at most 255 characters."""

    #: The pattern requires a character that is not a space. Python counts more characters as spaces than JSON Schema.
    schema = {"type": "string", "minLength": 1, "maxLength": _TEXT_LENGTH, "pattern": r"[^\s\x1c-\x1f\x85]"}

    def __init__(self, *args: Any, **options: Any) -> None:
        too_long = f"is too long. Use at most {_TEXT_LENGTH} characters."
        super().__init__(*args, max_length=_TEXT_LENGTH, error_messages={"max_length": too_long}, **options)


class WordFilter(ChoiceFilter):
    """One of a fixed set of words."""

    def __init__(self, *args: Any, words: Collection[str], **options: Any) -> None:
        wrong = f"must be one of {', '.join(words)}."
        self.schema = {"type": "string", "enum": list(words)}
        super().__init__(
            *args,
            choices=[(word, word) for word in words],
            error_messages={"invalid_choice": wrong},
            **options,
        )


class FlagFilter(TypedChoiceFilter):
    """`true` or `false`."""

    schema = {"type": "boolean"}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(
            *args,
            choices=[("true", "true"), ("false", "false")],
            coerce=lambda text: text == "true",
            error_messages={"invalid_choice": "must be true or false."},
            **options,
        )


class _InstantField(forms.Field):
    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            moment = datetime.fromisoformat(value.strip())
            return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(
                "must be a time in ISO 8601, such as 2024-08-26T12:15:00Z (a + is written %2B here)."
            ) from None


class InstantFilter(Filter):
    """A time in ISO 8601; without a zone it is in UTC."""

    field_class = _InstantField
    schema = {"type": "string", "format": "date-time"}


class ListFilterSet(FilterSet):
    """The filters of one list."""

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """The filters as parameters of a query string."""
        return tuple(
            Parameter(name, each.extra["help_text"], each.schema) for name, each in cls.base_filters.items()
        )

    @property
    def first_problem(self) -> tuple[str, str] | None:
        """The name of the first filter with a bad value, and the rest of a sentence that begins with the name."""
        return next(((name, str(problems[0])) for name, problems in self.errors.items()), None)
