"""Erase a customer: what is personal goes, the ledger, invoices and totals stay under a pseudonym."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet

from billing.models import Invoice, Subscription
from crm.dedupe.duplicates.review import regroup
from crm.desk.facts.refresh import refresh_facts
from crm.models import DuplicatePair, Export, ExportPart, Person
from crm.privacy.identifying import Finder, values_of_customers, values_of_people
from crm.privacy.people import people_of
from crm.privacy.places import PEOPLE, PLACES, SEARCHED, Place, Searched
from customers import clock
from customers.bulk import pieces, update_rows
from customers.ingest.engine import wait_for_other_imports
from customers.ingest.erased import digest_of, keys_of_customer
from customers.logs import log_event
from customers.models import Customer, ErasedRecord, Erasure, SourceRecord

_REASON = "Erased"


class CannotErase(Exception):
    """The customer can't be erased. The message says what to do first."""


@dataclass(slots=True)
class Erased:
    """What an erasure did: rows deleted and rows emptied, by the plural name of their table.

    `unpaid` are issued invoices that still wait for their payment, and now for an address.
    """

    erasure: Erasure
    deleted: Counter[str] = field(default_factory=Counter)
    emptied: Counter[str] = field(default_factory=Counter)
    unpaid: list[str] = field(default_factory=list)


@transaction.atomic
def erase_customer(customer: Customer, reason: str, done_by: str) -> Erased:
    """Erase a customer and all that were merged into it. All or nothing.

    What is personal is deleted or emptied: rows, histories, received documents, notes, notifications, exports, what
    merges keep. The ledger, invoices and their totals stay with the ID. Imports leave its records out from then on.

    Raises `CannotErase` if the customer was merged or erased, or is billed here.
    """
    wait_for_other_imports()
    _overwrite_deleted_pages()
    family = _lock_family(customer)
    survivor = family[0]
    _check(survivor, family)
    ids = [str(each.pk) for each in family]
    people = people_of(ids)
    values = values_of_customers(ids) | values_of_people(people)
    erasure = Erasure.objects.create(customer_id=str(survivor.pk), reason=reason, done_by=done_by)
    done = Erased(erasure, unpaid=_unpaid(ids))
    _remember(erasure, family)
    clusters = _clusters_of(ids)
    _end_imported_subscriptions(ids)
    for place in PLACES:
        if not place.is_kept:
            _delete(done, place, place.rows(ids), _history_of(place, ids))
    _delete_people(done, people)
    for place in PLACES:
        if place.is_kept:
            _empty(done, place, ids)
    regroup(clusters)
    _delete_exports(done, set(ids))
    for searched in SEARCHED:
        # An ID of ours is the pseudonym: it stays where the row stays.
        _search(done, searched, Finder(values if searched.is_replaced else values.union(ids)))
    Customer.objects.filter(pk__in=ids).update(archived_at=erasure.erased_at)
    refresh_facts([str(survivor.pk)], erasure.erased_at)
    erasure.finished_at = clock.now()
    erasure.save(update_fields=["finished_at"])
    log_event("customer_erased", customer=str(survivor.pk))
    return done


def _lock_family(customer: Customer) -> list[Customer]:
    """The customer and those merged into it, locked, the survivor first."""
    locked = Customer.objects.filter(Q(pk=customer.pk) | Q(merged_into=customer.pk)).order_by("pk")
    return sorted(locked.select_for_update(), key=lambda each: each.pk != customer.pk)


def _check(survivor: Customer, family: Sequence[Customer]) -> None:
    if survivor.merged_into_id is not None:
        raise CannotErase(f"{survivor.pk} was merged. Erase the primary record, or undo the merge first.")
    if Erasure.objects.filter(customer_id=str(survivor.pk), person_id=None).exists():
        raise CannotErase(f"{survivor.pk} was erased already.")
    billed = Subscription.objects.filter(customer__in=list(family), billed_here=True)
    if billed.exclude(status=Subscription.Status.ENDED).exists():
        raise CannotErase("The customer has a subscription that is billed here. Cancel it first.")


def _unpaid(customer_ids: Sequence[str]) -> list[str]:
    unpaid = Invoice.objects.unpaid().filter(customer__in=list(customer_ids)).exclude(number="")
    return list(unpaid.order_by("number").values_list("number", flat=True))


def _remember(erasure: Erasure, family: Iterable[Customer]) -> None:
    """Keep digests of what the customers were known by, so that imports leave their records out."""
    keys = set()
    for customer in family:
        records = SourceRecord.objects.filter(Q(customer=customer) | Q(came_with=customer))
        keys |= keys_of_customer(customer, records)
    digests = sorted({digest_of(erasure.salt, *key) for key in keys})
    rows = [ErasedRecord(erasure=erasure, kind=ErasedRecord.Kind.RECORD, digest=digest) for digest in digests]
    ErasedRecord.objects.bulk_create(rows)


def _clusters_of(customer_ids: Any) -> set[Any]:
    pairs = DuplicatePair.objects.filter(Q(a__in=customer_ids) | Q(b__in=customer_ids))
    return set(pairs.exclude(cluster=None).values_list("cluster_id", flat=True))


def _end_imported_subscriptions(customer_ids: Sequence[str]) -> None:
    """End them: no import will."""
    now = clock.now()
    rows = Subscription.objects.filter(customer__in=list(customer_ids)).exclude(
        status=Subscription.Status.ENDED
    )
    ended = list(rows)
    for row in ended:
        row.status, row.expires_at = Subscription.Status.ENDED, now
    update_rows(ended, ["status", "expires_at"], _REASON)


def _delete(done: Erased, place: Place, rows: QuerySet[Any], history: QuerySet[Any] | None) -> None:
    """Delete rows as plain SQL: deleting objects would write what they held into their history."""
    _forget_log_entries(place.model, rows)
    if history is not None:
        history._raw_delete(history.db)
    count = rows.order_by()._raw_delete(rows.db)
    if count:
        done.deleted[str(place.model._meta.verbose_name_plural)] += count


def _history_of(place: Place, customer_ids: Sequence[str]) -> QuerySet[Any] | None:
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


def _delete_people(done: Erased, people: Sequence[Person]) -> None:
    history: Any = apps.get_model("crm", "HistoricalPerson")
    for piece in pieces([str(person.pk) for person in people]):
        rows = Person.objects.filter(pk__in=piece)
        _delete(done, PEOPLE, rows, history.objects.filter(id__in=piece).order_by())


def _empty(done: Erased, place: Place, customer_ids: Sequence[str]) -> None:
    """Write the blanks into the rows and their history; history rows of a customer itself are deleted."""
    blanks = place.blanks or {}
    rows = place.rows(customer_ids)
    _forget_log_entries(place.model, rows)
    history = _history_of(place, customer_ids)
    if place.model is Customer and history is not None:
        history._raw_delete(history.db)
        history = None
    fixed = {name: value for name, value in blanks.items() if not callable(value)}
    computed = {name: value for name, value in blanks.items() if callable(value)}
    count = rows.order_by().update(**fixed) if fixed else 0
    if history is not None:
        history.update(**_columns_of(history, fixed), history_change_reason=_REASON)
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


def _forget_log_entries(model: type[Model], rows: QuerySet[Any]) -> None:
    """Empty the texts that Django's log keeps of changed rows, such as their names."""
    content_type = ContentType.objects.get_for_model(model)
    entries = LogEntry.objects.filter(content_type=content_type)
    if not entries.exists():
        return
    for piece in pieces(rows.order_by().values_list("pk", flat=True)):
        entries.filter(object_id__in=list(map(str, piece))).update(object_repr=_REASON, change_message="")


def _delete_exports(done: Erased, customer_ids: set[str]) -> None:
    parts = ExportPart.objects.order_by().values_list("export_id", "customer_ids")
    keys = {export for export, ids in parts.iterator() if not customer_ids.isdisjoint(ids)}
    Export.objects.filter(pk__in=keys).delete()
    if keys:
        done.deleted["exports"] += len(keys)


def _search(done: Erased, searched: Searched, finder: Finder) -> None:
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


def _overwrite_deleted_pages() -> None:
    """Let SQLite overwrite what is deleted; PostgreSQL's VACUUM gives its space to other rows."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
