"""The page to upload files, with the imports of the last months."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.imports.pages.access import check_access, steps, wanted
from crm.imports.presets import PRESETS
from crm.imports.resumable import unfinished_uploads
from crm.imports.revert import is_revertible
from crm.imports.run import start_preview
from crm.imports.store import PART
from crm.imports.unpack import MOST_BYTES, NotImportable
from crm.imports.uploads import take_file
from crm.models import FileImport, ImportMapping
from customers.formats import counted, number, percent, user_name, when

_RECENT = 25
_COLORS = {
    FileImport.State.UPLOADED: "info",
    FileImport.State.PREVIEWING: "info",
    FileImport.State.READY: "info",
    FileImport.State.RUNNING: "info",
    FileImport.State.DONE: "good",
    FileImport.State.FAILED: "bad",
    FileImport.State.REVERTING: "info",
}


def imports_page(request: HttpRequest) -> HttpResponse:
    """Upload files (POST), and list the imports, newest first, in a fixed number of queries."""
    check_access(request)
    if request.method == "POST":
        return _upload(request)
    whole = FileImport.objects.exclude(state=FileImport.State.UPLOADING)
    recent = whole.select_related("made_by", "reverted_by")[:_RECENT]
    unfinished = unfinished_uploads(request.user).annotate(here=Count("parts"))
    context = {
        **admin.site.each_context(request),
        "title": "Imports",
        "steps": steps("Upload"),
        "limit": f"{number(MOST_BYTES // 1_000_000_000)} GB",
        "presets": list(dict.fromkeys(preset.title for preset in PRESETS)),
        "mappings": [(each, counted(each.used, "time")) for each in ImportMapping.objects.all()[:8]],
        "imports": [_line(each) for each in recent],
        "unfinished": [(each, percent(min(1, each.here * PART / each.size))) for each in unfinished],
    }
    return TemplateResponse(request, "crm/imports/imports.html", context)


def _line(file_import: FileImport) -> dict[str, Any]:
    counts = file_import.counts
    refused = counts.get("refused", 0)
    state = file_import.get_state_display()
    is_warned = file_import.state == FileImport.State.DONE and refused
    return {
        "import": file_import,
        "url": reverse("import", args=[file_import.pk]),
        "when": when(file_import.ended_at or file_import.made_at),
        "by": user_name(file_import.made_by),
        "state": f"{state}, {number(refused)} refused" if is_warned else state,
        "color": "warn" if is_warned else _COLORS.get(FileImport.State(file_import.state), ""),
        "counts": [number(counts.get(name, 0)) for name in ("created", "updated", "refused")],
        "can_revert": is_revertible(file_import),
        "reverted_by": user_name(file_import.reverted_by) if file_import.reverted_at else "",
    }


def _upload(request: HttpRequest) -> HttpResponse:
    files: list[Any] = request.FILES.getlist("file")
    if not files:
        messages.error(request, "Choose a file to upload.")
    taken: list[FileImport] = []
    for file in files:
        try:
            taken.append(take_file(file.name or "", file.file, request.user))
        except NotImportable as problem:
            messages.error(request, f"{file.name}: {problem}")
    for each in taken:
        if not each.is_table:
            start_preview(each, request.user)
    if len(taken) != 1 or len(files) > 1:
        if taken:
            messages.success(request, f"Uploaded {counted(len(taken), 'file')}.")
        return HttpResponseRedirect(reverse("imports"))
    page = "import-map" if taken[0].is_table else "import"
    return HttpResponseRedirect(reverse(page, args=[taken[0].pk]))


def remove_import(request: HttpRequest, import_id: str) -> HttpResponse:
    """Remove a file that was not imported."""
    file_import = wanted(request, import_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    removed, _ = (
        FileImport.objects.filter(pk=file_import.pk, started_at=None)
        .exclude(state=FileImport.State.PREVIEWING)
        .delete()
    )
    if removed:
        messages.success(request, f"Removed {file_import.name}.")
    else:
        messages.error(request, "The file is in use. Wait until its preview is ready.")
    return HttpResponseRedirect(reverse("imports"))
