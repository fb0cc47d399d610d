"""Import a table or file of documents, as the page of imports does."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.imports.revert import begin_revert, is_revertible, preview_revert, revert
from crm.imports.run import REVERT, WrongState, begin_run, preview, run
from crm.imports.unpack import NotImportable
from crm.imports.uploads import source_name, take_file
from crm.models import FileImport, ImportMapping
from crm.queue import IMPORT, record_run
from customers import clock
from customers.cli import USAGE
from customers.formats import counted, listed, number
from customers.ingest.importer import ImportOutcome
from customers.models.source import FILE_SOURCE
from customers.typed_ids import to_uuid

_SHOWN = 20


class Command(BaseCommand):
    help = (
        "Import a file as the page of imports does: CSV, TSV, Excel, or documents as JSON, optionally compressed. The"
        " columns of a table are mapped by a saved mapping, else by what they look like. Prints the ID of the import, with"
        " which it can be reverted. The exit status is 1 if a record was refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", metavar="FILE", help="file to import")
        parser.add_argument("--mapping", metavar="NAME", help="saved mapping of the columns")
        parser.add_argument("--source", metavar="NAME", help="name of the source of the records of a table")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )
        parser.add_argument("--revert", metavar="IMPORT", help="revert the import with this ID instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["file"]) == bool(options["revert"]):
            raise CommandError("Name a file to import, or an import with --revert.", returncode=USAGE)
        if options["revert"]:
            self._revert(options["revert"], is_dry_run=options["dry_run"])
        else:
            self._import(options)

    def _import(self, options: dict[str, Any]) -> None:
        path = Path(options["file"])
        try:
            with path.open("rb") as stream:
                file_import = take_file(path.name, stream, None)
        except (OSError, NotImportable) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise CommandError(f"{path}: {reason}") from None
        if file_import.is_table:
            self._map(file_import, options)
        if options["dry_run"]:
            preview(file_import, _nothing)
            self._say(file_import, is_preview=True)
            FileImport.objects.filter(pk=file_import.pk).delete()
            self.stdout.write("Dry run. Nothing was changed.")
        else:
            FileImport.objects.filter(pk=file_import.pk).update(state=FileImport.State.READY)
            begin_run(file_import, None)
            run(file_import, _nothing)
            self._record(file_import)
            self._say(file_import, is_preview=False)
            self.stdout.write(f"Import {file_import.pk}")
        refused = file_import.counts.get("refused", 0)
        if file_import.error or refused:
            raise CommandError(file_import.error or f"Refused {counted(refused, 'record')}.")

    def _record(self, file_import: FileImport) -> None:
        """Show the import on the page of jobs."""
        counts = [
            f"{number(file_import.counts[each])} {each}"
            for each in ImportOutcome
            if file_import.counts.get(each)
        ]
        record_run(
            IMPORT,
            "import_file",
            subject=file_import.name,
            stderr=self.stderr,
            started_at=file_import.started_at or file_import.made_at,
            result=listed(counts) or "No records",
            problems=file_import.counts.get("refused", 0),
            error=file_import.error,
        )

    def _map(self, file_import: FileImport, options: dict[str, Any]) -> None:
        name = options["mapping"]
        if name:
            mapping = ImportMapping.objects.filter(name=name).first()
            if mapping is None:
                file_import.delete()
                raise CommandError(f"No mapping is called “{name}”.")
            file_import.mapping, file_import.fields = mapping, mapping.fields
            file_import.options = {**file_import.options, **mapping.options}
            file_import.source = mapping.options.get("source") or file_import.source
        if options["source"]:
            source = source_name(options["source"].removeprefix(FILE_SOURCE))
            if not source:
                file_import.delete()
                raise CommandError("Name the source with letters or digits.", returncode=USAGE)
            file_import.source = FILE_SOURCE + source
        file_import.save()

    def _say(self, file_import: FileImport, *, is_preview: bool) -> None:
        would = " would be" if is_preview else ""
        counts = file_import.counts
        seldom = (ImportOutcome.STALE, ImportOutcome.ERASED)
        named = [each for each in ImportOutcome if counts.get(each) or each not in seldom]
        words = [f"{number(counts.get(each, 0))}{would} {each}" for each in named]
        self.stdout.write(f"{file_import.name}: {', '.join(words)}")
        refused = file_import.records.filter(is_preview=is_preview, outcome=ImportOutcome.REFUSED)
        for record in refused[:_SHOWN]:
            place = f"{record.place}: " if record.place else ""
            self.stderr.write(f"{file_import.name}: row {record.number}: {place}{record.reason}")

    def _revert(self, key: str, *, is_dry_run: bool) -> None:
        file_import = FileImport.objects.filter(pk=key).first() if to_uuid(key, ("imp",)) else None
        if file_import is None:
            raise CommandError(f"No import has the ID {key}.")
        if not is_revertible(file_import):
            raise CommandError("This import can't be reverted.")
        if is_dry_run:
            found = preview_revert(file_import)
        else:
            try:
                begin_revert(file_import, None)
            except WrongState as problem:
                raise CommandError(str(problem)) from None
            begun = clock.now()
            found = revert(file_import, _nothing)
        would = " would be" if is_dry_run else ""
        result = f"{counted(found.removed, 'customer')}{would} removed, {counted(found.restored, 'customer')}{would} restored"
        if not is_dry_run:
            record_run(
                REVERT,
                "import_file",
                subject=file_import.name,
                stderr=self.stderr,
                started_at=begun,
                result=result,
            )
        self.stdout.write(result)
        for _, name, why in found.stays:
            self.stdout.write(f"{name} stays. {why}.")
        if more := len(found.staying) - len(found.stays):
            self.stdout.write(f"{counted(more, 'more customer')} {'stays' if more == 1 else 'stay'}.")


def _nothing(done: int, total: int) -> None:
    """Commands don't show progress of short work."""
