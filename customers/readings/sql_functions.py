"""The folding of `customers.readings.folding` as functions of the database.

SQLite calls Python. PostgreSQL gets a function made of the same tables, and a test holds it to the reference in Python.
It is immutable, so that indexes can use it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from customers.readings.folding import (
    ACCENTS,
    IDEOGRAPHS,
    LETTERS,
    SILENT,
    SOUND_MARKS,
    SPACES,
    compact,
    folded,
)

#: On both databases: the folded text behind a space, so that its first word follows a space like any other.
FUNCTION = "clientele_search_text"
#: On SQLite alone, which lacks REGEXP_REPLACE and keeps JSON with escapes.
COMPACT, DIGITS, JSON_TEXTS = "clientele_compact", "clientele_digits", "clientele_json_texts"

_NOT_A_DIGIT = re.compile("[^0-9]")


def add_to_sqlite(connection: Any, **_: Any) -> None:
    """Create the functions on a new connection to SQLite. A receiver of `connection_created`."""
    if connection.vendor == "sqlite":
        for name, function in (
            (FUNCTION, _search_text),
            (COMPACT, _compact),
            (DIGITS, _digits),
            (JSON_TEXTS, _json_texts),
        ):
            connection.connection.create_function(name, 1, function, deterministic=True)


def _search_text(text: str | None) -> str | None:
    return None if text is None else f" {folded(text)}"


def _compact(text: str | None) -> str | None:
    return None if text is None else compact(text)


def _digits(text: str | None) -> str | None:
    return None if text is None else _NOT_A_DIGIT.sub("", text)


def _json_texts(text: str | None) -> str | None:
    if text is None:
        return None
    if "\\" in text:
        text = json.dumps(json.loads(text), ensure_ascii=False)
    return text.replace('"', " ")


def create_function() -> str:
    """The statement that creates or replaces the function on PostgreSQL."""
    # ASCII is left to `lower`. Capitals of letters such as æ become the small one first.
    several = {letter: small for letter, small in LETTERS.items() if len(small) > 1}
    first = {small: letter for letter, small in reversed(several.items())}
    one = {letter: first.get(small, small) for letter, small in LETTERS.items() if not letter.isascii()}
    one = {letter: small for letter, small in one.items() if letter != small}
    # `translate` compares each letter of a text with each of its own, so alphabets that a text lacks are left out.
    alphabets: dict[int, dict[str, str]] = {}
    for letter, small in one.items():
        alphabets.setdefault(ord(letter) >> 8, {})[letter] = small
    letters = "".join(
        f"""
        IF said ~ {_quoted(f"[{''.join(alphabet)}]")} THEN
            said := translate(said, {_quoted("".join(alphabet))}, {_quoted("".join(alphabet.values()))});
        END IF;"""
        for alphabet in alphabets.values()
    )
    replaced = "said"
    for small, letter in first.items():
        replaced = f"replace({replaced}, {_quoted(letter)}, {_quoted(small)})"
    # Escaped: a tool that composes texts would replace them.
    accents = "".join(f"\\u{ord(accent):04x}" for accent in ACCENTS)
    # `normalize` needs a database in UTF-8. In ASCII nothing is decomposed, and most texts are ASCII.
    return f"""\
CREATE OR REPLACE FUNCTION {FUNCTION}(said text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20 AS $body$
BEGIN
    IF octet_length(said) = length(said) THEN
        said := translate(lower(said COLLATE "C"), '-''`', ' ');
    ELSE
        said := normalize(translate(said, E'{accents}', ''), NFKD);
        said := regexp_replace(said, {_quoted(f"[{SILENT}]")}, '', 'g');
        said := replace(lower(said COLLATE "C"), '-', ' ');{letters}
        said := {replaced};
        said := regexp_replace(said, {_quoted(f"[{IDEOGRAPHS}][{SOUND_MARKS}]*")}, ' \\& ', 'g');
    END IF;
    RETURN ' ' || btrim(regexp_replace(said, {_quoted(f"[{SPACES}]+")}, ' ', 'g'));
END $body$"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
