"""The job that writes an export."""

from __future__ import annotations

from django.urls import reverse

from crm.desk.spreadsheets.exports import skipped_in, write_part
from crm.jobs.kind import JobFailed, JobResult, RunningJob
from crm.models import Export, NotificationKind
from crm.notify import notify
from customers.formats import counted


def write_export(job: RunningJob) -> JobResult:
    """Write the parts of an export that aren't written yet."""
    export = Export.objects.filter(pk=job.arguments["export"]).first()
    if export is None:
        raise JobFailed("The export was deleted before it was finished.")
    while left := write_part(export):
        job.progress(export.customers - left, export.customers)
    skipped = skipped_in(export)
    written = counted(export.customers - skipped, "customer")
    notify(
        NotificationKind.EXPORT_DONE,
        [export.made_by_id],
        f"Your export of {written} is ready",
        detail=export.title,
        link=reverse("desk-export", args=[export.pk]),
        key=str(export.pk),
    )
    return JobResult(f"{written} exported", skipped)
