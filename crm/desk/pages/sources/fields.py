"""The fields of the Sources page: each value, who set it, and what other records say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode

from crm.desk.imported_rows import ImportedRow, row_that_brought
from crm.desk.provenance import crm_provenance_of
from crm.models import Company, ImportedRecord, Relationship
from customers.admin.origins import in_words, mark_of, name_of
from customers.formats import ago, day, free_form_text, initials, moment, number, page_of
from customers.ingest.precedence import is_empty
from customers.models import Customer
from customers.provenance import FieldProvenance, SourceClaim, ValueOrigin, provenance_of

#: Values are cut after this many characters; the received document shows them whole.
LONGEST = 300


class Group(StrEnum):
    """The parts of the list of fields."""

    DIFFERENT = "Different values"
    LOCKED = "Locked"
    SAME = "Same value or one source"


@dataclass(frozen=True, slots=True)
class Said:
    """What a record says about a field. `who` is its source; `may_use` if the user may make it the value."""

    record: str
    text: str
    who: str
    full_name: str
    mark: str
    when: str
    at: str
    url: str
    file: ImportedRow | None
    may_use: bool = False


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field. `part` names the row that has it, if that isn't the customer; `claim` is the record with this value.

    `others` are records with another value, `agreeing` further records with the same one. `news` is a value that a
    source sent after a person had set this one.
    """

    name: str
    label: str
    part: str
    text: str
    group: Group
    origin: str
    who: str
    mark: str
    when: str
    claim: Said | None
    others: tuple[Said, ...]
    agreeing: tuple[Said, ...]
    news: str
    is_pinned: bool
    may_change: bool
    may_use_sources: bool
    row: Model
    column: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the fields for one user. `imported` are the rows that imports of files brought for the customer."""

    customer: Customer
    user: Any
    may_change: bool
    imported: Sequence[ImportedRecord]

    def rows(self) -> tuple[list[FieldRow], list[str]]:
        """The fields with a value in any source, and the labels of all others."""
        shown: list[FieldRow] = []
        blank: list[str] = []
        for row, part, fields in self._parts():
            for field in fields:
                if field.is_pinned or field.others or not is_blank(field.value):
                    shown.append(self._row(row, part, field))
                else:
                    blank.append(f"{part}: {field.label}" if part else _capital(field.label))
        order = list(Group)
        return sorted(shown, key=lambda each: order.index(each.group)), blank

    def _parts(self) -> Iterator[tuple[Model, str, Sequence[FieldProvenance]]]:
        yield self.customer, "", provenance_of(self.customer)
        may: Callable[[str], bool] = self.user.has_perm
        models: list[type[Model]] = [
            model for model in (Company, Relationship) if may(f"crm.view_{model._meta.model_name}")
        ]
        for found in crm_provenance_of(self.customer, models):
            yield found.row, _capital(str(found.row._meta.verbose_name)), found.fields

    def _row(self, row: Model, part: str, field: FieldProvenance) -> FieldRow:
        may_change = self.may_change and row is self.customer and field.name in Customer.PINNABLE
        claim = None if field.claim is None else self._said(field.claim, row, field.name)
        who, mark = _who(field, claim)
        return FieldRow(
            name=field.name if row is self.customer else f"{row._meta.model_name}.{field.name}",
            label=_capital(field.label),
            part=part,
            text=text_of(field.value, row, field.name),
            group=Group.LOCKED if field.is_pinned else Group.DIFFERENT if field.others else Group.SAME,
            origin=in_words(field),
            who=who,
            mark=mark,
            when="" if field.at is None else ago(field.at),
            claim=claim,
            others=tuple(self._said(each, row, field.name, may_use=may_change) for each in field.others),
            agreeing=tuple(self._said(each, row, field.name) for each in field.agreeing),
            news=_news(row, field),
            is_pinned=field.is_pinned,
            may_change=may_change,
            may_use_sources=may_change and field.is_overruling,
            row=row,
            column=field.name,
        )

    def _said(self, claim: SourceClaim, row: Model, name: str, *, may_use: bool = False) -> Said:
        return Said(
            record=str(claim.record.pk),
            text=text_of(claim.value, row, name),
            who=claim.record.source_name,
            full_name=name_of(claim.record),
            mark=mark_of(claim.record),
            when=ago(claim.since),
            at=moment(claim.since),
            url=_payload_of(claim),
            file=row_that_brought(self.imported, claim.record, claim.since, self.user),
            may_use=may_use and not is_blank(claim.value),
        )


def is_blank(value: Any) -> bool:
    """Whether a value says nothing."""
    return is_empty(value) or value in ([], {})


def text_of(value: Any, row: Model, name: str) -> str:
    """A value of the column `name` as the page shows it, cut if it is long."""
    if is_blank(value):
        return "-"
    column: Any = row._meta.get_field(name)
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return number(value)
    text = value if isinstance(value, str) else free_form_text(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _who(field: FieldProvenance, claim: Said | None) -> tuple[str, str]:
    """Who gave the value, and the letters that stand for them."""
    if field.origin is ValueOrigin.PERSON:
        return field.by, initials(field.by)
    if field.origin is ValueOrigin.MERGE:
        return field.reason, initials(field.by) if field.by else ""
    if claim is not None:
        return claim.who, claim.mark
    if field.origin is ValueOrigin.IMPORT:
        return field.reason, ""
    return ("-" if is_blank(field.value) else "Unknown"), ""


def _news(row: Model, field: FieldProvenance) -> str:
    if field.news is None or not field.is_pinned:
        return ""
    return (
        f"Newer value from {name_of(field.news.record)}: “{text_of(field.news.value, row, field.name)}”,"
        f" since {moment(field.news.since)}."
    )


def _payload_of(claim: SourceClaim) -> str:
    """The URL of the received document; of the source record if the document is unknown."""
    if claim.payload_id is None:
        return page_of(claim.record)
    return f"{reverse('desk-record-changes', args=[claim.record.pk])}?{urlencode({'new': claim.payload_id})}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
