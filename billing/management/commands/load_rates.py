"""Enter exchange rates from a file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.rates.convert import installation_currency
from billing.rates.enter import enter_rates, read_file
from customers.cli import STDIN, USAGE, one_line, say
from customers.formats import counted
from customers.ingest.engine import rolled_back
from customers.logs import add_counts

_SHOWN = 20
_NOTHING = "Nothing was changed."


class Command(BaseCommand):
    help = (
        "Enter exchange rates from a CSV file with the columns currency, rate and day, and if wanted to and source:"
        " on that day one unit of currency was worth rate units of the reporting currency, or of to. A rate of the same"
        " currency and day is replaced. Nothing is entered if any line is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", help="CSV file in UTF-8 with a header; - for standard input"
        )
        parser.add_argument("--dry-run", action="store_true", help="enter everything, then roll it back")

    def handle(self, *args: Any, **options: Any) -> None:
        """Enter the rates and report the counts."""
        rates, problems = read_file(_text(options["file"]), installation_currency())
        if problems:
            more = [f"… and {len(problems) - _SHOWN} more lines."] if len(problems) > _SHOWN else []
            raise CommandError("\n".join([*problems[:_SHOWN], *more, _NOTHING]))
        if options["dry_run"]:
            with rolled_back():
                done = enter_rates(rates)
        else:
            done = enter_rates(rates)
            add_counts(new=done.new, replaced=done.replaced, same=done.same)
        say(
            self.stdout,
            f"{counted(done.new, 'new rate')}, {done.replaced} replaced, {done.same} unchanged.",
        )
        if options["dry_run"]:
            say(self.stdout, f"This was a dry run. {_NOTHING}")


def _text(name: str) -> str:
    try:
        data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as problem:
        reason = f"{one_line(name)} can't be read ({problem.strerror}). Name another file."
        raise CommandError(reason, returncode=USAGE) from None
    except UnicodeDecodeError:
        raise CommandError(
            f"{one_line(name)} is not UTF-8. Save it as CSV in UTF-8. {_NOTHING}", returncode=USAGE
        ) from None
