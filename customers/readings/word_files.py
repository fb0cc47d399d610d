"""Word lists in `words/`: one entry per line, `#` starts a comment."""

from __future__ import annotations

from importlib.resources import files


def lines(name: str) -> list[str]:
    """Lines without comments and blanks."""
    text = (files("customers.readings") / "words" / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def words(name: str) -> frozenset[str]:
    return frozenset(word for line in lines(name) for word in line.split())


def spellings(name: str) -> dict[str, str]:
    """For each word of `words/NAME.txt`, the first word of its line."""
    return {word: line.split()[0] for line in lines(name) for word in line.split()[1:]}
