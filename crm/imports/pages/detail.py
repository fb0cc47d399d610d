"""The page of one import: its progress, its preview, its result, and the files to download."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import content_disposition_header

from crm.desk.spreadsheets.csv_safety import plain_cell
from crm.imports.pages.access import steps, wanted
from crm.imports.revert import is_revertible
from crm.imports.run import WrongState, start_preview, start_run
from crm.imports.store import pieces_of
from crm.models import FileImport, ImportedRecord, Job, Worker
from crm.queue import JobChanged, may_decide, pause_job, resume_job
from customers import clock
from customers.configuration.table import IMPORTS_KEPT_DAYS
from customers.configuration.values import value_of
from customers.formats import counted, customer_url, day, duration, number, user_name, when
from customers.ingest.importer import ImportOutcome
from customers.models import Customer
from customers.models.source import FILE_SOURCE

_PAGE = 50
#: Seconds; shorter ones are not worth a number.
_LONG = 10
_OUTCOMES = (
    (ImportOutcome.CREATED, "Created", "good"),
    (ImportOutcome.UPDATED, "Updated", "info"),
    (ImportOutcome.UNCHANGED, "Unchanged", ""),
    (ImportOutcome.STALE, "Stale", ""),
    (ImportOutcome.REFUSED, "Refused", "bad"),
)
#: What the page offers to do with a job.
_VERBS: dict[str, str] = {Job.State.WAITING: "pause", Job.State.RUNNING: "pause", Job.State.PAUSED: "resume"}
_BUSY = (FileImport.State.PREVIEWING, FileImport.State.RUNNING, FileImport.State.REVERTING)


def import_page(request: HttpRequest, import_id: str) -> HttpResponse:
    """What an import would do, does or did, in a fixed number of queries."""
    file_import = wanted(request, import_id)
    if file_import.is_table and file_import.state == FileImport.State.UPLOADED:
        return HttpResponseRedirect(reverse("import-map", args=[file_import.pk]))
    is_preview = file_import.started_at is None
    shown = _shown(request, file_import)
    records = _records(file_import, is_preview, shown)
    start = _start(request)
    page = list(records[start : start + _PAGE + 1])
    step = "Preview" if is_preview else "Result"
    context = {
        **admin.site.each_context(request),
        "title": file_import.name,
        "import": file_import,
        "steps": steps(step, is_table=file_import.is_table),
        "is_preview": is_preview,
        "is_busy": file_import.state in _BUSY,
        "progress": _progress(file_import, request.user),
        "counts": _counts(file_import, shown),
        "sentence": _sentence(file_import),
        "will_change": sum(file_import.counts.get(name, 0) for name in ("created", "updated")),
        "shown": {each.value: label for each, label, _ in _OUTCOMES}[shown],
        "is_refused": shown == ImportOutcome.REFUSED,
        "is_listed": shown != ImportOutcome.UNCHANGED,
        "records": [_line(record) for record in _with_known_customers(page[:_PAGE])],
        "range": f"{number(start + 1)} to {number(start + len(page[:_PAGE]))}",
        "next": f"?show={shown}&start={start + _PAGE}" if len(page) > _PAGE else "",
        "previous": f"?show={shown}&start={max(0, start - _PAGE)}" if start else "",
        "can_revert": is_revertible(file_import),
        "can_run": file_import.state == FileImport.State.READY,
        "can_mend": file_import.is_table and file_import.state == FileImport.State.READY,
        "has_refused": bool(file_import.counts.get("refused")),
        "facts": _facts(file_import),
        "review_url": reverse("admin:crm_duplicatecluster_changelist"),
    }
    return TemplateResponse(request, "crm/imports/import.html", context)


def _start(request: HttpRequest) -> int:
    text = request.GET.get("start", "")
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def _shown(request: HttpRequest, file_import: FileImport) -> str:
    """The outcome that is listed: the one that was asked for, else the first that has records."""
    wanted_outcome = request.GET.get("show", "")
    if wanted_outcome in set(ImportOutcome):
        return wanted_outcome
    first = (each.value for each, _, _ in _OUTCOMES if file_import.counts.get(each.value))
    return next(first, ImportOutcome.CREATED.value)


def _records(file_import: FileImport, is_preview: bool, shown: str) -> Any:
    return file_import.records.filter(is_preview=is_preview, outcome=shown).order_by("number")


def _with_known_customers(records: list[ImportedRecord]) -> list[tuple[ImportedRecord, bool]]:
    keys = [record.customer_id for record in records if record.customer_id]
    known = set(map(str, Customer.objects.filter(pk__in=keys).values_list("pk", flat=True)))
    return [(record, str(record.customer_id) in known) for record in records]


def _line(found: tuple[ImportedRecord, bool]) -> dict[str, Any]:
    record, is_known = found
    return {
        "number": number(record.number),
        "title": record.title or "Unnamed",
        "url": customer_url(record.customer_id) if is_known else "",
        "changes": record.changes,
        "remarks": [each["text"] for each in record.remarks],
        "column": record.place,
        "reason": record.reason,
        "cells": _cells(record.text),
        "mend": f"cell-{record.number}" if record.place else "",
        "cell": _cell(record),
        "is_reverted": record.is_reverted,
        "revert_url": _revert_url(record),
    }


def _revert_url(record: ImportedRecord) -> str:
    # Earlier versions didn't keep with which rows a record was imported.
    if record.is_preview or record.customer_id is None or record.batch_id is None:
        return ""
    return reverse("import-revert-customer", args=[record.file_import_id, record.number])


def _cell(record: ImportedRecord) -> str:
    """The cell for which a row was refused."""
    try:
        cells = json.loads(record.text) if record.place and record.text else {}
    except ValueError:
        return ""
    return str(cells.get(record.place, "")) if isinstance(cells, dict) else ""


def _cells(text: str) -> str:
    try:
        cells = json.loads(text) if text else {}
    except ValueError:
        return text[:200]
    return " · ".join(str(each) for each in cells.values())[:200] if isinstance(cells, dict) else text[:200]


def _counts(file_import: FileImport, shown: str) -> list[dict[str, Any]]:
    counts = [
        {
            "label": label,
            "value": number(file_import.counts.get(each.value, 0)),
            "color": color,
            "url": f"?show={each.value}",
            "is_current": each == shown,
        }
        for each, label, color in _OUTCOMES
    ]
    review = {
        "label": "To review",
        "value": number(file_import.duplicates),
        "color": "warn",
        "url": reverse("admin:crm_duplicatecluster_changelist"),
        "is_current": False,
    }
    return [*counts, review]


def _progress(file_import: FileImport, user: Any) -> dict[str, Any] | None:
    if file_import.state not in _BUSY:
        return None
    job = _job(file_import)
    done, total = (job.done, job.total) if job else (0, 0)
    may = job is not None and may_decide(user, job)
    return {
        "percent": min(100, done * 100 // total) if total else 0,
        "text": f"{number(done)} of {number(total)}" if total else "Waiting to start",
        "error": job.error if job else "",
        "is_over": job is not None and job.state in Job.ENDED,
        "is_paused": job is not None and job.state == Job.State.PAUSED,
        "verb": _VERBS.get(job.state, "") if job and may else "",
        "waits_for_worker": not Worker.objects.alive(clock.now()).exists(),
    }


def _job(file_import: FileImport) -> Job | None:
    return Job.objects.filter(key=str(file_import.pk)).order_by("-created_at", "-pk").first()


def pause_import(request: HttpRequest, import_id: str) -> HttpResponse:
    """Pause the work on a file, or continue it, as the button said that was pressed."""
    file_import = wanted(request, import_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    job = _job(file_import)
    if job is not None and not may_decide(request.user, job):
        raise PermissionDenied
    act = resume_job if request.POST.get("verb") == "resume" else pause_job
    try:
        if job is not None:
            act(str(job.pk))
    except JobChanged as problem:
        messages.error(request, str(problem))
    return HttpResponseRedirect(reverse("import", args=[file_import.pk]))


def _sentence(file_import: FileImport) -> str:
    if file_import.started_at is None:
        seconds = file_import.options.get("preview_seconds")
        if not seconds:
            return "Nothing is imported yet. You can revert the import later."
        takes = f"about {duration(timedelta(seconds=seconds))}" if seconds >= _LONG else "a few seconds"
        return f"Nothing is imported yet. Importing takes {takes} and can be reverted."
    counts = file_import.counts
    done = counts.get("created", 0) + counts.get("updated", 0)
    if file_import.ended_at is None:
        return "The import runs in the background. You can leave this page."
    took = duration(file_import.ended_at - file_import.started_at)
    return f"{counted(done, 'customer')} imported in {took}."


def _facts(file_import: FileImport) -> list[tuple[str, Any]]:
    user = file_import.made_by
    kept_until = file_import.made_at + timedelta(days=value_of(IMPORTS_KEPT_DAYS))
    erased = file_import.counts.get("erased", 0)
    facts: list[tuple[str, Any]] = [
        ("Source", file_import.source.removeprefix(FILE_SOURCE)),
        (
            "Mapping",
            file_import.mapping.name if file_import.mapping else file_import.options.get("preset", ""),
        ),
        ("Imported by", user_name(user)),
        ("Uploaded", when(file_import.made_at)),
        ("Size", f"{number(max(1, file_import.size // 1000))} kB, {counted(file_import.total, 'record')}"),
        ("Left out, as erased", counted(erased, "record") if erased else ""),
        ("File kept until", day(kept_until)),
        ("Reverted", when(file_import.reverted_at) if file_import.reverted_at else ""),
    ]
    return [(label, value) for label, value in facts if value]


def run_import(request: HttpRequest, import_id: str) -> HttpResponse:
    """Import a previewed file."""
    file_import = wanted(request, import_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        start_run(file_import, request.user)
    except WrongState as problem:
        messages.error(request, str(problem))
    return HttpResponseRedirect(reverse("import", args=[file_import.pk]))


def mend_rows(request: HttpRequest, import_id: str) -> HttpResponse:
    """Save corrected cells of refused rows, and preview the file again with them."""
    file_import = wanted(request, import_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    page = HttpResponseRedirect(reverse("import", args=[file_import.pk]))
    if not file_import.is_table or file_import.state != FileImport.State.READY:
        messages.error(request, "The import just changed. Reload the page.")
        return page
    refused = file_import.records.filter(is_preview=True, outcome=ImportOutcome.REFUSED).exclude(place="")
    numbers = [name.removeprefix("cell-") for name in request.POST if name.startswith("cell-")]
    mends: dict[str, dict[str, str]] = dict(file_import.options.get("mends") or {})
    for record in refused.filter(
        number__in=[int(each) for each in numbers if each.isdecimal() and len(each) < 12]
    ):
        value = request.POST[f"cell-{record.number}"].strip()
        if value != _cell(record):
            mends[str(record.number)] = {**mends.get(str(record.number), {}), record.place: value}
    file_import.options = {**file_import.options, "mends": mends}
    file_import.save(update_fields=["options"])
    try:
        start_preview(file_import, request.user)
    except WrongState as problem:
        messages.error(request, str(problem))
    return page


def refused_file(request: HttpRequest, import_id: str) -> HttpResponseBase:
    """The refused records of a table as CSV, in the columns of the file, with the reason."""
    file_import = wanted(request, import_id)
    is_preview = file_import.started_at is None
    records = _records(file_import, is_preview, ImportOutcome.REFUSED.value)
    headings = [column["heading"] for column in file_import.columns] or ["Record"]
    name = f"refused-{file_import.name.rpartition('.')[0] or file_import.name}.csv"
    return StreamingHttpResponse(
        _refused_lines(records, headings, file_import.is_table),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": content_disposition_header(True, name) or "attachment",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _refused_lines(records: Any, headings: list[str], is_table: bool) -> Iterator[str]:
    yield "\ufeff" + _csv_line([*headings, "Row", "Reason"])
    for record in records.iterator():
        cells = json.loads(record.text) if is_table and record.text else {}
        own = [str(cells.get(heading, "")) for heading in headings] if is_table else [record.text]
        yield _csv_line([*own, str(record.number), f"{record.place} {record.reason}".strip()])


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([plain_cell(cell) for cell in cells])
    return line.getvalue()


def original_file(request: HttpRequest, import_id: str) -> HttpResponseBase:
    """The file as it was uploaded, unpacked."""
    file_import = wanted(request, import_id)
    if not file_import.parts.exists():
        raise Http404("The file was deleted, because its time is over.")
    return StreamingHttpResponse(
        pieces_of(file_import),
        content_type="application/octet-stream",
        headers={
            "Content-Disposition": content_disposition_header(True, file_import.name) or "attachment",
            "X-Content-Type-Options": "nosniff",
        },
    )
