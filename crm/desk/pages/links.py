"""The page that links a source record to another customer, and the one that takes it out of its customer."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.dedupe.links.link import CannotLink, link_records, unlink_record
from crm.dedupe.links.preview import preview_link, preview_unlink
from crm.dedupe.links.records import NoSuchRecord, full_name, record_called
from crm.dedupe.merges.plan import PERMISSION
from crm.desk.pages.crumbs import Crumb, crumbs_of
from customers.lookup import AmbiguousCustomer, UnknownCustomer, find_customer
from customers.models import Customer, SourceRecord


def link_page(request: HttpRequest, record_id: str) -> HttpResponse:
    """Ask for the customer, show what linking the record to it would do. A POST links."""
    record = _record(request, record_id)
    sent = request.POST if request.method == "POST" else request.GET
    identifier = sent.get("to", "").strip()
    goal = _goal(request, record, identifier) if identifier else None
    lines = _preview(request, lambda: preview_link([record], str(goal.pk))) if goal is not None else []
    if request.method == "POST" and goal is not None and lines:
        done = _act(
            request,
            lambda: link_records(
                [record], str(goal.pk), by=request.user, reason=request.POST.get("reason", "")
            ),
        )
        if done:
            messages.success(request, f"Linked {full_name(record)} to {goal}.")
            return _sources_of(goal)
    return _shown(request, record, f"Link {full_name(record)}", lines, goal=goal, to=identifier)


def unlink_page(request: HttpRequest, record_id: str) -> HttpResponse:
    """Show what taking the record out of its customer would do. A POST takes it out."""
    record = _record(request, record_id)
    former = record.customer
    lines = _preview(request, lambda: preview_unlink(record))
    if request.method == "POST" and lines:
        done = _act(
            request, lambda: unlink_record(record, by=request.user, reason=request.POST.get("reason", ""))
        )
        if done:
            messages.success(request, f"Took {full_name(record)} out of {former}.")
            return _sources_of(done)
    return _shown(request, record, f"Take {full_name(record)} out", lines, is_unlink=True)


def _record(request: HttpRequest, record_id: str) -> SourceRecord:
    user: Any = request.user
    if not user.has_perms(["customers.view_customer", "customers.view_sourcerecord"]):
        raise PermissionDenied
    if request.method == "POST" and not user.has_perm(PERMISSION):
        raise PermissionDenied
    try:
        return record_called(record_id)
    except NoSuchRecord as problem:
        raise Http404(str(problem)) from None


def _goal(request: HttpRequest, record: SourceRecord, identifier: str) -> Customer | None:
    try:
        return find_customer(identifier, record.customer.env)
    except (UnknownCustomer, AmbiguousCustomer) as problem:
        messages.error(request, str(problem))
        return None


def _preview(request: HttpRequest, preview: Any) -> list[str]:
    """The lines of a preview; none, with a message, if it can't be done."""
    try:
        lines: list[str] = preview()
    except CannotLink as problem:
        messages.error(request, str(problem))
        return []
    return lines


def _act(request: HttpRequest, act: Any) -> Any:
    try:
        return act()
    except CannotLink as problem:
        messages.error(request, str(problem))
        return None


def _sources_of(customer: Customer) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("desk-provenance", args=[customer.pk]))


def _shown(
    request: HttpRequest, record: SourceRecord, title: str, lines: list[str], **more: Any
) -> TemplateResponse:
    first, *rest = lines or [""]
    context = {
        **admin.site.each_context(request),
        "title": title,
        "crumbs": crumbs_of(
            record.customer,
            Crumb("Sources", reverse("desk-provenance", args=[record.customer_id])),
            Crumb(title),
        ),
        "is_titled_by_crumb": True,
        "record": record,
        "name": full_name(record),
        "customer": record.customer,
        "back": reverse("desk-provenance", args=[record.customer_id]),
        "head": first,
        "lines": [line.strip() for line in rest],
        "may_link": request.user.has_perm(PERMISSION),
        **more,
    }
    return TemplateResponse(request, "crm/desk/link.html", context)
