"""Output of commands that read files, and the file for refused records."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from customers.ingest.reader import BadRecord, error_line

#: The file name that means standard input.
STDIN = "-"
#: Exit statuses.
USAGE, INTERRUPTED = 2, 130

Refuse = Callable[[BadRecord], None]


def one_line(text: str) -> str:
    """`text` with line breaks and control characters escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def origin_of(name: str) -> str:
    """The name of the file `name` in reports and histories."""
    return "standard input" if name == STDIN else one_line(Path(name).name)


def say(stdout: Any, line: str) -> None:
    """Write `line` to a command's `stdout`; the command continues if the reader has closed it."""
    try:
        stdout.write(line)
        stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def errors_file(name: str | None, inputs: list[str]) -> Iterator[Refuse]:
    """A function that writes a refused record to the file `name`; without a name it does nothing.

    The file is emptied at the start. Raises `CommandError` if it is one of `inputs` or cannot be written.
    """
    if name is None:
        yield lambda bad: None
        return
    try:
        if any(_is_same_file(name, each) for each in inputs):
            raise CommandError(
                f"{one_line(name)} is an input. Name another file for --errors.", returncode=USAGE
            )
        file = Path(name).open("wb")  # noqa: SIM115 - closed below
    except (OSError, ValueError) as problem:
        raise CommandError(_cannot_write(name, problem), returncode=USAGE) from None

    def write(bad: BadRecord) -> None:
        try:
            file.write(error_line(bad))
            file.flush()
        except OSError as problem:
            raise CommandError(_cannot_write(name, problem)) from None

    with file:
        yield write


def _is_same_file(name: str, other: str) -> bool:
    try:
        read = os.fstat(sys.stdin.fileno()) if other == STDIN else Path(other).stat()
        return os.path.samestat(Path(name).stat(), read)
    except (OSError, ValueError, AttributeError):
        return False


def _cannot_write(name: str, problem: Exception) -> str:
    reason = problem.strerror if isinstance(problem, OSError) else str(problem)
    return f"{one_line(name)} can't be written ({reason}). Name another file for --errors."
