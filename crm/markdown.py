"""Untrusted Markdown as safe HTML."""

from __future__ import annotations

import re
from functools import cache

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto"}
#: An address that is written out: `https://example.com/@jane`.
_ADDRESS = re.compile(r"\bhttps?://\S+", re.IGNORECASE)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image_as_link)
    return parser


def _image_as_link(
    renderer: RendererHTML, tokens: list[Token], place: int, options: OptionsDict, env: EnvType
) -> str:
    """A link to the image, because a page fetches nothing from elsewhere; within a link its text alone."""
    image = tokens[place]
    url = str(image.attrs.get("src", ""))
    text = escape(image.content or url)
    depth = sum(token.nesting for token in tokens[:place] if token.type in ("link_open", "link_close"))
    return text if depth else f'<a href="{escape(url)}">{text}</a>'


def text_outside_code(text: str) -> str:
    """The text of Markdown without its marks, and without code and addresses."""
    found: list[str] = []
    for block in _parser().parse(text):
        parts = [part.content if part.type == "text" else " " for part in block.children or ()]
        found.append(_ADDRESS.sub(" ", "".join(parts)))
    return "\n".join(found)


def render_markdown(text: str) -> SafeString:
    """The HTML of Markdown. HTML in the text is shown as text; links may only be http, https and mailto."""
    unsafe = _parser().render(text)
    safe = nh3.clean(
        unsafe,
        tags=_TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )
    return mark_safe(safe)  # noqa: S308 - nh3 has just cleaned it
