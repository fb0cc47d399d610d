"""The jobs of imported files: preview, import, revert."""

from __future__ import annotations

from crm.imports.revert import revert
from crm.imports.run import preview, run
from crm.jobs.kind import JobFailed, JobResult, RunningJob
from crm.models import FileImport
from customers.formats import counted, listed, number
from customers.ingest.importer import ImportOutcome


def preview_file(job: RunningJob) -> JobResult:
    """Find out what an import would do."""
    file_import = _wanted(job, FileImport.State.PREVIEWING)
    preview(file_import, job.progress)
    return _result(file_import)


def import_file(job: RunningJob) -> JobResult:
    """Import a file."""
    file_import = _wanted(job, FileImport.State.RUNNING)
    run(file_import, job.progress)
    return _result(file_import)


def revert_file(job: RunningJob) -> JobResult:
    """Revert an import."""
    file_import = _wanted(job, FileImport.State.REVERTING)
    found = revert(file_import, job.progress)
    return JobResult(
        f"{counted(found.removed, 'customer')} removed, {counted(found.restored, 'customer')} restored"
    )


def _wanted(job: RunningJob, state: FileImport.State) -> FileImport:
    found = FileImport.objects.filter(pk=job.arguments["import"]).first()
    if found is None:
        raise JobFailed("The file was removed.")
    if found.state != state:
        raise JobFailed("The import is over already.")
    return found


def _result(file_import: FileImport) -> JobResult:
    counts = file_import.counts
    parts = [f"{number(counts[each])} {each}" for each in ImportOutcome if counts.get(each)]
    text = listed(parts) or "No records"
    if file_import.error:
        text = f"{text}. {file_import.error}"
    return JobResult(text, counts.get("refused", 0) + bool(file_import.error))
