"""`manage.py restore FILE [--replace]`"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from crm.backup.engines import BackupFailed
from crm.backup.restore import restore
from crm.management.commands.backup import reason_of
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import counted, moment


class Command(BaseCommand):
    help = (
        "Restore a backup, all or nothing, and check each table against its rows and hash. Erasures that were made after the backup,"
        " in the database that is replaced or in later backups beside the file, are made again. Stop the server and"
        " the workers first. Everyone has to sign in again."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a file that `backup` wrote")
        parser.add_argument(
            "--replace", action="store_true", help="replace everything in the database, which isn't empty"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = restore(Path(options["file"]), replace=options["replace"])
        except (BackupFailed, OSError) as problem:
            raise CommandError(f"{reason_of(problem)} Nothing was changed.") from None
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}. Run the command again.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Run the command again.", returncode=INTERRUPTED) from None
        manifest = done.manifest
        say(
            self.stdout,
            f"Restored {counted(manifest.rows, 'row')} of {counted(len(manifest.tables), 'table')},"
            f" as of {moment(datetime.fromisoformat(manifest.made_at))}.",
        )
        if done.erased_again:
            say(self.stdout, f"Made {counted(done.erased_again, 'later erasure')} again.")
        if done.problems:
            raise CommandError("\n".join(done.problems))
