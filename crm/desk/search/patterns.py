"""Conditions that use the indexes of `crm.desk.search.indexes`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, CharField, F, Func, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact

from crm.desk.search.term import Spelling
from customers.readings.folding import begins_with_ideograph
from customers.readings.sql_functions import COMPACT, DIGITS, FUNCTION, JSON_TEXTS

#: The prefix index covers this many characters.
BEGINNING = 100
#: The index of postal codes covers this many: a column without a limit doesn't fit into it.
_POSTAL_CODE = 40

_SPECIAL = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})
#: Shorter words have no trigram within them.
_SHORTEST_INSIDE = 3


#: Texts with an apostrophe, a hyphen, a backtick or anything else than printable ASCII.
_FOLDED_IN_PYTHON = "*[^ !-&(-,.-_a-~]*"


class Like(Func):
    arg_joiner = " LIKE "
    template = "(%(expressions)s)"
    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite has no default escape character."""
        return self.as_sql(compiler, connection, template="(%(expressions)s ESCAPE '\\')", **context)


class SearchText(Func):
    """The folded texts, with a space before each."""

    function = FUNCTION
    arg_joiner = " || ' ' || "
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite calls Python for each row, which is slow: only for texts that its own LIKE doesn't fold.

        LIKE takes ASCII letters of both cases for the same.
        """
        sql, params = self.as_sql(compiler, connection, template="(%(expressions)s)", **context)
        spaced = f"REPLACE(REPLACE(REPLACE({sql}, '  ', ' '), '  ', ' '), '  ', ' ')"
        return (
            f"CASE WHEN {sql} GLOB '{_FOLDED_IN_PYTHON}' THEN {FUNCTION}({sql}) ELSE ' ' || {spaced} END",
            (*params, *params, *params),
        )


class JsonTexts(Func):
    """A JSON column as text, without quotes, so that its texts are words."""

    template = "TRANSLATE(%(expressions)s::text, '\"', ' ')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite has JSON as Python wrote it, with escapes for all letters but ASCII."""
        sql, params = self.as_sql(compiler, connection, template="%(expressions)s", **context)
        return (
            f"CASE WHEN {sql} GLOB '*\\*' THEN {JSON_TEXTS}({sql}) ELSE REPLACE({sql}, '\"', ' ') END",
            (*params, *params, *params),
        )


class JsonValue(Func):
    """A text within a JSON column; empty if it is null or not there."""

    output_field = TextField()

    def __init__(self, column: str, *path: str) -> None:
        self.path = path
        super().__init__(F(column))

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """The path isn't a parameter, because the index has it as a constant."""
        template = f"COALESCE(%(expressions)s #>> '{{{','.join(self.path)}}}', '')"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite's path has dots."""
        template = f"COALESCE(JSON_EXTRACT(%(expressions)s, '$.{'.'.join(self.path)}'), '')"
        return self.as_sql(compiler, connection, template=template, **context)


class Digits(Func):
    """The digits of a phone number."""

    template = "REGEXP_REPLACE(%(expressions)s, '[^0-9]', '', 'g')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite has no REGEXP_REPLACE."""
        return self.as_sql(
            compiler, connection, template="%(function)s(%(expressions)s)", function=DIGITS, **context
        )


class Compact(Func):
    """A text folded, without anything but letters and digits."""

    template = f"REGEXP_REPLACE({FUNCTION}(%(expressions)s), '[^a-z0-9]', '', 'g')"
    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite has no REGEXP_REPLACE."""
        return self.as_sql(
            compiler, connection, template="%(function)s(%(expressions)s)", function=COMPACT, **context
        )


class Beginning(Func):
    """The first letters of a text. Their number isn't a parameter, because the index has it as a constant."""

    template = "LEFT(%(expressions)s, %(letters)s)"
    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite has no LEFT."""
        template = "SUBSTR(%(expressions)s, 1, %(letters)s)"
        return self.as_sql(compiler, connection, template=template, **context)


def search_text(*columns: str | Combinable) -> SearchText:
    return SearchText(*(F(column) if isinstance(column, str) else column for column in columns))


def has_words(text: SearchText, spelling: Spelling, *, even_short: bool = False) -> Q | None:
    """Rows with all long words of the spelling; None if it has no long word.

    With `even_short`, and if there are only short words: rows with all of them at the beginning of a word.
    """
    words = spelling.long_words or (spelling.words if even_short else ())
    if not words or (even_short and not spelling.long_words and max(map(len, words)) == 1):
        return None
    condition = Q()
    for word in words:
        # A trigram index has the beginnings of words, so the pattern of a short one has a space before it.
        before = " " if len(word) < _SHORTEST_INSIDE or begins_with_ideograph(word) else ""
        condition &= _like(text, f"%{before}{_escaped(word)}%")
    return condition


def starts_with(column: str, spellings: Iterable[Spelling]) -> Q:
    """Rows whose column starts with one of the spellings."""
    condition = Q(pk__in=())
    for each in spellings:
        beginning = _escaped(f" {each.whole}"[:BEGINNING])
        condition |= _like(Beginning(search_text(column), letters=BEGINNING), f"{beginning}%")
    return condition


def contains_digits(column: str | Combinable, digits: str) -> Q:
    return _like(Digits(F(column) if isinstance(column, str) else column), f"%{digits}%")


def contains_number(column: str, number: str) -> Q:
    return _like(Compact(F(column)), f"%{number}%")


def is_postal_code(column: str, code: str) -> Q:
    """Rows whose column is `code`, ignoring punctuation."""
    return Q(Exact(Beginning(Compact(F(column)), letters=_POSTAL_CODE), Value(code[:_POSTAL_CODE])))


def _like(text: Combinable, pattern: str) -> Q:
    return Q(Like(text, Value(pattern, CharField())))


def _escaped(text: str) -> str:
    return text.translate(_SPECIAL)
