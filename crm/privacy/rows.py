"""Delete and empty rows for an erasure, with their history and what Django's log says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.db.models import Model, Q, QuerySet

from crm.models import Export, ExportPart, FileImport, FileImportPart, ImportBatch, Person
from crm.privacy.personal_words import Finder
from crm.privacy.places import PEOPLE, Place, Searched
from customers.bulk import pieces
from customers.ingest.erased_people import Words, without_people
from customers.ingest.reader.strict import read_strict
from customers.json_types import Refused, encode
from customers.models import Customer, Erasure, SourceRecord

REASON = "Erased"

#: Columns whose values tell rows apart.
_UNIQUE = {"source_id", "entity_id", "subscription_id"}


@dataclass(slots=True)
class Erased:
    """What an erasure did: rows deleted and rows emptied, by the plural name of their table.

    `unpaid` are issued invoices that still wait for their payment, and now for an address. `remains_at` are other
    customers with the person.
    """

    erasure: Erasure
    deleted: Counter[str] = field(default_factory=Counter)
    emptied: Counter[str] = field(default_factory=Counter)
    unpaid: list[str] = field(default_factory=list)
    remains_at: list[str] = field(default_factory=list)


def delete_rows(done: Erased, place: Place, rows: QuerySet[Any], history: QuerySet[Any] | None) -> None:
    """Delete rows as plain SQL: deleting objects would write what they held into their history."""
    _forget_log_entries(place.model, rows, history)
    if history is not None:
        history._raw_delete(history.db)
    count = rows.order_by()._raw_delete(rows.db)
    if count:
        done.deleted[str(place.model._meta.verbose_name_plural)] += count


def history_of(place: Place, customer_ids: Sequence[str]) -> QuerySet[Any] | None:
    """The history of the customers' rows, of deleted ones too, and of what they were with other customers."""
    model: Any = place.model
    if not hasattr(model, "history"):
        return None
    history = model.history.model
    names = {each.name for each in history._meta.fields}
    condition = Q(**{f"{model._meta.pk.attname}__in": place.rows(customer_ids).order_by().values("pk")})
    for name in ("customer", "came_with", "survivor", "tombstone"):
        if name in names:
            condition |= Q(**{f"{name}__in": list(customer_ids)})
    rows: QuerySet[Any] = history._default_manager.filter(condition).order_by()
    return rows


def delete_people(done: Erased, people: Sequence[Person]) -> None:
    """Delete people with their history."""
    history: Any = apps.get_model("crm", "HistoricalPerson")
    for piece in pieces([str(person.pk) for person in people]):
        rows = Person.objects.filter(pk__in=piece)
        delete_rows(done, PEOPLE, rows, history.objects.filter(id__in=piece).order_by())


def empty_rows(done: Erased, place: Place, customer_ids: Sequence[str]) -> None:
    """Write the blanks into the rows and their history; history rows of a customer itself are deleted."""
    blanks = place.blanks or {}
    rows = place.rows(customer_ids)
    history = history_of(place, customer_ids)
    _forget_log_entries(place.model, rows, history)
    if place.model is Customer and history is not None:
        history._raw_delete(history.db)
        history = None
    fixed = {name: value for name, value in blanks.items() if not callable(value)}
    computed = {name: value for name, value in blanks.items() if callable(value)}
    count = rows.order_by().update(**fixed) if fixed else 0
    if history is not None:
        history.update(**_columns_of(history, fixed), history_change_reason=REASON)
    for name, value in computed.items():
        for row in rows.exclude(**{name: None}).exclude(**{name: ""}):
            count += 1
            place.model._default_manager.filter(pk=row.pk).update(**{name: value(row)})
            if history is not None:
                history.filter(**{row._meta.pk.attname: row.pk}).update(**{name: value(row)})
    if count:
        done.emptied[str(place.model._meta.verbose_name_plural)] += count


def _columns_of(history: QuerySet[Any], blanks: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in history.model._meta.fields}
    return {name: value for name, value in blanks.items() if name in names}


def _forget_log_entries(model: type[Model], rows: QuerySet[Any], history: QuerySet[Any] | None) -> None:
    """Empty the texts that Django's log keeps of these rows, and of deleted ones that the history knows."""
    entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(model))
    if not entries.exists():
        return
    keys = set(rows.order_by().values_list("pk", flat=True))
    if history is not None:
        keys |= set(history.values_list(model._meta.pk.attname, flat=True))
    for piece in pieces(keys):
        entries.filter(object_id__in=list(map(str, piece))).update(object_repr=REASON, change_message="")


def delete_exports(done: Erased, customer_ids: set[str]) -> None:
    """Delete the exports with any of the customers."""
    parts = ExportPart.objects.order_by().values_list("export_id", "customer_ids")
    keys = {export for export, ids in parts.iterator() if not customer_ids.isdisjoint(ids)}
    Export.objects.filter(pk__in=keys).delete()
    if keys:
        done.deleted["exports"] += len(keys)


def delete_files(done: Erased, customer_ids: Iterable[str]) -> None:
    """Delete the uploaded files of every source that knows one of the customers, and what is kept to revert them."""
    known = list(customer_ids)
    records = SourceRecord.objects.filter(Q(customer__in=known) | Q(came_with__in=known))
    sources = set(records.order_by().values_list("source", flat=True))
    files = FileImport.objects.filter(source__in=sources)
    found = files.filter(parts__isnull=False).distinct().count()
    ImportBatch.objects.filter(file_import__in=files).delete()
    FileImportPart.objects.filter(file_import__in=files).delete()
    files.filter(started_at=None).delete()
    if found:
        done.deleted["imported files"] += found


def search(done: Erased, searched: Searched, finder: Finder) -> None:
    """Take values out of a table whose rows name no customer."""
    rows = searched.model._default_manager.order_by().only("pk", *searched.columns)
    name = str(searched.model._meta.verbose_name_plural)
    found = [
        row for row in rows.iterator() if any(finder.is_in(getattr(row, each)) for each in searched.columns)
    ]
    for row in found:
        hit = searched.model._default_manager.filter(pk=row.pk)
        if searched.is_deleted:
            hit.delete()
            done.deleted[name] += 1
        elif searched.clear is not None:
            hit.update(**searched.clear)
            done.emptied[name] += 1
        else:
            hit.update(**{each: finder.without(getattr(row, each)) for each in searched.columns})
            done.emptied[name] += 1


def overwrite_deleted_pages() -> None:
    """Let SQLite overwrite what is deleted; PostgreSQL's VACUUM gives its space to other rows."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def replace_words(done: Erased, place: Place, customer_ids: Sequence[str], words: Words) -> None:
    """Take words out of every text of the customers' rows and of their history, and change nothing else."""
    rows = place.rows(customer_ids)
    count = sum(_replace(found, place, words) for found in (rows, history_of(place, customer_ids)) if found)
    if count:
        done.emptied[str(place.model._meta.verbose_name_plural)] += count


def _replace(rows: QuerySet[Any], place: Place, words: Words) -> int:
    columns = _texts(rows.model, place.keeps)
    count = 0
    for row in rows.order_by().only("pk", *(column.name for column in columns)).iterator():
        changed = {
            column.name: after
            for column in columns
            if (after := _without(row, column, words)) != getattr(row, column.name)
        }
        if changed and place.is_whole:
            changed = dict(place.blanks or {})
        if changed:
            rows.model._default_manager.filter(pk=row.pk).update(**changed)
            count += 1
    return count


def _texts(model: type[Model], kept: Sequence[str]) -> list[Any]:
    return [
        column
        for column in model._meta.concrete_fields
        if isinstance(column, models.CharField | models.TextField | models.JSONField)
        and not column.choices
        and not column.primary_key
        and column.name not in kept
    ]


def _without(row: Any, column: Any, words: Words) -> Any:
    """The value of a text column without the words. What must be unique becomes the ID of the row."""
    value = getattr(row, column.name)
    if not isinstance(value, str):
        return without_people(value, words)
    if value[:1] in ("{", "["):
        try:
            return encode(without_people(read_strict(value), words)).decode()
        except Refused:
            return words.without(value)
    after = without_people(value, words)
    if after != value and column.name in _UNIQUE:
        return str(row.pk)
    return None if after == "" and value and column.null else after
