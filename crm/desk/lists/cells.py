"""How values look in the cells of a list."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from crm.desk.lists.column import Cell
from customers.formats import ago, customer_url, day, initials, user_name, when

#: What stands for no value.
NONE = Cell("", SafeString('<span class="cl-none">—</span>'))


def faint(text: str) -> SafeString:
    """Words in place of a value."""
    return format_html('<span class="cl-none">{}</span>', text)


def strong(text: str, css: str) -> SafeString:
    """A figure that stands out."""
    return format_html('<span class="cl-strong {}">{}</span>', css, text)


def barred(*parts: SafeString) -> SafeString:
    """A bar and its figure, side by side."""
    return format_html(
        '<span class="cl-row">{}</span>', format_html_join("", "{}", ((each,) for each in parts))
    )


def plain(text: str) -> Cell:
    """A text, or a dash."""
    return Cell(text, format_html('<bdi class="cl-cell">{}</bdi>', text)) if text else NONE


def link(url: str, text: str) -> Cell:
    """The name of the row: the link to its page."""
    return Cell(
        text, format_html('<a class="cl-name" href="{}" title="{}"><bdi>{}</bdi></a>', url, text, text)
    )


def also(url: str, text: str) -> Cell:
    """What else the row is about: a link to its page."""
    return Cell(text, format_html('<a href="{}" title="{}"><bdi>{}</bdi></a>', url, text, text))


def customer(row: Any) -> Cell:
    """The customer of a row, as a link."""
    return link(customer_url(row.pk), str(row))


def out(url: str) -> Cell:
    """A web address, as a link that leads out."""
    return Cell(
        url,
        format_html(
            '<a class="cl-cell" href="{}" title="{}" target="_blank" rel="noopener noreferrer"><bdi>{}</bdi></a>',
            url,
            url,
            url,
        ),
    )


def misfit(text: str, why: str) -> Cell:
    """A value as received that doesn't fit its column."""
    return Cell(
        text,
        format_html(
            '<bdi class="cl-cell cl-subtle" title="{}">{}<span class="cl-vh">. {}</span></bdi>',
            why,
            text,
            why,
        ),
    )


def chip(word: str, color: str = "") -> Cell:
    """A status: `color` is good, info, warn, bad or nothing."""
    return Cell(word, format_html('<span class="cl-chip cl-{}">{}</span>', color or "plain-dot", word))


def money(text: str) -> Cell:
    """An amount."""
    return Cell(text, format_html('<span class="cl-money">{}</span>', text)) if text else NONE


def figure(text: str) -> Cell:
    """A number."""
    return Cell(text) if text else NONE


def of_day(at: date | None) -> Cell:
    """A day."""
    return NONE if at is None else Cell(day(at), css="cl-nw")


def of_moment(at: datetime | None, never: str = "") -> Cell:
    """How long ago a moment is, with the moment in the tooltip."""
    if at is None:
        return Cell(never) if never else NONE
    return Cell(ago(at), when(at), "cl-subtle")


def bar(percent: int, color: str, words: str) -> SafeString:
    """A bar with its meaning for readers who don't see it."""
    return format_html(
        '<span class="cl-bar cl-{}" role="img" aria-label="{}"><i style="width:{}%"></i></span>',
        color or "calm",
        words,
        min(max(percent, 0), 100),
    )


def person(user: Any) -> Cell:
    """A user: initials, with the name in the tooltip and for readers."""
    if user is None:
        return NONE
    name = user_name(user)
    return Cell(
        name,
        format_html(
            '<span title="{}"><span class="cl-av cl-a1" aria-hidden="true">{}</span>'
            '<span class="cl-vh">{}</span></span>',
            name,
            initials(name),
            name,
        ),
    )
