"""How the admin shows values."""

from __future__ import annotations

import pytest

from customers.formats import (
    as_link,
    country_name,
    free_form_text,
    link_out,
    list_link,
    long_text,
    preformatted,
    without_idle_zeros,
)
from customers.models import Customer


def test_a_payload_is_laid_out_with_every_value_as_it_was_written() -> None:
    shown = preformatted('{"a":1.50,"b":[],"c":[1,{"d":"\\u00e9 , : ["}],"e":{}}')
    assert shown == (
        '<pre class="clientele-pre">{\n'
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
