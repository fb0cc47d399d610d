"""The exports of somebody; the page that waits for one and, by asking how far it is, writes it; and the file."""

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
from django.utils.timezone import localtime

from crm.desk.spreadsheets.exports import KEPT, file_of, write_part
from crm.models import Export
from crm.models.export import ExportQuerySet
from customers import clock

_TYPES = {
    Export.Format.CSV: "text/csv; charset=utf-8",
    Export.Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
PERMISSION = "crm.add_export"


def exports_page(request: HttpRequest) -> HttpResponse:
    """What one asked for and may still fetch, the newest first."""
    context = {
        **admin.site.each_context(request),
        "title": "My exports",
        "exports": [(export, localtime(export.made_at + KEPT)) for export in _mine(request).with_waiting()],
        "customers_url": reverse("admin:customers_customer_changelist"),
    }
    return TemplateResponse(request, "crm/desk/exports.html", context)


def export_remove(request: HttpRequest, export_id: str) -> HttpResponse:
    """Take an export away before its time."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    _own(request, export_id).delete()
    messages.success(request, "The export is removed, and its file with it.")
    return HttpResponseRedirect(reverse("desk-exports"))


def export_page(request: HttpRequest, export_id: str) -> HttpResponse:
    """How far an export is; it goes on while the page is open."""
    export = _own(request, export_id)
    left = sum(len(keys) for keys in export.parts.waiting().values_list("customer_ids", flat=True))
    context = {
        **admin.site.each_context(request),
        "title": "Export",
        "export": export,
        "left": left,
        "done": export.customers - left,
        "until": localtime(export.made_at + KEPT),
        "file": reverse("desk-export-file", args=[export.pk]),
        "step": reverse("desk-export-step", args=[export.pk]),
        "remove": reverse("desk-export-remove", args=[export.pk]),
    }
    return TemplateResponse(request, "crm/desk/export.html", context)


def export_step(request: HttpRequest, export_id: str) -> HttpResponse:
    """Write a part; answer how many customers are done, of how many."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    export = _own(request, export_id)
    left = write_part(export)
    return JsonResponse({"done": export.customers - left, "of": export.customers})


def export_file(request: HttpRequest, export_id: str) -> HttpResponseBase:
    """The file, once it is whole."""
    export = _own(request, export_id)
    if export.parts.waiting().exists():
        raise Http404("The export is not whole yet.")
    name = f"customers-{localtime(export.made_at):%Y-%m-%d-%H%M}.{export.format}"
    return StreamingHttpResponse(
        file_of(export),
        content_type=_TYPES[Export.Format(export.format)],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _mine(request: HttpRequest) -> ExportQuerySet:
    """The exports that this user asked for, while they are kept."""
    if not request.user.has_perms(["customers.view_customer", PERMISSION]):
        raise PermissionDenied
    user: Any = request.user
    return Export.objects.filter(made_by=user, made_at__gt=clock.now() - KEPT)


def _own(request: HttpRequest, export_id: str) -> Export:
    """One of them. Raises `Http404`."""
    try:
        found = _mine(request).filter(pk=export_id).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404("There is no such export of yours: files are kept for a day. Ask for it again.")
    return found
