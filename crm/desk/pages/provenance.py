"""The Sources page: where each value of a customer comes from, and which fields are locked against imports."""

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
from django.utils.http import urlencode

from crm.desk.imported_rows import ImportedRow, imported_records, row_that_brought
from crm.desk.pages.crumbs import Crumb, came_from, crumbs_of
from crm.desk.pages.customer_lookup import requested_customer
from crm.desk.provenance import crm_provenance_of
from crm.desk.sheets.link import LinkRecord, TakeOut
from crm.models import Company, ImportedRecord, Relationship
from customers import pinned_fields
from customers.admin.origins import in_words, name_of
from customers.formats import day, free_form_text, moment, number, page_of
from customers.ingest.precedence import is_empty
from customers.models import Customer
from customers.provenance import FieldProvenance, SourceClaim, provenance_of
from customers.sheets import act_url

#: Values are cut after this many characters; the record's own page shows them whole.
LONGEST = 300


@dataclass(frozen=True, slots=True)
class SourceValue:
    """A source's value, with the record and moment it comes from and a link to the received document."""

    text: str
    source: str
    url: str
    file: ImportedRow | None


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field as the page shows it. `actions` are (value of `act`, text of the button)."""

    name: str
    label: str
    text: str
    origin: str
    url: str
    file: ImportedRow | None
    is_pinned: bool
    others: tuple[SourceValue, ...]
    news: str
    actions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FieldTable:
    """The fields of one row. `empty_fields` are the labels of those without a value in any source."""

    title: str
    url: str
    rows: list[FieldRow]
    empty_fields: str


def provenance_page(request: HttpRequest, identifier: str) -> HttpResponse:
    """The table of fields. A POST locks a field, unlocks it, or sets it to the value of the sources."""
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
    accounts = customer.source_records.values_list("came_with", flat=True)
    imported = _Imported(imported_records([customer.pk, *filter(None, accounts)]), request.user)
    tables = [_table("Profile", customer, provenance_of(customer), may_change, imported)]
    for found in crm_provenance_of(customer, shown):
        title = str(found.row._meta.verbose_name).capitalize()
        tables.append(_table(title, found.row, found.fields, False, imported))
    context = {
        **admin.site.each_context(request),
        "title": f"{customer}: sources",
        "crumbs": crumbs_of(customer, Crumb("Sources")),
        "came_from": came_from(request),
        "is_titled_by_crumb": True,
        "customer": customer,
        "tables": tables,
        "records": list(_records(customer, may("crm.merge_customers") and customer.merged_into_id is None)),
    }
    return TemplateResponse(request, "crm/desk/provenance.html", context)


def _act(request: HttpRequest, customer: Customer) -> None:
    field, act = request.POST.get("field", ""), request.POST.get("act", "")
    label = Customer.label_of(field) if field in Customer.PINNABLE else field
    try:
        if act == "lock":
            pinned_fields.lock_field(str(customer.pk), field, request.user)
            done = f"Locked the {label}. Imports won't change it."
        elif act == "unlock":
            pinned_fields.unlock_field(str(customer.pk), field, request.user)
            done = f"Unlocked the {label}. Imports can change it."
        elif act == "use-sources":
            pinned_fields.take_from_sources(str(customer.pk), field, request.user)
            done = f"Set the {label} to the source value. Imports can change it."
        else:
            raise ValueError("Reload the page and try again. Nothing was changed.")
    except ValueError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, done)


@dataclass(frozen=True, slots=True)
class _Imported:
    """The rows of files that imports brought for the customer, as this user may see them."""

    rows: Sequence[ImportedRecord]
    user: Any

    def of(self, claim: SourceClaim | None) -> ImportedRow | None:
        return None if claim is None else row_that_brought(self.rows, claim.record, claim.since, self.user)


def _table(
    title: str, row: Model, fields: Sequence[FieldProvenance], may_change: bool, imported: _Imported
) -> FieldTable:
    shown = [each for each in fields if each.is_pinned or each.others or not _is_blank(each.value)]
    empty_fields = ", ".join(each.label for each in fields if each not in shown)
    return FieldTable(title, page_of(row), [_row(each, may_change, imported) for each in shown], empty_fields)


def _row(field: FieldProvenance, may_change: bool, imported: _Imported) -> FieldRow:
    actions: list[tuple[str, str]] = []
    if may_change and field.name in Customer.PINNABLE:
        actions.append(("unlock", "Unlock") if field.is_pinned else ("lock", "Lock"))
        if field.is_overruling:
            actions.append(("use-sources", "Use source value"))
    news = ""
    if field.news is not None:
        news = (
            f"Newer value from {name_of(field.news.record)}: “{_text(field.news.value, field.name)}”,"
            f" since {moment(field.news.since)}."
        )
    return FieldRow(
        name=field.name,
        label=field.label[:1].upper() + field.label[1:],
        text=_text(field.value, field.name),
        origin=in_words(field),
        url=_payload_of(field.claim) if field.claim is not None else "",
        file=imported.of(field.claim),
        is_pinned=field.is_pinned,
        others=tuple(_source_value(each, field.name, imported) for each in field.others),
        news=news if field.is_pinned else "",
        actions=tuple(actions),
    )


def _source_value(claim: SourceClaim, name: str, imported: _Imported) -> SourceValue:
    return SourceValue(
        _text(claim.value, name),
        f"{name_of(claim.record)}, since {moment(claim.since)}",
        _payload_of(claim),
        imported.of(claim),
    )


def _payload_of(claim: SourceClaim) -> str:
    """The URL of the received document; of the source record if the document is unknown."""
    if claim.payload_id is None:
        return page_of(claim.record)
    return f"{reverse('desk-record-changes', args=[claim.record.pk])}?{urlencode({'new': claim.payload_id})}"


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A source record with its last import, its page, and those of its changes and links; "" where there is none."""

    name: str
    at: str
    url: str
    changes: str
    link: str
    unlink: str


def _records(customer: Customer, may_link: bool) -> Iterator[RecordLine]:
    """A line for each source record."""
    records = list(customer.source_records.select_related("came_with"))
    own = [record for record in records if not record.is_merged]
    for record in records:
        can_link = may_link and not record.is_merged
        yield RecordLine(
            name=name_of(record),
            at=moment(record.last_received_at),
            url=page_of(record),
            changes=reverse("desk-record-changes", args=[record.pk]),
            link=act_url(LinkRecord.name, record) if can_link else "",
            unlink=act_url(TakeOut.name, record) if can_link and len(own) > 1 else "",
        )


def _is_blank(value: Any) -> bool:
    return is_empty(value) or value in ([], {})


def _text(value: Any, name: str) -> str:
    if _is_blank(value):
        return "-"
    if name == "status":
        return str(dict(Customer.Status.choices).get(value, value))
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return number(value)
    text = value if isinstance(value, str) else free_form_text(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
