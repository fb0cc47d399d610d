"""The pages of exports: the user's own exports, the progress of one, and its file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.desk.spreadsheets.exports import file_of, kept_for, skipped_in
from crm.models import Export, Worker
from crm.models.export import ExportQuerySet
from customers import clock
from customers.formats import counted, local, number, when

_TYPES = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
PERMISSION = "crm.add_export"


def exports_page(request: HttpRequest) -> HttpResponse:
    """The user's exports of the last day, newest first."""
    context = {
        **admin.site.each_context(request),
        "title": "My exports",
        "exports": [
            (
                export,
                counted(export.customers, "customer"),
                when(export.made_at),
                when(export.made_at + kept_for()),
            )
            for export in _mine(request).with_waiting()
        ],
        "customers_url": reverse("desk-customers"),
    }
    return TemplateResponse(request, "crm/desk/exports.html", context)


def export_remove(request: HttpRequest, export_id: str) -> HttpResponse:
    """Delete an export before its day is over."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    _own(request, export_id).delete()
    messages.success(request, "Deleted the export and its file.")
    return HttpResponseRedirect(reverse("desk-exports"))


def export_page(request: HttpRequest, export_id: str) -> HttpResponse:
    """The progress of an export; the page's script asks for it again until the file is ready."""
    export = _own(request, export_id)
    done, skipped = _progress(export)
    status = f"{number(done - skipped)} of {number(export.customers)} written"
    context = {
        **admin.site.each_context(request),
        "title": "Export",
        "export": export,
        "of": counted(export.customers, "customer"),
        "is_ready": done == export.customers,
        "done": done,
        "status": f"{status}. Couldn't export {number(skipped)}." if skipped else status,
        "until": when(export.made_at + kept_for()),
        "file": reverse("desk-export-file", args=[export.pk]),
        "progress": reverse("desk-export-progress", args=[export.pk]),
        "remove": reverse("desk-export-remove", args=[export.pk]),
    }
    return TemplateResponse(request, "crm/desk/export.html", context)


def export_progress(request: HttpRequest, export_id: str) -> HttpResponse:
    """How many customers are done, how many there are, how many failed at the end, and whether a worker is there."""
    export = _own(request, export_id)
    done, skipped = _progress(export)
    is_running = Worker.objects.alive(clock.now()).exists()
    return JsonResponse(
        {"done": done, "of": export.customers, "skipped": skipped, "is_running": is_running},
        headers={"Cache-Control": "no-store"},
    )


def _progress(export: Export) -> tuple[int, int]:
    """How many customers are done, and at the end how many of them failed."""
    left = sum(len(keys) for keys in export.parts.waiting().values_list("customer_ids", flat=True))
    return export.customers - left, 0 if left else skipped_in(export)


def export_file(request: HttpRequest, export_id: str) -> HttpResponseBase:
    """The file of a finished export."""
    export = _own(request, export_id)
    if export.parts.waiting().exists():
        raise Http404("The export isn't finished yet.")
    name = f"customers-{local(export.made_at):%Y-%m-%d-%H%M}.{export.format}"
    return StreamingHttpResponse(
        file_of(export),
        content_type=_TYPES[Export.Format(export.format)],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _mine(request: HttpRequest) -> ExportQuerySet:
    """The exports that this user requested within the last day. Raises `PermissionDenied`."""
    if not request.user.has_perms(["customers.view_customer", PERMISSION]):
        raise PermissionDenied
    user: Any = request.user
    return Export.objects.filter(made_by=user, made_at__gt=clock.now() - kept_for())


def _own(request: HttpRequest, export_id: str) -> Export:
    """One of the user's exports. Raises `Http404`."""
    try:
        found = _mine(request).filter(pk=export_id).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404("You have no such export. Its file may be past its time. Export the customers again.")
    return found
