"""How values look to a person: numbers, days and moments in the current time zone and language, links, statuses.

One function for each, used by pages, messages and commands. Money and quantities are in `billing.formats`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.admin.utils import quote, unquote
from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django_countries.data import COUNTRIES
from unfold.decorators import display

from customers import clock, local_formats
from customers.json_types import is_plain_link, plain_number

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')

_TYPED_ID = re.compile(r"[a-z]+_[0-9a-z]+")

#: The models whose rows have a page of their own, each with its URL name. Other rows have the admin's form.
DESK_PAGES = {
    "customers.customer": "desk-customer",
    "billing.invoice": "desk-invoice",
    "billing.subscription": "desk-subscription",
    "billing.balance": "desk-balance",
    "crm.company": "desk-company",
    "crm.person": "desk-person",
}

#: The models whose rows are shown on a page of another row: its URL name, and the attribute with the ID of that row.
_SHOWN_ON = {
    **dict.fromkeys(("crm.note", "crm.activity", "crm.worklistdecision"), ("desk-timeline", "customer_id")),
    "crm.task": ("desk-customer", "customer_id"),
    **dict.fromkeys(("crm.merge", "crm.mergedrecord"), ("desk-details", "survivor_id")),
    **dict.fromkeys(
        (
            "crm.contact",
            "crm.customfield",
            "crm.document",
            "crm.domain",
            "crm.fieldvalue",
            "crm.relationship",
            "customers.address",
            "customers.business",
            "billing.autotopup",
            "billing.overageallowed",
            "billing.spendlimit",
            "billing.trialused",
            "billing.usagealert",
            "billing.usagelimit",
        ),
        ("desk-details", "customer_id"),
    ),
    "customers.sourcerecord": ("desk-provenance", "customer_id"),
    "customers.receivedpayload": ("desk-record-changes", "record_id"),
    **dict.fromkeys(
        (
            "customers.paymentmethod",
            "billing.billingaccount",
            "billing.discount",
            "billing.license",
            "billing.purchase",
            "billing.referral",
        ),
        ("desk-billing", "customer_id"),
    ),
    **dict.fromkeys(
        ("billing.alertfired", "billing.entity", "billing.flag", "billing.posting"),
        ("desk-usage", "customer_id"),
    ),
    **dict.fromkeys(
        (
            "billing.creditnote",
            "billing.dunningstep",
            "billing.invoiceemail",
            "billing.invoiceline",
            "billing.payment",
        ),
        ("desk-invoice", "invoice_id"),
    ),
}

#: The colors of Unfold's labels, by what a status means.
GOOD, WAITING, BAD, NEWS, PLAIN = "success", "warning", "danger", "info", "default"


#: What stands for an empty value in columns and facts.
EMPTY = "-"

_RECENT = timedelta(days=7)
#: A day this near is written without its year in sentences.
_NEAR = timedelta(days=180)


def number(value: Decimal | int | None) -> str:
    """`1,066`, `1,234.5`: thousands grouped, every digit, no trailing zeros."""
    return EMPTY if value is None else _grouped(Decimal(plain_text(value)))


def percent(share: Decimal | float) -> str:
    """`97%` for 0.97, rounded half-even to a whole percent."""
    exact = Decimal(str(share))
    locale = local_formats.chosen()
    return local_formats.percent(exact, locale) if locale else f"{exact * 100:,.0f}%"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 customer`, `1,066 customers`."""
    return f"{_grouped(count)} {one if abs(count) == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """`name`, `name and email`, `name, email and phone`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def local(at: datetime) -> datetime:
    """`at` in the current time zone: the user's on a page, else the installation's.

    Some zones have no such moment on the first or the last day of the calendar; the moment then stays in UTC.
    """
    try:
        return localtime(at)
    except (OverflowError, ValueError):
        return at


def day(at: date | None) -> str:
    """`Nov 29, 2026`, for columns and facts; a moment's day in the current time zone."""
    return EMPTY if at is None else _day(at, with_year=True)


def short_day(at: date, now: datetime | None = None) -> str:
    """`Dec 1`, for sentences and bars; with the year if it is not within 180 days of `now`."""
    today = local(now or clock.now()).date()
    return _day(at, with_year=abs(_date(at) - today) > _NEAR)


def month(of: date) -> str:
    """`Nov 2026`: the month of a day."""
    locale = local_formats.chosen()
    return local_formats.month(of, locale) if locale else f"{of:%b} {of.year}"


def days_between(start: datetime, end: datetime) -> int:
    """How many midnights of the current time zone lie between two moments; negative if `end` is earlier."""
    return (_date(end) - _date(start)).days


def upcoming(at: datetime, now: datetime) -> str:
    """`today`, `tomorrow`, `Friday` within a week, else `on Dec 3`: a future day in a sentence."""
    left = days_between(now, at)
    if left <= 0:
        return "today"
    if left == 1:
        return "tomorrow"
    if left >= 7:
        return f"on {short_day(at, now)}"
    locale = local_formats.chosen()
    return local_formats.weekday(_date(at), locale) if locale else f"{local(at):%A}"


def moment(at: datetime | None) -> str:
    """`Nov 29, 2026, 14:30` in the current time zone; midnight is not shown."""
    if at is None:
        return EMPTY
    there = local(at)
    if (there.hour, there.minute) == (0, 0):
        return day(at)
    locale = local_formats.chosen()
    return f"{day(at)}, {local_formats.clock_time(there.time(), locale) if locale else f'{there:%H:%M}'}"


def short_moment(at: datetime) -> str:
    """`Nov 29, 14:30` in the current time zone; with the year as in `short_day`."""
    there, locale = local(at).time(), local_formats.chosen()
    return f"{short_day(at)}, {local_formats.clock_time(there, locale) if locale else f'{there:%H:%M}'}"


def ago(at: datetime, now: datetime | None = None) -> str:
    """`2 h ago`, `in 3 days` within a week of `now`, else the day."""
    apart = at - (now or clock.now())
    if abs(apart) >= _RECENT:
        return day(at)
    minutes = int(abs(apart).total_seconds() // 60)
    if minutes == 0:
        return "just now"
    if minutes < 60:
        words = f"{minutes} min"
    elif minutes < 24 * 60:
        words = f"{minutes // 60} h"
    else:
        words = counted(minutes // (24 * 60), "day")
    return f"in {words}" if apart > timedelta() else f"{words} ago"


def duration(time: timedelta) -> str:
    """`0.3 s`, `41 s`, `1 min 12 s`, `2 h 5 min`."""
    seconds = max(0.0, time.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{int(seconds)} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def when(at: datetime | None) -> SafeString | str:
    """`ago` on a page, with the moment in UTC in its tooltip."""
    if at is None:
        return EMPTY
    utc = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        utc.isoformat(),
        f"{_day(utc.date(), with_year=True)}, {utc:%H:%M} UTC",
        ago(at),
    )


def long_text(text: str | None) -> SafeString | str:
    """A text of any length and direction: three lines in a list, all of it in the tooltip."""
    if not text:
        return "-"
    return format_html('<span class="clientele-long" dir="auto" title="{}">{}</span>', text, text)


def free_form_text(value: Any) -> str:
    """The value of a JSON column: a list of texts or an object of plain values with commas, anything else as JSON."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    if isinstance(value, dict) and all(type(each) in (str, int, float) for each in value.values()):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    return json.dumps(value, ensure_ascii=False, default=str)


def country_name(code: str) -> str:
    """The English name of a country; a text that isn't a code is returned unchanged."""
    return str(COUNTRIES.get(code.upper(), code)) if len(code) == 2 else code


def link_out(url: str | None, text: str | None = None) -> SafeString | str:
    """A link that opens in a new tab; text only if a browser might run it as a script."""
    if not url or not opens_a_page(url):
        return url or "-"
    return format_html(
        '<a href="{}" target="_blank" rel="noopener noreferrer" class="text-link">{}</a>', url, text or url
    )


def page_of(row: Model, name: str = "") -> str:
    """The URL of the page that shows `row`; `name` is one of its pages in the admin, such as `change` or `history`."""
    page, owner = _SHOWN_ON.get(row._meta.label_lower, ("", ""))
    if page and not name:
        return reverse(page, args=[getattr(row, owner)])
    return page_of_key(type(row), row.pk, name)


def record_url(row: Model) -> str:
    """The page of the desk that shows `row`; empty if only a form of the admin does."""
    label = row._meta.label_lower
    return page_of(row) if label in DESK_PAGES or label in _SHOWN_ON else ""


def page_of_key(model: type[Model], key: Any, name: str = "") -> str:
    """The URL of the page of the row with this key: of its own page, else of a form of the admin."""
    page = DESK_PAGES.get(model._meta.label_lower)
    if page and not name:
        return reverse(page, args=[key])
    view = f"admin:{model._meta.app_label}_{model._meta.model_name}_{name or 'change'}"
    return reverse(view, args=[in_address(key)])


def in_address(key: Any) -> str:
    """A key as a URL of the admin has it: an ID as it is, unless the admin would read another key from it."""
    text = str(key)
    return text if _TYPED_ID.fullmatch(text) and unquote(text) == text else quote(text)


def user_name(user: Any) -> str:
    """How pages call a user: by full name, else by user name. Empty for None."""
    return "" if user is None else str(user.get_full_name() or user.get_username())


def initials(name: str) -> str:
    """The first letters of the first two words of a name, for an avatar."""
    return "".join(word[0] for word in name.split()[:2]).upper()


def customer_url(key: Any) -> str:
    """The URL of the page of the customer with this ID."""
    return reverse("desk-customer", args=[key])


def link_to(row: Model | None, text: str = "") -> SafeString | str:
    """A link to the page of `row`, with its name or `text`."""
    if row is None:
        return "-"
    url = page_of_key(type(row), row.pk)
    return format_html('<a href="{}" class="text-link">{}</a>', url, long_text(text or str(row)))


def column_of(foreign_key: str) -> Any:
    """A column of a list that links to the page of the row behind `foreign_key`."""

    @display(description=foreign_key.replace("_", " "))
    def column(row: Model) -> SafeString | str:
        return link_to(getattr(row, foreign_key))

    column.__name__ = foreign_key
    return column


def text_of(foreign_key: str) -> Any:
    """The first column of a list: the name of the row behind `foreign_key`, as a link to the listed row."""

    @display(description=foreign_key.replace("_", " "))
    def column(row: Model) -> SafeString | str:
        return long_text(str(getattr(row, foreign_key)))

    column.__name__ = foreign_key
    return column


def day_of(moment_field: str) -> Any:
    """A column of a list: the day of a moment, sorted by the moment. Name the same column in `sortable_by`."""

    @display(description=moment_field.removesuffix("_at").replace("_", " "), ordering=moment_field)
    def column(row: Model) -> str:
        return day(getattr(row, moment_field))

    column.__name__ = moment_field
    return column


def badge(text: str, colors: Mapping[str, str]) -> SafeString:
    """A status in its color, for forms."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colors.get(text)})


def list_link(model: type[Model], text: str, **filters: Any) -> SafeString:
    """A link to the list of `model`, filtered."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return format_html('<a href="{}?{}" class="text-link">{}</a>', reverse(name), urlencode(filters), text)


def link_by_name(url_name: str, text: str, **arguments: Any) -> SafeString | str:
    """A link to a page by its URL name; empty if there is no such page."""
    try:
        url = reverse(url_name, kwargs=arguments)
    except NoReverseMatch:
        return ""
    return format_html('<a href="{}" class="text-link">{}</a>', url, text)


def preformatted(text: str) -> SafeString:
    """Text in fixed width; JSON is indented, with every value as it was written."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        shown = text
    else:
        shown = _laid_out(text)
    # It scrolls, so it must take the focus of the keyboard.
    return format_html('<pre class="clientele-pre" tabindex="0">{}</pre>', shown)


def without_idle_zeros(shown: str) -> str:
    """`1,234.5` for `1,234.5000000000`, as Django writes a column of ten decimals."""
    text = str(shown)
    return text.rstrip("0").rstrip(".") if "." in text and text[-1].isdigit() else text


def without_midnight(shown: str) -> str:
    """`Nov 29, 2026` for `Nov 29, 2026, 00:00`, as Django writes a moment."""
    return str(shown).removesuffix(", 00:00")


def as_link(shown: str) -> SafeString | str:
    """A link from text that is already escaped."""
    return link_out(html.unescape(str(shown)))


def _laid_out(text: str) -> str:
    parts: list[str] = []
    depth = 0
    before = ""
    for token in _TOKEN.findall(text):
        if token in {"}", "]"}:
            depth -= 1
        if (before in {"{", "["}) != (token in {"}", "]"}) or before == ",":
            parts.append("\n" + "  " * depth)
        parts.append(token)
        if token in {"{", "["}:
            depth += 1
        elif token[0] == ":":
            parts.append(" ")
        before = token
    return "".join(parts)


def opens_a_page(value: object) -> bool:
    """Whether `value` is an absolute web address that is safe to click."""
    return (
        isinstance(value, str)
        and is_plain_link(value)
        and value.strip().lower().startswith(("http://", "https://"))
        and value.partition("//")[2].strip(" /") != ""
    )


def plain_text(figure: Decimal | int) -> str:
    """A figure without trailing zeros or exponent: `20`, `19.99`."""
    number = Decimal(figure)
    return format(Decimal(plain_number(number)), "f") if number.is_finite() else str(number)


def _grouped(figure: Decimal | int) -> str:
    locale = local_formats.chosen()
    if locale:
        return local_formats.number(Decimal(figure), locale)
    return f"{figure:,f}" if isinstance(figure, Decimal) else f"{figure:,}"


def _date(at: date) -> date:
    return local(at).date() if isinstance(at, datetime) else at


def _day(at: date, *, with_year: bool) -> str:
    it = _date(at)
    if locale := local_formats.chosen():
        return local_formats.day(it, locale, with_year=with_year)
    # strftime pads years before 1000 differently on each platform.
    return f"{it:%b} {it.day}" + (f", {it.year}" if with_year else "")
