"""Links without a scheme."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.formats import link_out, opens_a_page
from customers.json_types import Link, Refused, is_plain_link, parse
from customers.json_types.documents import JsonDocument
from customers.readings.links import link, tidy_links


class Holder(JsonDocument):
    """A document with one link."""

    link: Link | None = None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("www.acme.example", "https://www.acme.example"),
        ("acme.example", "https://acme.example"),
        ("ACME.example/Path?q=1#x", "https://ACME.example/Path?q=1#x"),
        (" www.acme.example ", "https://www.acme.example"),
        ("\u200bwww.acme.example\u200b", "https://www.acme.example"),
        ("//acme.example/a", "https://acme.example/a"),
        ("acme.example:8080/a", "https://acme.example:8080/a"),
        ("acme.example/report.pdf", "https://acme.example/report.pdf"),
        ("münchen.example/über", "https://münchen.example/über"),
        ("例子.测试", "https://例子.测试"),
        ("acme.example?a=b:c", "https://acme.example?a=b:c"),
    ],
)
def test_a_link_without_a_scheme_gets_one(text: str, expected: str) -> None:
    document = parse(Holder, {"link": text})
    [remark] = tidy_links("$", document)
    assert document.link == expected
    assert isinstance(document.link, Link)
    assert (remark.path, remark.text) == ("$.link", f"“{text}” was changed to “{expected}”.")
    assert opens_a_page(document.link)


@pytest.mark.parametrize(
    "text",
    ["https://acme.example", "http://localhost:8000/x", "HTTPS://Acme.example", "data:image/png;base64,aa=="],
)
def test_a_whole_link_stays(text: str) -> None:
    assert link(text) == (text, None)


@pytest.mark.parametrize(
    "text",
    ["/people/7", "?page=2", "#top", "Acme Inc.", "index.html", "localhost/x", "n/a", "\\\\acme.example"],
)
def test_what_is_no_web_address_is_kept_and_never_linked(text: str) -> None:
    kept, _ = link(text)
    assert kept == text
    assert "href" not in str(link_out(text))


@pytest.mark.parametrize(
    "script",
    [
        "javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)",
        "\x01javascript:alert(1)", "\u200bjavascript:alert(1)", "java\u200bscript:alert(1)", "\u00a0javascript:alert(1)", "javascript\t:alert(1)",
        "javascript://acme.example/%0aalert(1)", "vbscript:x", "data:text/html,x", "file:///etc/passwd", "blob:https://acme.example/x",
        "javascript:80", "www.acme.example:javascript",
    ],
)  # fmt: skip
def test_a_script_stays_refused(script: str) -> None:
    assert not is_plain_link(script)
    with pytest.raises(Refused):
        parse(Holder, {"link": script})
    assert "href" not in str(link_out(script))
    assert not opens_a_page(link(script)[0])


PIECES = st.sampled_from(
    [
        "www.",
        "acme.example",
        "/",
        "//",
        ":80",
        "http",
        "https://",
        "javascript:",
        " ",
        "\u200b",
        "\t",
        "?",
        "#",
        ".",
    ]
)


@given(st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=15))
def test_reading_twice_is_reading_once_and_never_makes_a_script(text: str) -> None:
    once, _ = link(text)
    assert link(once)[0] == once
    assert once == text or is_plain_link(once) or not is_plain_link(text)
