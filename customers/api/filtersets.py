"""Filters of lists: django-filter with strict values, described by their own attributes."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django_filters import CharFilter, ChoiceFilter, Filter, FilterSet, TypedChoiceFilter

from customers.api.parameters import Parameter, instant

_TEXT_LENGTH = 255
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class TextFilter(CharFilter):
    """A text of at most `longest` characters."""

    def __init__(self, *args: Any, longest: int = _TEXT_LENGTH, **options: Any) -> None:
        # The pattern requires a character that is not a space. Python counts more characters as spaces than JSON Schema.
        self.schema = {
            "type": "string",
            "minLength": 1,
            "maxLength": longest,
            "pattern": r"[^\s\x1c-\x1f\x85]",
        }
        too_long = f"is too long. Use at most {longest} characters."
        super().__init__(*args, max_length=longest, error_messages={"max_length": too_long}, **options)


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
            return instant(value)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None


class InstantFilter(Filter):
    """A time in ISO 8601; without a zone it is in UTC."""

    field_class = _InstantField
    schema = {"type": "string", "format": "date-time"}


class _DayField(forms.Field):
    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values:
            return None
        try:
            if not _DAY.fullmatch(value.strip()):
                raise ValueError
            return date.fromisoformat(value.strip())
        except ValueError:
            raise ValidationError("must be a date such as 2024-08-26.") from None


class DayFilter(Filter):
    """A calendar date in ISO 8601."""

    field_class = _DayField
    schema = {"type": "string", "format": "date"}


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
