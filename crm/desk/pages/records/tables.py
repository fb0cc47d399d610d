"""Tables of the pages of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A cell: its text, as a chip of a color or not, a quiet line below it, and links (text, URL) to acts.

    `url` is the page of the row that the cell names, `link` any other address.
    """

    text: Any
    detail: str = ""
    url: str = ""
    chip: str = ""
    link: str = ""
    acts: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table under a heading. `figures` are the places of the columns with figures, which stand at the right.

    `wide` are the places of those that a phone leaves out. `more` says what isn't shown.
    """

    key: str
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    figures: frozenset[int] = frozenset()
    wide: frozenset[int] = frozenset()
    about: str = ""
    more: str = ""
    has_total: bool = False

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The headings with their classes."""
        return [(text, self._classes(place)) for place, text in enumerate(self.headings)]

    @property
    def lines(self) -> list[list[tuple[Cell, str]]]:
        """The rows, each cell with its classes."""
        return [[(cell, self._classes(place)) for place, cell in enumerate(row)] for row in self.rows]

    def _classes(self, place: int) -> str:
        names = (("cl-num", self.figures), ("cl-only-d", self.wide))
        return " ".join(name for name, places in names if place in places)


def cells(*texts: Any) -> list[Cell]:
    """A row of plain cells."""
    return [text if isinstance(text, Cell) else Cell(text=text) for text in texts]
