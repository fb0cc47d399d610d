"""The Sources page: where each value of a customer comes from, which fields are locked, and which records are linked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import urlencode

from crm.desk.imported_rows import imported_records
from crm.desk.pages.crumbs import Crumb, crumbs_of
from crm.desk.pages.customer_lookup import customer_with_head
from crm.desk.pages.record_shell import DETAILS, shell_of
from crm.desk.pages.sources.field_history import history_of, trust_in_words
from crm.desk.pages.sources.fields import FieldRow, Group, Reader
from crm.desk.pages.sources.records import record_lines
from customers import clock, pinned_fields
from customers.ingest.precedence import ORDERED
from customers.models import Customer

#: What `?show=` shows, besides all.
_SHOWN = {"different": ("Different", Group.DIFFERENT), "locked": ("Locked", Group.LOCKED)}


def sources_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The list of fields. `?field=` opens the history of one.

    A POST locks a field, unlocks it, or sets it to what the sources or one record say.
    """
    may: Callable[[str], bool] = request.user.has_perm
    if not (may("customers.view_customer") and may("customers.view_sourcerecord")):
        raise PermissionDenied
    customer = customer_with_head(request, identifier)
    may_change = may("customers.change_customer") and customer.merged_into_id is None
    here = reverse("desk-provenance", args=[customer.pk])
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        _act(request, customer)
        return HttpResponseRedirect(f"{here}{_query(request)}")
    if str(customer.pk) != identifier:
        return HttpResponseRedirect(here)
    accounts = customer.source_records.values_list("came_with", flat=True)
    imported = imported_records([customer.pk, *filter(None, accounts)])
    rows, blank = Reader(customer, request.user, may_change, imported).rows()
    show = request.GET.get("show", "")
    opened = next((row for row in rows if row.name == request.GET.get("field")), None)
    may_link = may("crm.merge_customers") and customer.merged_into_id is None
    details = reverse("desk-details", args=[customer.pk])
    context = {
        **shell_of(customer, may, clock.now()).context(request, DETAILS),
        "title": f"{customer}: sources",
        "crumbs": crumbs_of(customer, Crumb(DETAILS, details), Crumb("Sources")),
        "details_url": details,
        "here": here,
        "show": show if show in _SHOWN else "",
        "may_change": may_change,
        "views": _views(rows, here, show),
        "query": _query(request),
        "groups": _groups(rows, show),
        "blank": ", ".join(blank),
        "opened": None if opened is None else history_of(opened),
        "records": list(record_lines(customer, may_link=may_link)),
        "trust": trust_in_words("phone"),
        "trusted_otherwise": [
            (Customer.label_of(name), trust_in_words(name))
            for name in ORDERED
            if trust_in_words(name) != trust_in_words("phone")
        ],
        "trust_url": reverse("settings-group", args=["trust"])
        if may("customers.change_storedsetting")
        else "",
    }
    return TemplateResponse(request, "crm/desk/sources.html", context)


def _query(request: HttpRequest) -> str:
    """What is shown, to come back to after an act."""
    kept = {name: request.GET[name] for name in ("show", "field") if request.GET.get(name)}
    return f"?{urlencode(kept)}" if kept else ""


def _views(rows: list[FieldRow], here: str, shown: str) -> list[tuple[str, str, bool]]:
    """All fields, those with different values and those that are locked: words with a count, URL, whether current."""
    views = [(f"All {len(rows)}", here, shown not in _SHOWN)]
    for name, (label, group) in _SHOWN.items():
        count = sum(row.group is group for row in rows)
        views.append((f"{label} {count}", f"{here}?show={name}", shown == name))
    return views


def _groups(rows: list[FieldRow], shown: str) -> list[tuple[Group, list[FieldRow]]]:
    wanted = [_SHOWN[shown][1]] if shown in _SHOWN else list(Group)
    groups = [(group, [row for row in rows if row.group is group]) for group in wanted]
    return [(group, found) for group, found in groups if found]


def _act(request: HttpRequest, customer: Customer) -> None:
    field, (act, _, record) = request.POST.get("field", ""), request.POST.get("act", "").partition(":")
    label = Customer.label_of(field) if field in Customer.PINNABLE else field
    key: Any = str(customer.pk)
    try:
        if act == "lock":
            pinned_fields.lock_field(key, field, request.user)
            done = f"Locked the {label}. Imports won't change it."
        elif act == "unlock":
            pinned_fields.unlock_field(key, field, request.user)
            done = f"Unlocked the {label}. Imports can change it."
        elif act == "use-sources":
            pinned_fields.take_from_sources(key, field, request.user)
            done = f"Set the {label} to the source value. Imports can change it."
        elif act == "use":
            pinned_fields.use_value_of(key, field, record, request.user)
            done = f"Changed the {label} and locked it. Imports won't change it."
        else:
            raise ValueError("Reload the page and try again. Nothing was changed.")
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, done)
