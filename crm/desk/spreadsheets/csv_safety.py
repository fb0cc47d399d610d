"""Text in the cells of a spreadsheet."""

from __future__ import annotations

#: What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def plain_cell(text: str) -> str:
    """`text` so that no spreadsheet runs it as a formula: behind an apostrophe, which `from_cell` takes off again."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) or text.startswith("'") else text


def from_cell(text: str) -> str:
    """The text that `plain_cell` made a cell of."""
    return text.removeprefix("'")
