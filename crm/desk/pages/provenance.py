"""Where each value of a customer comes from, and which of them imports may change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.desk.pages.customer_lookup import requested_customer
from crm.desk.provenance import crm_provenance_of
from crm.models import Company, Relationship
from customers import pinned_fields
from customers.admin.origins import in_words, name_of
from customers.formats import free_form_text, moment, page_of, plain_text
from customers.ingest.precedence import is_empty
from customers.models import Customer
from customers.provenance import FieldProvenance, Saying, provenance_of

#: Longer values are cut here; the record's own page has them whole.
LONGEST = 300


@dataclass(frozen=True, slots=True)
class SourceValue:
    """Who says so, since when, with links to the payload as received and to the record."""

    text: str
    source: str
    url: str


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field as the page shows it. `actions` are (word of the form, words of the button)."""

    name: str
    label: str
    text: str
    origin: str
    url: str
    is_pinned: bool
    others: tuple[SourceValue, ...]
    news: str
    actions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FieldTable:
    """The fields of one row of ours; `silent` names those that are empty while nobody says anything else."""

    title: str
    url: str
    rows: list[FieldRow]
    silent: str


def provenance_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The table of fields; a POST holds a field fast, lets it go, or takes what the sources say."""
    may: Callable[[str], bool] = request.user.has_perm
    if not (may("customers.view_customer") and may("customers.view_sourcerecord")):
        raise PermissionDenied
    customer = requested_customer(request, identifier)
    may_change = may("customers.change_customer") and customer.merged_into_id is None
    here = reverse("desk-provenance", args=[customer.pk])
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied
        _act(request, customer)
        return HttpResponseRedirect(here)
    if str(customer.pk) != identifier:
        return HttpResponseRedirect(here)
    shown: list[type[Model]] = [
        model for model in (Company, Relationship) if may(f"crm.view_{model._meta.model_name}")
    ]
    tables = [_table("Profile", customer, provenance_of(customer), may_change)]
    for found in crm_provenance_of(customer, shown):
        title = str(found.row._meta.verbose_name).capitalize()
        tables.append(_table(title, found.row, found.fields, may_change=False))
    context = {
        **admin.site.each_context(request),
        "title": f"Where it comes from: {customer}",
        "customer": customer,
        "customer_url": reverse("desk-customer", args=[customer.pk]),
        "tables": tables,
        "records": list(_records(customer)),
    }
    return TemplateResponse(request, "crm/desk/provenance.html", context)


def _act(request: HttpRequest, customer: Customer) -> None:
    field, act = request.POST.get("field", ""), request.POST.get("act", "")
    words = pinned_fields.PINNABLE.get(field, field)
    try:
        if act == "hold":
            pinned_fields.hold_fast(str(customer.pk), field)
            told = f"Imports leave the {words} alone from now on."
        elif act == "release":
            pinned_fields.let_imports_change(str(customer.pk), field)
            told = f"The next import that says something new may change the {words}."
        elif act == "take":
            pinned_fields.take_from_sources(str(customer.pk), field, request.user)
            told = f"The {words} is what the sources say, and imports may change it."
        else:
            raise ValueError("This page does not know what to do. Open it again.")
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, told)


def _table(title: str, row: Model, fields: Sequence[FieldProvenance], may_change: bool) -> FieldTable:
    told = [each for each in fields if each.is_pinned or each.others or not _is_blank(each.value)]
    silent = ", ".join(each.label for each in fields if each not in told)
    return FieldTable(title, page_of(row), [_row(each, may_change) for each in told], silent)


def _row(field: FieldProvenance, may_change: bool) -> FieldRow:
    actions: list[tuple[str, str]] = []
    if may_change and field.name in pinned_fields.PINNABLE:
        actions.append(("release", "Let imports change") if field.is_pinned else ("hold", "Hold fast"))
        if field.is_overruling:
            actions.append(("take", "Take what the sources say"))
    news = ""
    if field.news is not None:
        news = f"Since {moment(field.news.since)}, {name_of(field.news.record)} says “{_text(field.news.value)}”."
    return FieldRow(
        name=field.name,
        label=field.label[:1].upper() + field.label[1:],
        text=_text(field.value),
        origin=in_words(field),
        url=_payload_of(field.saying) if field.saying is not None else "",
        is_pinned=field.is_pinned,
        others=tuple(_source_value(each) for each in field.others),
        news=news if field.is_pinned else "",
        actions=tuple(actions),
    )


def _source_value(saying: Saying) -> SourceValue:
    return SourceValue(
        _text(saying.value), f"{name_of(saying.record)}, since {moment(saying.since)}", _payload_of(saying)
    )


def _payload_of(saying: Saying) -> str:
    """The payload as it was received; the record, with its latest one, where that is not known."""
    if saying.payload_id is None:
        return page_of(saying.record)
    return reverse("admin:customers_receivedpayload_change", args=[saying.payload_id])


def _records(customer: Customer) -> Iterator[tuple[str, str, str, str]]:
    """Each record of a source: its name, when it came last, its page, and what changed in it."""
    for record in customer.source_records.select_related("came_with"):
        changes = reverse("desk-record-changes", args=[record.pk])
        yield name_of(record), moment(record.last_received_at), page_of(record), changes


def _is_blank(value: Any) -> bool:
    return is_empty(value) or value in ([], {})


def _text(value: Any) -> str:
    if _is_blank(value):
        return "-"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return plain_text(value)
    text = value if isinstance(value, str) else free_form_text(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
