"""What a browser would make of a page: every place at which a payload became more than text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

#: Attributes that a browser follows, loads or sends to.
_ADDRESSES = {
    "action", "background", "cite", "data", "formaction", "href", "longdesc", "manifest", "ping", "poster", "src",
    "srcset", "xlink:href",
}  # fmt: skip
#: Attributes that are code to a browser or to a library of the admin, by how their names begin.
_CODE = ("on", "x-", "@", ":", "hx-", "v-", "style", "srcdoc", "class")
_PLAIN_NAME = re.compile(r"[a-z@:][a-z0-9_.:@-]*")
#: Elements whose content a browser does not read as text.
_RAW = {"script", "style", "iframe", "noscript", "template", "object", "embed", "base", "meta", "link"}
_DATA_TYPES = {"application/json", "application/ld+json"}


class Markup(HTMLParser):
    """A page, read as a browser reads it.

    `findings` says of each payload (anything that contains `mark`) at which it got out of its text; so does it of
    any address that would run as a script, whoever wrote it. `text` is what can be read on the page, with the
    values of attributes.
    """

    def __init__(self, page: str, mark: str) -> None:
        super().__init__(convert_charrefs=True)
        self.findings: list[str] = []
        self._mark = mark
        self._texts: list[str] = []
        self._raw = ""
        self._is_data = False
        self._content: list[str] = []
        self.feed(page)
        self.close()

    @property
    def text(self) -> str:
        """All texts, one after the other."""
        return "\n".join(self._texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._mark in tag:
            self._find("became an element", tag)
        for name, value in attrs:
            self._see_attribute(tag, name, value or "")
        if tag in {"script", "style"}:
            self._raw = tag
            self._is_data = dict(attrs).get("type") in _DATA_TYPES
            self._content = []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self._raw == tag:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._mark in tag:
            self._find("became an element", tag)
        if tag == self._raw:
            self._see_code(tag, "".join(self._content))
            self._raw = ""

    def handle_data(self, data: str) -> None:
        (self._content if self._raw else self._texts).append(data)

    def handle_comment(self, data: str) -> None:
        if self._mark in data:
            self._find("is in a comment", data)

    def handle_decl(self, decl: str) -> None:
        if self._mark in decl:
            self._find("is in a declaration", decl)

    def unknown_decl(self, data: str) -> None:
        self.handle_decl(data)

    def handle_pi(self, data: str) -> None:
        self.handle_decl(data)

    def _see_attribute(self, tag: str, name: str, value: str) -> None:
        if self._mark in name or not _PLAIN_NAME.fullmatch(name):
            self._find(f"is the name of an attribute of <{tag}>", name)
        if name in _ADDRESSES and not is_harmless(value):
            self._find(f"runs as {name} of <{tag}>", value)
        if self._mark not in value:
            return
        if name.startswith(_CODE) or tag in _RAW:
            self._find(f"is in {name} of <{tag}>", value)
        self._texts.append(value)

    def _see_code(self, tag: str, content: str) -> None:
        if self._mark not in content:
            return
        if not self._is_data:
            self._find(f"is in a <{tag}>", content)
            return
        try:
            json.loads(content)
        except ValueError:
            self._find("breaks embedded JSON", content)
        self._texts.append(content)

    def _find(self, what: str, where: str) -> None:
        at = max(where.find(self._mark), 0)
        self.findings.append(f"{what}: {where[max(at - 60, 0) : at + 100]!r}")


def is_harmless(address: str) -> bool:
    """Whether a browser takes an address for a page or a picture; it leaves out what people would not see."""
    read = re.sub(r"[\t\r\n]", "", address.lstrip("".join(map(chr, range(33)))))
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", read)
    if scheme is None:
        return True
    if scheme[1].lower() == "data":
        return re.match(r"data:(image/(?!svg)|,$)", read, re.IGNORECASE) is not None
    return scheme[1].lower() in {"http", "https", "mailto", "tel"}
