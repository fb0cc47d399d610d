"""Domains in one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.readings.mailboxes import domain, is_domain, read_host

ACME = [
    "ACME.example", " acme.example ", "www.acme.example", "WWW.Acme.Example", "www.www.acme.example", "acme.example.", "acme.example:8080",
    "http://acme.example", "https://www.acme.example/about?x=1#y", "//acme.example", "HTTPS://user:pw@acme.example:443/",
    "acme.example/path", "acme.example?x", "@acme.example", "*.acme.example", "acme\u3002example", "ａｃｍｅ.example", "acme.example\u200b",
    "<acme.example>", "acme.example,", '"acme.example"', "\u201cacme.example\u201d",
]  # fmt: skip


@pytest.mark.parametrize("text", ACME)
def test_a_domain_has_one_form(text: str) -> None:
    assert domain(text) == ("acme.example", f"“{text}” was changed to acme.example.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The ASCII forms are those of IDNA 2008.
        ("xn--mnchen-3ya.example", "münchen.example"),
        ("XN--MNCHEN-3YA.example", "münchen.example"),
        ("MÜNCHEN.example", "münchen.example"),
        ("xn--strae-oqa.example", "straße.example"),
        ("xn--fsqu00a.xn--0zwm56d", "例子.测试"),
        ("xn--e1afmkfd.xn--p1ai", "пример.рф"),
    ],
)
def test_other_letters_are_shown_as_they_are(text: str, expected: str) -> None:
    assert domain(text)[0] == expected
    assert domain(expected) == (expected, None)


@pytest.mark.parametrize(
    "text",
    ["localhost", "n/a", "Acme Inc.", "1.2.3.4", "jane@acme.example", "-a.example", "a..example", "e.g."],
)
def test_what_is_no_domain_is_kept(text: str) -> None:
    assert domain(text) == (text, f"“{text}” is not a domain. It was kept.")


@pytest.mark.parametrize("text", ["www.com", "xn--.example", "xn--a-b.example", "xn--99999999.example"])
def test_what_only_looks_like_a_prefix_stays(text: str) -> None:
    assert read_host(text) == text


def test_a_label_is_at_most_63_long() -> None:
    assert is_domain("a" * 63 + ".example")
    assert not is_domain("a" * 64 + ".example")


PIECES = st.sampled_from(
    [
        "www.",
        "acme",
        ".",
        "example",
        "://",
        "http",
        ":80",
        "/",
        "@",
        "*",
        "xn--mnchen-3ya",
        "xn--",
        "İ",
        "ß",
        "\u3002",
        " ",
        "Σ",
        "-",
    ]
)


@given(st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=15))
def test_reading_twice_is_reading_once(text: str) -> None:
    once, _ = domain(text)
    again, remark = domain(once)
    assert again == once
    assert remark is None or "kept" in remark
