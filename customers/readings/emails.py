"""Email addresses as people and systems write them: `<Jane@example.com>`, `mailto:jane@example.com`, with invisible characters."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import unquote

from customers.json_types import JsonDocument, Remark, within
from customers.readings.mailboxes import is_domain
from customers.readings.normalize import quoted
from customers.readings.text import without_invisible

_PLAIN = re.compile(r"[A-Za-z0-9_%+-]+(?:\.[A-Za-z0-9_%+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_NAME = re.compile(r"""[^\s@<>()\[\]\\,;:"]+|"[^"\\]+\"""")
_AROUND_AT = re.compile(r"\s*(?:@|[(\[]\s*at\s*[)\]])\s*", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:\s*([^?]*)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
#: `Jane Doe <jane@example.com>`, `jane@example.com (work)`, or the address alone in marks.
_WRAPPED = (
    re.compile(r"[^<>]*<([^<>]*)>"),
    re.compile(r"[^()@]*\(([^()]*@[^()]*)\)"),
    re.compile(r"([^\s()]+@[^\s()]+)\s+\([^()@]*\)"),
    re.compile(r"\(([^()]*)\)"),
    re.compile(r"\[([^\[\]]*)\]"),
    re.compile(r"\"([^\"]*)\""),
    re.compile(r"'([^']*)'"),
)
_MARKS_AFTER = ",;."
#: What stands between addresses.
_BETWEEN = re.compile(r"[,;|\n\r\t]+|\s/\s|\s(?:and|or|und|oder|et|ou|y|o)\s", re.IGNORECASE)
_SEVERAL = 2
_LONGEST = 320
_TRIMMED, _INVISIBLE = "The spaces around it were removed.", "The invisible characters in it were removed."


def email(text: str) -> tuple[str, str | None]:
    """The address in `text` in its own letter case, and a remark if anything was removed.

    Removes invisible characters, and `mailto:`, brackets, quotation marks, spaces and a name around the address. From a
    text without an address, only invisible characters and the spaces around it are removed.
    """
    if _PLAIN.fullmatch(text):
        return text, None
    seen = without_invisible(text).strip()
    address = _unwrapped(seen)
    if not is_email(address):
        address = _respelled(address)
    if address != seen and is_email(address):
        return address, f"{quoted(seen)} was changed to {address}."
    if seen == text:
        return text, None
    return seen, _TRIMMED if seen == text.strip() else _INVISIBLE


def is_email(text: str) -> bool:
    """Whether `text` is an email address, which may have letters of any script on both sides."""
    name, at, host = text.rpartition("@")
    if not at or len(text) > _LONGEST or not _NAME.fullmatch(name) or without_invisible(text) != text:
        return False
    return not (name.startswith(".") or name.endswith(".") or ".." in name) and is_domain(host)


def tidy_emails(path: str, thing: JsonDocument) -> list[Remark]:
    """Put `email` and `alias_emails` of `thing` at `path` into the form of `received_email`; an empty one is null."""
    remarks: list[Remark] = []
    text = getattr(thing, "email", None)
    if text:
        address, remark = received_email(text)
        if address != text:
            thing.email = address or None  # type: ignore[attr-defined]
        remarks += _remarks(within(path, "email"), remark)
    aliases: list[str] = getattr(thing, "alias_emails", None) or []
    for index, text in enumerate(aliases):
        aliases[index], remark = received_email(text)
        remarks += _remarks(within(path, "alias_emails", index), remark)
    return remarks


def _remarks(path: str, remark: str | None) -> list[Remark]:
    return [Remark(path, remark)] if remark else []


def _unwrapped(text: str) -> str:
    """`text` without what stands around an address, layer by layer."""
    while True:
        bare = text.strip().rstrip(_MARKS_AFTER).strip()
        if found := _MAILTO.fullmatch(bare):
            bare = _decoded(found[1])
        elif found := next(filter(None, (marks.fullmatch(bare) for marks in _WRAPPED)), None):
            bare = found[1]
        bare = without_invisible(bare).strip()
        if bare == text:
            return text
        text = bare


def _respelled(text: str) -> str:
    """`text` with what stands for an @ and its neighbors in other notations: `jane @example.com`, `jane(at)example.com`,
    `jane%40example.com`, `&lt;jane@example.com&gt;`."""
    decoded = _unwrapped(unescape(_decoded(text)))
    return _AROUND_AT.sub("@", decoded)


def received_email(text: str) -> tuple[str, str | None]:
    """Like `email`; of several addresses in `text`, the first one.

    For documents alone: in a form, a person chooses.
    """
    address, remark = email(text)
    first = "" if is_email(address) else _first_of_several(address)
    if first:
        return first, f"{quoted(address)} was changed to {first}, the first address in it."
    return address, remark


def _first_of_several(text: str) -> str:
    """The first address in a list of addresses; empty if `text` is none."""
    parts = [_unwrapped(part) for part in _BETWEEN.split(text) if part.strip()]
    if len(parts) < _SEVERAL:
        # Spaces and slashes stand between addresses only if there is nothing else.
        parts = [_unwrapped(part) for part in re.split(r"[\s/]+", text)]
        if len(parts) < _SEVERAL or not all(map(is_email, parts)):
            return ""
    return next(filter(is_email, parts), "")


def _decoded(text: str) -> str:
    decoded = unquote(text)
    return text if "\ufffd" in decoded else decoded
