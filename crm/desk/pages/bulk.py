"""What is done with the customers selected in their list: acts in sheets, and their undo; merge; export."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse

from crm.dedupe.merges.plan import PERMISSION as MERGE
from crm.desk.lists.customers import CUSTOMERS
from crm.desk.lists.page import selected_rows
from crm.desk.pages.exports import PERMISSION as EXPORT
from crm.desk.sheets.bulk import BULK_ACTS, undo_kept
from crm.desk.sheets.merge import MOST, merge_url
from crm.desk.spreadsheets.exports import TooMany, start_export
from crm.models import Export
from customers.sheets import Done, Refused, page_before, respond_to, succeed


def bulk_page(request: HttpRequest, name: str) -> HttpResponse:
    """The sheet of an act on the selected customers."""
    act = BULK_ACTS.get(name)
    if act is None:
        raise Http404
    if not act.allowed(request.user.has_perm):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseRedirect(reverse(CUSTOMERS.url_name))
    rows, words, back = selected_rows(request, CUSTOMERS)
    unmerged: Any = rows.filter(merged_into=None)
    running = act(request, unmerged, words, back)
    if not running.count:
        return succeed(request, Done(message="", warnings=["Select customers first."]), back)
    # The list sends only the selection.
    return respond_to(running, request.POST if "at" in request.POST else None, {})


def undo_page(request: HttpRequest, token: str) -> HttpResponse:
    """Undo the last change of customers, as its toast offers."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    back = page_before(request) or reverse(CUSTOMERS.url_name)
    try:
        done = undo_kept(request, token)
    except Refused as problem:
        messages.error(request, f"Couldn't undo. {problem}")
        return HttpResponseRedirect(back)
    return succeed(request, done, back)


def bulk_merge(request: HttpRequest) -> HttpResponse:
    """Open the merge page with the selected customers."""
    if not request.user.has_perm(MERGE):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseRedirect(reverse(CUSTOMERS.url_name))
    rows, _, back = selected_rows(request, CUSTOMERS)
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if 1 < len(keys) <= MOST:
        return HttpResponseRedirect(merge_url(keys))
    messages.warning(request, f"Select 2 to {MOST} customers to merge.")
    return HttpResponseRedirect(back)


def bulk_export(request: HttpRequest, file_format: str) -> HttpResponse:
    """Request a file of the selected customers, and open the page that shows its progress."""
    if not request.user.has_perm(EXPORT):
        raise PermissionDenied
    if file_format not in Export.Format.values:
        raise Http404
    if request.method != "POST":
        return HttpResponseRedirect(reverse(CUSTOMERS.url_name))
    selected, words, back = selected_rows(request, CUSTOMERS)
    rows: Any = selected
    try:
        export = start_export(rows, words, file_format, by=request.user, may=request.user.has_perm)
    except TooMany as problem:
        messages.error(request, str(problem))
        return HttpResponseRedirect(back)
    return HttpResponseRedirect(reverse("desk-export", args=[export.pk]))
