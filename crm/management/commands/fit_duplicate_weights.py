"""Fit the weights of the evidence for duplicates."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from crm.dedupe.duplicates.fit import RIDGE, Example, Quality, fitted, quality
from crm.dedupe.duplicates.review import decided_examples
from crm.dedupe.duplicates.weights import CURRENT, DEFAULT_SCORE, Weights
from customers.cli import one_line, say
from customers.formats import counted


class Command(BaseCommand):
    help = (
        "Fit the weights of the evidence to people's decisions on possible duplicates, and to the pairs in FILE"
        " (written by `python -m bench.planted_pairs`). Prints how the weights would change, and changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "files", nargs="*", type=Path, metavar="FILE", help="pairs to fit to, one per line"
        )
        parser.add_argument(
            "--check",
            nargs="+",
            type=Path,
            default=[],
            metavar="FILE",
            help="pairs that are not fitted to: compare the weights on them (default: on the fitted ones)",
        )
        parser.add_argument(
            "--ridge",
            type=float,
            default=RIDGE,
            metavar="N",
            help=f"how strongly weights are drawn to today's (default: {RIDGE:g})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        decided = list(decided_examples())
        planted = [example for file in options["files"] for example in _examples(file)]
        if not decided and not planted:
            raise CommandError(
                "There is nothing to fit to: no decision on a possible duplicate, and no FILE."
            )
        weights = fitted([*decided, *planted], CURRENT, ridge=options["ridge"])
        checked = [example for file in options["check"] for example in _examples(file)] or [
            *decided,
            *planted,
        ]
        self.stderr.write(
            f"Fitted to {counted(len(decided), 'decision')} and {counted(len(planted), 'planted pair')},"
            f" compared on {counted(len(checked), 'pair')}.",
            str,
        )
        for line in (*_changes(weights), *_compared(checked, weights)):
            say(self.stdout, line)


def _examples(file: Path) -> Iterator[Example]:
    decode = msgspec.json.Decoder(Example).decode
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                example = decode(line)
                unknown = {term.rule for term in example.terms} - set(CURRENT.rules)
                if unknown:
                    raise CommandError(f"{file}, line {number}: no rule is called “{min(unknown)}”.")
                yield example
    except (OSError, msgspec.DecodeError) as problem:
        raise CommandError(f"{file} can't be read: {one_line(str(problem))}.") from None


def _changes(weights: Weights) -> Iterator[str]:
    for table, before, after in (
        ("rules", CURRENT.rules, weights.rules),
        ("crowded", CURRENT.crowded, weights.crowded),
    ):
        for rule, weight in after.items():
            if weight != before[rule]:
                yield f"{table:<8} {rule:<40}{before[rule]:>7.2f}  {weight:>7.2f}"


def _compared(examples: list[Example], weights: Weights) -> Iterator[str]:
    for name, table in (("today", CURRENT), ("fitted", weights)):
        yield from _in_words(name, quality(examples, table))


def _in_words(name: str, measured: Quality) -> Iterator[str]:
    yield f"{name}: precision {measured.precision:.4f}, recall {measured.recall:.4f} at {DEFAULT_SCORE}"
    for band in measured.bands:
        yield f"  from {band.least:.2f}: {band.pairs:>7} pairs, {band.duplicates / band.pairs:>6.1%} are duplicates"
