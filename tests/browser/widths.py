"""Whether pages fit the screen."""

from __future__ import annotations

from playwright.sync_api import Page

#: Of a phone, and of a desk. A page is loaded at the first, and then made wider.
WIDTHS = (390, 1440)


def set_width(page: Page, width: int) -> None:
    """Make the window so wide."""
    page.set_viewport_size({"width": width, "height": 900})


def assert_fits(page: Page, address: str) -> None:
    """Open the page; it is no wider than the screen, on a phone and on a desk."""
    set_width(page, WIDTHS[0])
    page.goto(address)
    for width in WIDTHS:
        set_width(page, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (address, width)
