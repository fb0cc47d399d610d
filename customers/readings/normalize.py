"""Normalize phone numbers and choices that sources spell in different ways.

`phone` and `choice` return the text to store and, if they changed or doubt it, a remark for a person.
Texts that they don't recognize are kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import phonenumbers

from customers.json_types import JsonDocument, Remark, optional_keys, within
from customers.readings.text import without_invisible

_SHOWN_LENGTH = 60
#: What platforms and spreadsheets write where there is no ID.
_NO_IDS = frozenset(
    {"n/a", "#n/a", "none", "null", "nil", "nan", "undefined", "unknown", "tbd", "tba", "-", "--", "?", "."}
)
_FIRST_ZEROS = re.compile(r"^\s*00(?=\s*[1-9])")


def phone(text: str, region: str | None) -> tuple[str, str | None]:
    """The E.164 form of a phone number; without a leading `+` it is read as one of `region` (alpha-2)."""
    international = _FIRST_ZEROS.sub("+", text)
    number = _valid_number(international, None) or (_valid_number(text, region) if region else None)
    if number is None:
        doubt = "is not a valid phone number"
        if not region and not international.lstrip().startswith("+"):
            doubt = "has no country code, and the country is unknown"
        return text, f"{quoted(text)} {doubt}. It was kept."
    if number.extension:
        return text, f"{quoted(text)} has an extension, which E.164 can't express. It was kept."
    standard = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return standard, None if standard == text else f"{quoted(text)} was changed to {standard}."


def choice(text: str, allowed: Collection[str]) -> tuple[str | None, str | None]:
    """The value of `allowed` that `text` means, ignoring case and with spaces for underscores; None if there is none."""
    if text in allowed:
        return text, None
    spelling = _spelling(text)
    for value in allowed:
        if _spelling(value) == spelling:
            return value, f"{quoted(text)} was changed to {value}."
    return None, None


def tidy_ids(path: str, thing: JsonDocument, names: Collection[str]) -> list[Remark]:
    """Replace placeholders such as `n/a` by null, so that strangers who share one stay apart."""
    remarks = []
    for name in names:
        identifier = getattr(thing, name)
        if isinstance(identifier, str) and identifier.strip().casefold() in _NO_IDS:
            setattr(thing, name, None)
            remarks.append(Remark(within(path, name), f"{quoted(identifier)} is not an ID. It was left out."))
    return remarks


def tidy_texts(path: str, thing: JsonDocument, *, trimmed: Collection[str]) -> list[Remark]:
    """Replace empty texts of `thing` at `path` by null, and trim those named in `trimmed`.

    A text of spaces alone is empty. Required keys keep an empty text.
    """
    optional = optional_keys(type(thing))
    remarks: list[Remark] = []
    for name in thing.__struct_fields__:
        text = getattr(thing, name)
        if not isinstance(text, str):
            continue
        if text and is_blank(text):
            remarks += _emptied(path, thing, name)
        elif name in trimmed and text != text.strip():
            setattr(thing, name, text.strip())
            remarks.append(Remark(within(path, name), "The spaces around it were removed."))
        elif not text and name in optional:
            setattr(thing, name, None)
    return remarks


def empty_blank_texts(path: str, thing: JsonDocument) -> list[Remark]:
    """Empty the texts of `thing` at `path` that have nothing to see: null, or an empty text if the key is required."""
    remarks: list[Remark] = []
    for name in thing.__struct_fields__:
        text = getattr(thing, name)
        if isinstance(text, str) and text and is_blank(text):
            remarks += _emptied(path, thing, name)
    return remarks


def _emptied(path: str, thing: JsonDocument, name: str) -> list[Remark]:
    kind = type(getattr(thing, name))
    setattr(thing, name, None if name in optional_keys(type(thing)) else kind(""))
    return [Remark(within(path, name), "It has only spaces, so it was left empty.")]


def is_blank(text: str) -> bool:
    """Whether `text` has nothing but spaces and invisible characters."""
    if text[:1].isalnum():
        return False
    return not text.strip() or (not text.isascii() and not without_invisible(text).strip())


def quoted(text: str) -> str:
    """`text` in quotation marks for a message, shortened if it is long."""
    return f"“{text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + '…'}”"


def _spelling(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def _valid_number(text: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None
