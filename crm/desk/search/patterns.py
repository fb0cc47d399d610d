"""LIKE conditions that use the indexes of `crm.desk.search.indexes`."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, CharField, F, Func, Q, TextField, Value
from django.db.models.functions import Cast, Left, Replace, Upper

#: The prefix index covers this many characters.
BEGINNING = 100

_SPECIAL = {"\\": r"\\", "%": r"\%", "_": r"\_"}
_BETWEEN_DIGITS = " -()+./\u00a0"
#: ASCII characters that a pattern with wildcards needs.
_ENOUGH = 3


class Like(Func):
    arg_joiner = " LIKE "
    template = "(%(expressions)s)"
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite has no default escape character."""
        return self.as_sql(compiler, connection, template="(%(expressions)s ESCAPE '\\')", **context)


class Digits(Func):
    """The digits of a phone number; on SQLite the text without the usual separators."""

    function = "REGEXP_REPLACE"
    template = "%(function)s(%(expressions)s, '[^0-9]', '', 'g')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite has no REGEXP_REPLACE."""
        (bare,) = self.get_source_expressions()
        for character in _BETWEEN_DIGITS:
            bare = Replace(bare, Value(character), Value(""))
        return bare.as_sql(compiler, connection)


def uppercased(column: str) -> Upper:
    """A text or JSON column in uppercase, as indexed."""
    return Upper(Cast(F(column), TextField()))


def leading(column: str) -> Left:
    """The indexed prefix of a text column, in uppercase."""
    return Left(Upper(F(column)), BEGINNING)


def contains(column: str, word: str) -> Q:
    """Rows whose column contains `word`, which is lowercase; may include some that don't: check them in Python."""
    return _like(uppercased(column), [f"%{pattern}%" for pattern in _patterns(word)])


def starts_with(column: str, text: str) -> Q:
    """Rows whose column starts with `text`, which is lowercase; may include some that don't."""
    return _like(leading(column), [f"{pattern}%" for pattern in _patterns(text[:BEGINNING])])


def contains_digits(column: str, digits: str) -> Q:
    return _like(Digits(F(column)), [f"%{digits}%"])


def _like(text: Any, patterns: list[str]) -> Q:
    condition = Q()
    for pattern in patterns:
        condition |= Q(Like(text, Value(pattern, CharField())))
    return condition


def _patterns(text: str) -> list[str]:
    """LIKE patterns that match the lowercase `text` in an uppercased column.

    Databases uppercase non-ASCII letters differently, so these become wildcards. If too few other characters are left,
    the usual spellings are tried instead.
    """
    if sum(letter.isascii() and letter.isalnum() for letter in text) >= _ENOUGH:
        return ["".join(_pattern(letter) if letter.isascii() else "%" for letter in text)]
    spellings = dict.fromkeys((text, text.upper(), text.title()))
    return ["".join(map(_pattern, each)) for each in spellings]


def _pattern(letter: str) -> str:
    return _SPECIAL.get(letter, letter.upper() if letter.isascii() else letter)
