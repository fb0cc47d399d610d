"""The pages of segments: the list, saving a filter, editing and deleting a segment."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from crm.desk.segments.filter import BadValue, FilterContext
from crm.desk.segments.query import Query
from crm.desk.segments.saved import NameTaken, count_of, customers_of, save_segment
from crm.models import Segment
from customers import clock
from customers.models.customer import CustomerQuerySet

_PAGE = 20


class SegmentForm(forms.Form):
    """The name of a segment, and whether it is shared."""

    name = forms.CharField(label="Name", max_length=100, widget=UnfoldAdminTextInputWidget)
    is_shared = forms.BooleanField(
        label="Shared",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="All users can use it. Only you can edit it.",
    )
    replaces = forms.BooleanField(
        label="Replace my segment with this name", required=False, widget=UnfoldBooleanSwitchWidget
    )


def list_url(query: Query) -> str:
    """The URL of the customer list with these filters."""
    url = reverse("desk-customers")
    return f"{url}?{query.address}" if query.address else url


def segments_page(request: HttpRequest) -> HttpResponse:
    """The segments that the user may use, each with its number of customers."""
    _check(request)
    usable = Segment.objects.usable_by(request.user).select_related("owner").order_by("name", "pk")
    page = Paginator(usable, _PAGE).get_page(request.GET.get("page"))
    context = {
        **admin.site.each_context(request),
        "title": "Segments",
        "page": page,
        "rows": [_row(request, segment) for segment in page],
        "customers_url": reverse("desk-customers"),
    }
    return TemplateResponse(request, "crm/desk/segments.html", context)


def save_page(request: HttpRequest) -> HttpResponse:
    """Save the filters in the URL as a segment of the user."""
    _check(request, "crm.add_segment")
    try:
        query = Query.read(request.GET)
        customers = query.customers(FilterContext(request.user, clock.now()), request.user.has_perm)
    except BadValue as problem:
        messages.error(request, str(problem))
        return HttpResponseRedirect(reverse("desk-customers"))
    form = SegmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            saved = save_segment(
                values["name"],
                query,
                by=request.user,
                is_shared=values["is_shared"],
                replaces=values["replaces"],
            )
        except NameTaken as problem:
            form.add_error("name", str(problem))
        else:
            messages.success(request, f"Saved the segment “{saved.name}”.")
            return HttpResponseRedirect(reverse("desk-segments"))
    context = {
        **admin.site.each_context(request),
        "title": "Save as segment",
        "form": form,
        "words": query.words,
        "count": _customers(customers),
        "back": list_url(query),
    }
    return TemplateResponse(request, "crm/desk/segment.html", context)


def segment_page(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Rename, share or delete a segment of the user."""
    _check(request, "crm.change_segment")
    segment = _own(request, segment_id)
    form = SegmentForm(request.POST or None, initial={"name": segment.name, "is_shared": segment.is_shared})
    del form.fields["replaces"]
    if request.method == "POST" and "delete" in request.POST:
        segment.delete()
        messages.success(request, f"Deleted the segment “{segment.name}”. Its customers are unchanged.")
        return HttpResponseRedirect(reverse("desk-segments"))
    if request.method == "POST" and form.is_valid():
        segment.name, segment.is_shared = form.cleaned_data["name"], form.cleaned_data["is_shared"]
        try:
            segment.validate_constraints()
        except ValidationError as problem:
            form.add_error("name", problem.messages)
        else:
            segment.save(update_fields=["name", "is_shared"])
            messages.success(request, f"Saved the segment “{segment.name}”.")
            return HttpResponseRedirect(reverse("desk-segments"))
    words, count, url = _row(request, segment)[1:]
    context = {
        **admin.site.each_context(request),
        "title": segment.name,
        "form": form,
        "segment": segment,
        "words": words,
        "count": count,
        "back": url or reverse("desk-segments"),
    }
    return TemplateResponse(request, "crm/desk/segment.html", context)


def _row(request: HttpRequest, segment: Segment) -> tuple[Segment, str, str, str]:
    """A segment, its filters in words, its number of customers and the URL of its list.

    If the segment is invalid, the reason takes the place of the filters, and the rest is empty.
    """
    try:
        query = Query.read(segment.query)
        customers = customers_of(segment, request.user, request.user.has_perm)
        return segment, query.words, _customers(customers), list_url(query)
    except BadValue as problem:
        return segment, str(problem), "", ""


def _customers(customers: CustomerQuerySet) -> str:
    count = count_of(customers)
    return f"{count} customer" if count == "1" else f"{count} customers"


def _own(request: HttpRequest, segment_id: str) -> Segment:
    user: Any = request.user
    try:
        found: Any = Segment.objects.filter(pk=segment_id, owner=user).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404
    segment: Segment = found
    return segment


def _check(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms(["customers.view_customer", "crm.view_segment", *permissions]):
        raise PermissionDenied
