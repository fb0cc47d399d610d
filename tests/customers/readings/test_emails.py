"""How sources and people write email addresses."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customers.readings.emails import email, is_email, received_email

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u2060\u2066\u2069\ufeff\u00ad\u180e\u034f\u3164\ufe0f\x00\x1b\x7f"


@pytest.mark.parametrize("mark", INVISIBLE)
def test_invisible_characters_are_removed(mark: str) -> None:
    for text in (f"{mark}Jane@example.com", f"Jane@example.com{mark}", f"Ja{mark}ne@exam{mark}ple.com"):
        assert email(text) == ("Jane@example.com", "The invisible characters in it were removed.")


@pytest.mark.parametrize(
    "text",
    [
        "mailto:Jane@example.com",
        "MAILTO: Jane@example.com",
        "mailto:Jane@example.com?subject=Hello",
        "mailto:Jane%40example.com",
        "<Jane@example.com>",
        "< Jane@example.com >",
        "<mailto:Jane@example.com>",
        "Jane Doe <Jane@example.com>",
        '"Doe, Jane" <Jane@example.com>',
        '"Jane@example.com"',
        "'Jane@example.com'",
        "(Jane@example.com)",
        "Jane Doe (Jane@example.com)",
        "Jane@example.com (work)",
        "[Jane@example.com]",
        "Jane@example.com;",
        "Jane@example.com.",
    ],
)
def test_what_stands_around_an_address_is_removed(text: str) -> None:
    assert email(text) == ("Jane@example.com", f"“{text}” was changed to Jane@example.com.")


@pytest.mark.parametrize("space", [" ", "\t", "\r\n", "\u00a0", "\u3000", "\u2028"])
def test_spaces_around_it_are_removed(space: str) -> None:
    removed = ("Jane@example.com", "The spaces around it were removed.")
    assert email(f"{space}Jane@example.com{space}") == removed


@pytest.mark.parametrize(
    "text",
    [
        "Jane.Doe@Example.COM",
        "jane+shop@example.com",
        "bücher@münchen.example",
        "用户@例子.广告",
        "n/a",
        "not an email",
        "a@b.example, c@d.example",
    ],
)
def test_any_other_text_stays(text: str) -> None:
    assert email(text) == (text, None)


@pytest.mark.parametrize(
    "text",
    [
        "jane@example.com",
        "o'neil@example.com",
        "jane@sub.example.co.uk",
        '"jane doe"@example.com',
        "bücher@münchen.example",
        "用户@例子.广告",
        "मेल@उदाहरण.भारत",
        "почта@пример.рф",
        "test@example.com",
    ],
)
def test_these_are_addresses(text: str) -> None:
    assert is_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "jane", "not an email", "n/a", "jane@", "@example.com", "jane@localhost", "jane@example", "jane@@example.com",
        "jane doe@example.com", "jane@exa mple.com", "jane@example..com", ".jane@example.com", "jane.@example.com", "a..b@example.com",
        "jane@-example.com", "jane@example.com, joe@example.com", "jane@127.0.0.1", "jane@https://example.com", "jane@example.com/x",
        "jane@example.com:25", "jane@example.com\u200b", "jane@exam_ple.com", "x" * 320 + "@example.com",
    ],
)  # fmt: skip
def test_these_are_none(text: str) -> None:
    assert not is_email(text)


PIECES = st.sampled_from(
    [
        "jane",
        "@",
        "example.com",
        "<",
        ">",
        "mailto:",
        '"',
        "'",
        "(",
        ")",
        " ",
        ";",
        ".",
        "\u200b",
        "%40",
        "%3C",
        "?",
        "n/a",
    ]
)


@given(st.lists(PIECES, max_size=10).map("".join) | st.text(max_size=20))
@example('mailto:%22jane@example.com%22"')
def test_reading_twice_is_reading_once(text: str) -> None:
    once, _ = email(text)
    assert email(once) == (once, None)


@pytest.mark.parametrize(
    "text",
    [
        "a@x.example, b@y.example",
        "a@x.example; n/a",
        "n/a | a@x.example",
        "a@x.example b@y.example",
        "a@x.example/b@y.example",
        "a@x.example and b@y.example",
        "Jane <a@x.example>, Max <b@y.example>",
        "mailto:a@x.example,b@y.example",
    ],
)
def test_of_several_received_addresses_the_first_is_taken(text: str) -> None:
    assert received_email(text)[0] == "a@x.example"
    assert received_email(text)[1].endswith(" was changed to a@x.example, the first address in it.")  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["n/a", "Acme, Inc.", "jane at work a@x.example", "bücher@münchen.example"])
def test_a_received_text_that_is_not_a_list_of_addresses_stays(text: str) -> None:
    assert received_email(text) == email(text)
