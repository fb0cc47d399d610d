"""Lists of words that people keep beside the code, in `words/`: one thing a line, `#` begins a remark."""

from __future__ import annotations

from importlib.resources import files


def lines(name: str) -> list[str]:
    """The lines of `words/NAME.txt` that say something."""
    text = (files("crm.dedupe.duplicates") / "words" / f"{name}.txt").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def words(name: str) -> frozenset[str]:
    """The words of `words/NAME.txt`."""
    return frozenset(word for line in lines(name) for word in line.split())


def spellings(name: str) -> dict[str, str]:
    """For each word of `words/NAME.txt`, the first of its line."""
    return {word: line.split()[0] for line in lines(name) for word in line.split()[1:]}
