"""`manage.py verify_audit [--anchor FILE]`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from customers.audit.chain import Head, anchor_line, read_anchor, seal_entries, verify
from customers.cli import INTERRUPTED, USAGE, one_line, say
from customers.formats import counted


class Command(BaseCommand):
    help = (
        "Verify that no entry of the audit log was changed, removed or put in between, and show the first place where the"
        " chain of hashes is broken. Entries that wait are sealed first. The exit status is 1 if the chain is broken."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            metavar="FILE",
            help="a file outside of the database with the heads of earlier verifications; the chain must have them all,"
            " and its head is added",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["anchor"]) if options["anchor"] else None
        try:
            anchors = _anchors(path)
            while seal_entries():
                pass
            verified = verify(anchors)
            if verified.broken is not None:
                place = f"The audit log is broken at entry {verified.broken.number:,}"
                raise CommandError(f"{place}: {verified.broken.problem}")
            if path is not None and verified.head not in anchors:
                with path.open("a") as file:
                    file.write(anchor_line(verified))
        except OSError as problem:
            name = one_line(str(path))
            raise CommandError(
                f"Couldn't use {name}: {problem.strerror or problem}.", returncode=USAGE
            ) from None
        except ValueError:
            name = one_line(str(path))
            raise CommandError(f"{name} is no file of anchors.", returncode=USAGE) from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=INTERRUPTED) from None
        say(
            self.stdout,
            f"Verified {counted(verified.sealed, 'entry', 'entries')}. Head: {verified.head.hash}",
        )


def _anchors(path: Path | None) -> list[Head]:
    if path is None or not path.exists():
        return []
    with path.open() as lines:
        return read_anchor(lines)
