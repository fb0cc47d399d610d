"""The timeline page of one customer: filtered by kind, person and day, searched, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.timezone import make_aware

from billing.ledger.totals import customer_ids_with_merged
from crm.desk.pages.customer_lookup import customer_with_head, requested_customer
from crm.desk.pages.overview.timeline import FEEDS, feeds_of, timeline_section
from crm.desk.pages.record_shell import ACTIVITY, shell_of
from crm.desk.timeline.days import by_day
from crm.desk.timeline.entry import EntryKind, Position, TimelineQuery
from crm.desk.timeline.stream import SOURCES, read_page
from customers import clock
from customers.formats import user_name

_PAGE = 40
_LONGEST_SEARCH = 200
_YEARS = range(1970, 9999)


class TimelineForm(forms.Form):
    """The timeline's filter. Invalid values are ignored."""

    kind = forms.MultipleChoiceField(
        label="Kind", choices=EntryKind.choices, required=False, widget=CheckboxSelectMultiple
    )
    by = forms.ChoiceField(label="By", required=False, widget=forms.Select(attrs={"class": "cl-field"}))
    since = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": "cl-field"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label="Until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": "cl-field"}, format="%Y-%m-%d"),
    )
    q = forms.CharField(
        label="Search",
        required=False,
        max_length=_LONGEST_SEARCH,
        widget=forms.TextInput(attrs={"type": "search", "class": "cl-field"}),
    )

    def __init__(self, data: Any, kinds: Sequence[EntryKind]) -> None:
        super().__init__(data, auto_id="timeline-%s")
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]
        self.people = {str(user.pk): user for user in get_user_model()._default_manager.order_by("username")}
        self.fields["by"].choices = [  # type: ignore[attr-defined]
            ("", "Anyone"),
            *((key, user_name(user)) for key, user in self.people.items()),
        ]


def timeline_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """One page of the timeline of the customer with this identifier, in a bounded number of queries."""
    customer = customer_with_head(request, identifier)
    if str(customer.pk) != identifier:
        return HttpResponseRedirect(reverse("desk-timeline", args=[customer.pk]))
    offered = kinds_for(request.user)
    form = TimelineForm(request.GET, offered)
    form.is_valid()
    chosen: dict[str, Any] = form.cleaned_data
    before = Position.read(request.GET.get("before", ""))
    page = read_page(
        TimelineQuery(
            customer_ids=customer_ids_with_merged(str(customer.pk)),
            limit=_PAGE,
            before=before,
            since=_begin(chosen.get("since")),
            until=_begin(chosen.get("until"), 1),
            person=form.people.get(chosen.get("by", "")),
            text=chosen.get("q", "").replace("\0", "").strip(),
        ),
        request.user.has_perm,
        [EntryKind(value) for value in chosen.get("kind", [])] or offered,
    )
    query = request.GET.copy()
    query.pop("before", None)
    newest = query.urlencode()
    query["before"] = str(page.older)
    context = {
        **shell_of(customer, request.user.has_perm, clock.now()).context(request, ACTIVITY),
        "form": form,
        "is_filtered": any(chosen.values()),
        "section": {"lines": by_day(page.entries)},
        "is_first": before is None,
        "newest": f"?{newest}",
        "older": f"?{query.urlencode()}" if page.older is not None else "",
    }
    return TemplateResponse(request, "crm/desk/timeline.html", context)


def latest_activity(request: HttpRequest, identifier: str) -> HttpResponse:
    """The feed of the overview: the newest entries, narrowed by `?show=`. A part of a page."""
    customer = requested_customer(request, identifier)
    chosen = request.GET.get("show", "")
    current = chosen if chosen in FEEDS else ""
    section = timeline_section(customer, request.user.has_perm, FEEDS[current][1])
    context = {"customer": customer, "section": section, "feeds": feeds_of(customer, current)}
    return TemplateResponse(request, "crm/desk/overview/feed.html", context)


def kinds_for(user: Any) -> list[EntryKind]:
    """The kinds of entries that the user may see."""
    visible: set[EntryKind] = set()
    for source in SOURCES:
        visible |= source.visible_kinds(user.has_perm)
    return [kind for kind in EntryKind if kind in visible]


def _begin(day: date | None, later: int = 0) -> datetime | None:
    """The start, in the current time zone, of the day `later` days after `day`; None for a year out of range."""
    if day is None or day.year not in _YEARS:
        return None
    return make_aware(datetime.combine(day + timedelta(days=later), time.min))
