"""How values look to a person."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.utils import unquote
from django.template import Context, Template
from django.utils import timezone

from customers.formats import (
    ago,
    as_link,
    counted,
    country_name,
    day,
    days_between,
    free_form_text,
    in_address,
    link_out,
    list_link,
    listed,
    long_text,
    moment,
    month,
    number,
    percent,
    preformatted,
    short_day,
    upcoming,
    when,
    without_idle_zeros,
)
from customers.models import Customer


def test_a_payload_is_laid_out_with_every_value_as_it_was_written() -> None:
    shown = preformatted('{"a":1.50,"b":[],"c":[1,{"d":"\\u00e9 , : ["}],"e":{}}')
    assert shown == (
        '<pre class="clientele-pre" tabindex="0">{\n'
        "  &quot;a&quot;: 1.50,\n"
        "  &quot;b&quot;: [],\n"
        "  &quot;c&quot;: [\n"
        "    1,\n"
        "    {\n"
        "      &quot;d&quot;: &quot;\\u00e9 , : [&quot;\n"
        "    }\n"
        "  ],\n"
        "  &quot;e&quot;: {}\n"
        "}</pre>"
    )


@pytest.mark.parametrize("text", ["not json", "<script>", "[" * 5000, ""])
def test_what_is_no_json_is_shown_as_it_is(text: str) -> None:
    assert text.replace("<", "&lt;").replace(">", "&gt;") in preformatted(text)


def test_markup_in_texts_is_text() -> None:
    assert "<script>" not in long_text('<script>"')
    assert "<script>" not in preformatted('{"a": "<script>"}')


def test_links_open_apart_and_scripts_are_no_links() -> None:
    shown = link_out("https://example.com/?a=1&b=2", "Open")
    assert 'href="https://example.com/?a=1&amp;b=2"' in shown
    assert 'rel="noopener noreferrer"' in shown
    assert link_out("javascript:alert(1)") == "javascript:alert(1)"
    assert link_out("") == "-"
    assert 'href="https://example.com/?a=1&amp;b=2"' in as_link("https://example.com/?a=1&amp;b=2")


def test_a_list_link_keeps_its_filter() -> None:
    link = list_link(Customer, "All", env__exact="a&b")
    assert link.startswith('<a href="/admin/customers/customer/?env__exact=a%26b"')


@pytest.mark.parametrize(
    ("code", "name"), [("TZ", "Tanzania"), ("tz", "Tanzania"), ("Narnia", "Narnia"), ("??", "??"), ("", "")]
)
def test_countries_have_their_name(code: str, name: str) -> None:
    assert country_name(code).startswith(name)


def test_zeros_that_say_nothing_go() -> None:
    assert [without_idle_zeros(text) for text in ("1,234.5000000000", "20.0000000000", "100", "-")] == [
        "1,234.5",
        "20",
        "100",
        "-",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["https://a.example.com/", "b"], "https://a.example.com/, b"),
        ({"contract": 1, "deck": 2.5}, "contract 1, deck 2.5"),
        ([{"a": "é"}], '[{"a": "é"}]'),
        ({"a": [1]}, '{"a": [1]}'),
        ({"a": True}, '{"a": true}'),
    ],
)
def test_free_form_values_are_said_where_they_can_be(value: object, text: str) -> None:
    assert free_form_text(value) == text


NOW = datetime(2026, 11, 29, 14, 30, tzinfo=UTC)


def test_numbers_are_grouped_without_trailing_zeros() -> None:
    values: list[Decimal | int | None] = [
        1066,
        Decimal("1234.5000000000"),
        Decimal("1E+3"),
        Decimal("-0.10"),
        0,
        None,
    ]
    assert [number(value) for value in values] == ["1,066", "1,234.5", "1,000", "-0.1", "0", "-"]
    assert [percent(Decimal("0.97")), percent(1.2), percent(0)] == ["97%", "120%", "0%"]


def test_counts_and_lists_are_words() -> None:
    assert [counted(1, "customer"), counted(1066, "customer")] == ["1 customer", "1,066 customers"]
    assert counted(2, "company", "companies") == "2 companies"
    assert listed([]) == ""
    assert listed(["name"]) == "name"
    assert listed(["name", "email", "phone"]) == "name, email and phone"


def test_days_and_moments_are_those_of_the_current_time_zone() -> None:
    late = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
    assert (day(late), moment(late)) == ("Nov 29, 2026", "Nov 29, 2026, 23:30")
    with timezone.override("Africa/Nairobi"):
        assert (day(late), moment(late)) == ("Nov 30, 2026", "Nov 30, 2026, 02:30")
        assert moment(datetime(2026, 11, 29, 21, tzinfo=UTC)) == "Nov 30, 2026"
    assert day(date(2026, 1, 2)) == "Jan 2, 2026"
    assert (day(None), moment(None), when(None)) == ("-", "-", "-")


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_the_ends_of_the_calendar_are_shown_in_every_time_zone(zone: str) -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    with timezone.override(zone):
        assert moment(first).startswith("Jan 1, 1")
        assert moment(last).startswith("Dec 31, 9999")


def test_a_near_day_is_short() -> None:
    assert short_day(date(2026, 12, 1), NOW) == "Dec 1"
    assert short_day(date(2027, 5, 28), NOW) == "May 28"
    assert short_day(date(2027, 5, 29), NOW) == "May 29, 2027"
    assert short_day(datetime(2026, 6, 1, tzinfo=UTC), NOW) == "Jun 1, 2026"


@pytest.mark.parametrize(
    ("apart", "words"),
    [
        (timedelta(seconds=-59), "just now"),
        (timedelta(minutes=-12), "12 min ago"),
        (timedelta(hours=-2), "2 h ago"),
        (timedelta(days=-1), "1 day ago"),
        (timedelta(days=3, hours=1), "in 3 days"),
        (timedelta(days=-7), "Nov 22, 2026"),
        (timedelta(days=40), "Jan 8, 2027"),
    ],
)
def test_moments_within_a_week_are_relative(apart: timedelta, words: str) -> None:
    assert ago(NOW + apart, NOW) == words


def test_a_relative_moment_has_its_utc_moment_at_hand() -> None:
    with timezone.override("Africa/Nairobi"):
        shown = when(datetime(2020, 1, 1, 22, 5, tzinfo=UTC))
    assert 'datetime="2020-01-01T22:05:00+00:00"' in shown
    assert 'title="Jan 1, 2020, 22:05 UTC"' in shown
    assert shown.endswith(">Jan 2, 2020</time>")


def test_a_month_has_its_year() -> None:
    assert month(date(2026, 11, 29)) == "Nov 2026"


def test_days_between_moments_are_midnights_of_the_current_time_zone() -> None:
    evening, morning = datetime(2026, 11, 29, 22, 30, tzinfo=UTC), datetime(2026, 11, 30, 5, tzinfo=UTC)
    assert days_between(evening, morning) == 1
    assert days_between(morning, evening) == -1
    with timezone.override("Europe/Vienna"):
        assert days_between(evening.replace(hour=23), morning) == 0


@pytest.mark.parametrize(
    ("days", "words"),
    [(-1, "today"), (0, "today"), (1, "tomorrow"), (6, "Saturday"), (7, "on Dec 6"), (400, "on Jan 3, 2028")],
)
def test_a_future_day_is_said_in_a_sentence(days: int, words: str) -> None:
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    assert upcoming(now + timedelta(days=days), now) == words


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("bal_01h3vjs3b16yc3f9q8q9pfrb78", "bal_01h3vjs3b16yc3f9q8q9pfrb78"),
        # The admin reads _22 as a quotation mark.
        ("bal_22h3vjs3b16yc3f9q8q9pfrb78", "bal_5F22h3vjs3b16yc3f9q8q9pfrb78"),
        ("INV/_1", "INV_2F_5F1"),
        (7, "7"),
    ],
)
def test_an_id_stands_in_an_address_as_it_is_unless_the_admin_would_read_another(
    key: object, shown: str
) -> None:
    assert in_address(key) == shown
    assert unquote(shown) == str(key)
    filtered = Template("{% load admin_urls %}{{ key|admin_urlquote }}").render(Context({"key": key}))
    assert filtered == shown
