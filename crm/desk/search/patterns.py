"""Patterns that the database looks for in texts, by the indexes of `crm.desk.search.indexes`."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, CharField, F, Func, Q, TextField, Value
from django.db.models.functions import Cast, Left, Replace, Upper

#: By so much of a text the index of beginnings goes.
BEGINNING = 100

_SPECIAL = {"\\": r"\\", "%": r"\%", "_": r"\_"}
_BETWEEN_DIGITS = " -()+./\u00a0"
_ENOUGH = 3


class Like(Func):
    """Whether a text is like a pattern."""

    arg_joiner = " LIKE "
    template = "(%(expressions)s)"
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite knows no escape unless it is told one."""
        return self.as_sql(compiler, connection, template="(%(expressions)s ESCAPE '\\')", **context)


class Digits(Func):
    """The digits of a phone number; on SQLite without what is usual between them."""

    function = "REGEXP_REPLACE"
    template = "%(function)s(%(expressions)s, '[^0-9]', '', 'g')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite has no such function."""
        (bare,) = self.get_source_expressions()
        for character in _BETWEEN_DIGITS:
            bare = Replace(bare, Value(character), Value(""))
        return bare.as_sql(compiler, connection)


def uppercased(column: str) -> Upper:
    """A column of text, of JSON too, in capitals."""
    return Upper(Cast(F(column), TextField()))


def leading(column: str) -> Left:
    """The beginning of a column of text, in capitals."""
    return Left(Upper(F(column)), BEGINNING)


def contains(column: str, word: str) -> Q:
    """Whether `word`, in small letters, is in a column. What is found holds all that matches, and perhaps more."""
    return _like(uppercased(column), [f"%{pattern}%" for pattern in _patterns(word)])


def starts_with(column: str, text: str) -> Q:
    """Whether a column begins with `text`, in small letters; as above, perhaps with more."""
    return _like(leading(column), [f"{pattern}%" for pattern in _patterns(text[:BEGINNING])])


def contains_digits(column: str, digits: str) -> Q:
    """Whether the digits are in a column of phone numbers."""
    return _like(Digits(F(column)), [f"%{digits}%"])


def _like(text: Any, patterns: list[str]) -> Q:
    condition = Q()
    for pattern in patterns:
        condition |= Q(Like(text, Value(pattern, CharField())))
    return condition


def _patterns(text: str) -> list[str]:
    """Patterns for a text in small letters, to look for in capitals.

    Databases disagree about the capitals of letters beyond ASCII: anything will do in their place, or, where little
    else would be left, the letters as they usually are written.
    """
    if sum(letter.isascii() and letter.isalnum() for letter in text) >= _ENOUGH:
        return ["".join(_pattern(letter) if letter.isascii() else "%" for letter in text)]
    written = dict.fromkeys((text, text.upper(), text.title()))
    return ["".join(map(_pattern, each)) for each in written]


def _pattern(letter: str) -> str:
    return _SPECIAL.get(letter, letter.upper() if letter.isascii() else letter)
