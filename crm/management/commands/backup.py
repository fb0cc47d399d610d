"""`manage.py backup [DIR]`"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem

from crm.backup.archive import write_backup
from crm.backup.engines import BackupFailed
from crm.jobs.backups import BACKUP, backup_in_words
from crm.queue import record_run
from customers import clock
from customers.cli import INTERRUPTED, USAGE, one_line, say
from customers.formats import counted


class Command(BaseCommand):
    help = (
        "Back up the database into a new file in a directory: everything that Clientele keeps, as it is at one moment. The file"
        " is read again and checked before it gets its name, and encrypted if BACKUP_KEY is set."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "directory", metavar="DIR", nargs="?", help="where to write the file (default: BACKUP_DIR)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        directory = options["directory"] or settings.BACKUP_DIR
        if not directory:
            raise CommandError("Name a directory, or set BACKUP_DIR.", returncode=USAGE)
        begun = clock.now()
        try:
            path, manifest = write_backup(Path(directory))
        except (BackupFailed, OSError) as problem:
            raise CommandError(f"{reason_of(problem)} Nothing was written.") from None
        except DatabaseProblem as problem:
            raise CommandError(f"The database failed: {one_line(str(problem).strip())}.") from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing was written.", returncode=INTERRUPTED) from None
        say(
            self.stdout,
            f"Backed up {counted(manifest.rows, 'row')} of {counted(len(manifest.tables), 'table')}:"
            f" {one_line(str(path))}",
        )
        record_run(
            BACKUP,
            "backup",
            stderr=self.stderr,
            started_at=begun,
            result=backup_in_words(manifest),
            log=[f"Wrote {path.name}."],
        )


def reason_of(problem: BackupFailed | OSError) -> str:
    """What went wrong, as a sentence."""
    text = str(problem) if isinstance(problem, BackupFailed) else f"{problem.strerror}: {problem.filename}"
    return f"{one_line(text).rstrip('.')}."
