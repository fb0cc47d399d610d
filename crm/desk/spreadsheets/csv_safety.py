"""Text that spreadsheets must not run as a formula."""

from __future__ import annotations

#: Spreadsheets treat these as the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_cell(text: str) -> str:
    """`text`, with an apostrophe in front if a spreadsheet would run it; `from_cell` removes the apostrophe."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith("'") else text


def from_cell(text: str) -> str:
    """The text that was given to `plain_cell`."""
    return text.removeprefix("'")
