"""Notes in Markdown, as HTML that runs nothing."""

from __future__ import annotations

import pytest

from crm.markdown import render_markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**Yes**, and *soon*", "<p><strong>Yes</strong>, and <em>soon</em></p>\n"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        (
            "[site](https://example.com/)",
            '<p><a href="https://example.com/" rel="noopener noreferrer">site</a></p>\n',
        ),
        (
            "[write](mailto:a@example.com)",
            '<p><a href="mailto:a@example.com" rel="noopener noreferrer">write</a></p>\n',
        ),
        ("one\ntwo", "<p>one<br>\ntwo</p>\n"),
        ("3. three\n4. four", '<ol start="3">\n<li>three</li>\n<li>four</li>\n</ol>\n'),
        (
            "![a chart](https://example.com/chart.png)",
            '<p><a href="https://example.com/chart.png" rel="noopener noreferrer">a chart</a></p>\n',
        ),
        (
            "[![a chart](https://example.com/a.png)](https://example.com/)",
            '<p><a href="https://example.com/" rel="noopener noreferrer">a chart</a></p>\n',
        ),
    ],
)
def test_markdown_is_shown(text: str, html: str) -> None:
    assert render_markdown(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:msgbox)",
        "![x](https://example.com/pixel.png)",
        "![x](javascript:alert(1))",
        "<a href='javascript:alert(1)'>x</a>",
        "[x]: javascript:alert(1)\n\n[x]",
        '[x](https://example.com/ "\\" onmouseover=alert(1) \\"")',
        "<iframe src=https://example.com></iframe>",
    ],
)
def test_nothing_runs_and_nothing_is_fetched(text: str) -> None:
    html = render_markdown(text).lower()
    for tag in ("<script", "<img", "<svg", "<iframe"):
        assert tag not in html
    for scheme in ('href="javascript:', 'href="data:', 'href="vbscript:'):
        assert scheme not in html
    assert ' onmouseover="' not in html
