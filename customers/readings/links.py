"""Links to web pages as people write them: `www.example.com`, `//example.com/a`."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, get_args, get_type_hints

from customers.json_types import JsonDocument, Link, Remark, within
from customers.readings.mailboxes import is_domain, read_host
from customers.readings.normalize import quoted
from customers.readings.text import without_invisible

_WEB = re.compile(r"https?://", re.IGNORECASE)
_HOST = re.compile(r"[^/?#]*")
_PORT = re.compile(r":[0-9]+$")
#: Pictures as data, and addresses relative to the source's own pages.
_SILENTLY_KEPT = ("data:", "/", "?", "#")
#: Ends of file names, for which no top-level domain exists.
_FILES = frozenset(
    {"htm", "html", "xhtml", "php", "asp", "aspx", "jsp", "pdf", "png", "jpg", "jpeg", "gif", "svg", "webp"}
)


def link(text: str) -> tuple[str, str | None]:
    """The link with a scheme, and a remark if it was changed or isn't a web address.

    A link that begins with a domain, or with `//`, gets `https://`. Text that isn't a web address is kept, but pages don't link it.
    """
    bare = _stripped(text)
    web = _WEB.match(bare)
    if web and bare[web.end() :].strip("/"):
        return bare, None if bare == text else "The spaces around it were removed."
    address = bare.removeprefix("//")
    host = _PORT.sub("", _HOST.match(address)[0])  # type: ignore[index]
    # The last character may be the final dot of a domain.
    if is_domain(read_host(host)) and is_domain(host.lower().rstrip(".")) and not _is_file(address):
        return f"https://{address}", f"{quoted(text)} was changed to {quoted(f'https://{address}')}."
    if not bare or bare.casefold().startswith(_SILENTLY_KEPT):
        return text, None
    return text, f"{quoted(text)} is not a web address. It was kept."


def tidy_links(path: str, thing: JsonDocument) -> list[Remark]:
    """Put the links of `thing` at `path` into the form of `link`."""
    remarks: list[Remark] = []
    for name in _link_fields(type(thing)):
        value = getattr(thing, name)
        if isinstance(value, Link):
            fixed, remark = _fixed(value)
            setattr(thing, name, fixed)
            remarks += [Remark(within(path, name), remark)] if remark else []
        elif isinstance(value, list):
            for index, each in enumerate(value):
                if isinstance(each, Link):
                    value[index], remark = _fixed(each)
                    remarks += [Remark(within(path, name, index), remark)] if remark else []
    return remarks


@cache
def _link_fields(kind: type[JsonDocument]) -> tuple[str, ...]:
    """The fields of a document that hold a link or a list of links."""
    return tuple(name for name, hint in get_type_hints(kind).items() if _holds_link(hint))


def _holds_link(hint: Any) -> bool:
    return any(map(_holds_link, get_args(hint))) or (isinstance(hint, type) and issubclass(hint, Link))


def _fixed(value: Link) -> tuple[Link, str | None]:
    text, remark = link(value)
    return type(value)(text), remark


def _is_file(address: str) -> bool:
    return address.lower().rpartition(".")[2] in _FILES and "/" not in address


def _stripped(text: str) -> str:
    """`text` without spaces and invisible characters around it. Those inside may be letters of a path."""
    while text and (text[0].isspace() or not without_invisible(text[0])):
        text = text[1:]
    while text and (text[-1].isspace() or not without_invisible(text[-1])):
        text = text[:-1]
    return text
