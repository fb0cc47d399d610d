"""The pages to revert an import, or one customer's part of it, with what that would do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.imports.pages.access import wanted
from crm.imports.revert import (
    is_revertible,
    kept_in_words,
    preview_revert,
    revert_customer,
    start_revert,
)
from crm.imports.run import WrongState
from crm.imports.undo import Reverted
from crm.models import FileImport, ImportedRecord
from customers.formats import counted, customer_url, number

#: So many customers a preview of a revert works through while the user waits.
_MOST_PREVIEWED = 5000


def revert_page(request: HttpRequest, import_id: str) -> HttpResponse:
    """Show what a revert would do, and request it (POST)."""
    file_import = wanted(request, import_id)
    page = reverse("import", args=[file_import.pk])
    if not is_revertible(file_import):
        messages.error(request, "This import can't be reverted.")
        return HttpResponseRedirect(page)
    if request.method == "POST":
        try:
            start_revert(file_import, request.user)
        except WrongState as problem:
            messages.error(request, str(problem))
        return HttpResponseRedirect(page)
    counts = file_import.counts
    touched = counts.get("created", 0) + counts.get("updated", 0)
    is_large = touched > _MOST_PREVIEWED
    found = None if is_large else preview_revert(file_import)
    return _show(request, file_import, found, button=f"Revert {counted(touched, 'customer')}")


def revert_customer_page(request: HttpRequest, import_id: str, row: int) -> HttpResponse:
    """Show what reverting the import of a record's customer would do, and do it (POST)."""
    file_import = wanted(request, import_id)
    record = _record(file_import, row)
    page = reverse("import", args=[file_import.pk])
    if not is_revertible(file_import):
        messages.error(request, "This import can't be reverted.")
        return HttpResponseRedirect(page)
    key = str(record.customer_id)
    if request.method == "POST":
        try:
            revert_customer(file_import, key, request.user)
            messages.success(request, f"Reverted the import of {record.title or 'the customer'}.")
        except WrongState as problem:
            messages.error(request, str(problem))
        return HttpResponseRedirect(page)
    found = preview_revert(file_import, only=key)
    return _show(request, file_import, found, button="Revert this customer", title=record.title or "Unnamed")


def _record(file_import: FileImport, row: int) -> ImportedRecord:
    found = (
        file_import.records.filter(number=row, is_preview=False, is_reverted=False)
        .exclude(customer_id=None)
        .exclude(batch=None)
        .first()
    )
    if found is None:
        raise Http404("This row of the import was reverted already, or it names no customer.")
    return found


def _show(
    request: HttpRequest, file_import: FileImport, found: Reverted | None, *, button: str, title: str = ""
) -> HttpResponse:
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Revert import",
        "import": file_import,
        "page": reverse("import", args=[file_import.pk]),
        "customer": title,
        "lines": [] if found is None else _lines(found),
        "stays": [] if found is None else [(name, customer_url(key), why) for key, name, why in found.stays],
        "unnamed": _unnamed(found),
        "button": button,
        "is_large": found is None,
    }
    return TemplateResponse(request, "crm/imports/revert.html", context)


def _lines(found: Reverted) -> list[tuple[str, str]]:
    lines = [
        ("Customers removed", found.removed),
        ("Customers that stay", len(found.staying)),
        ("Customers restored", found.restored),
        ("Merges and links undone", found.unmerged),
        ("Ledger entries reversed", found.reversed),
        *((f"Changed since, so kept: {noun}", count) for noun, count in kept_in_words(found)),
    ]
    always = ("Customers removed", "Customers restored")
    return [(label, number(count)) for label, count in lines if count or label in always]


def _unnamed(found: Reverted | None) -> str:
    """How many customers stay that the page doesn't name; empty if it names all."""
    more = len(found.staying) - len(found.stays) if found else 0
    return number(more) if more else ""
