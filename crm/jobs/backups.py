"""The job that writes a backup every night."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from crm.backup.archive import Manifest, delete_older, write_backup
from crm.backup.engines import BackupFailed
from crm.jobs.kind import JobFailed, JobResult, RunningJob
from customers.formats import counted

#: The kind of this job.
BACKUP = "backup"


def back_up(job: RunningJob) -> JobResult:
    """Write a backup into the folder that the operator chose, and delete the oldest ones. Without a folder, do nothing."""
    if not settings.BACKUP_DIR:
        return JobResult("Off: no folder for backups was chosen")
    directory = Path(settings.BACKUP_DIR)
    try:
        path, manifest = write_backup(directory)
        deleted = delete_older(directory, settings.BACKUPS_KEPT)
    except BackupFailed as problem:
        raise JobFailed(str(problem)) from None
    except OSError as problem:
        raise JobFailed(f"Couldn't write the backup: {problem.strerror}") from None
    job.say(f"Wrote {path.name}.")
    if deleted:
        job.say(f"Deleted {counted(deleted, 'old backup')}.")
    return JobResult(backup_in_words(manifest))


def backup_in_words(manifest: Manifest) -> str:
    """What a backup holds."""
    return f"Backed up {counted(manifest.rows, 'row')}, verified"
