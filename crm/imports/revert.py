"""Revert an import: put the rows that it wrote back as they were, and resolve the customers again.

A row that changed since stays as far as it changed: what users and later imports did is kept. A customer that the import
created goes if nothing else of it is left, else it stays, without the values that only the import said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import Model, ProtectedError, RestrictedError

from crm.imports.journal import Entry, digest_of
from crm.imports.run import REVERT, WrongState, claim, request
from crm.models import CustomerTag, FileImport, HealthScore
from customers import clock
from customers.bulk import create_rows, delete_rows, pieces, update_rows
from customers.configuration.table import IMPORTS_KEPT_DAYS
from customers.configuration.values import value_of
from customers.ingest.engine import rolled_back, wait_for_other_imports
from customers.ingest.precedence import CLAIMED, empty_unclaimed, is_imported, resolve
from customers.models import Customer
from customers.row_snapshots import from_json, restore_snapshot, take_snapshot

Progress = Callable[[int, int], None]
_REASON = "Reverted an import"
_MOST_NAMED = 200


@dataclass(slots=True)
class Reverted:
    """What a revert did, or would do. `stays` names customers that stay, with the reason."""

    removed: int = 0
    restored: int = 0
    kept_rows: Counter[str] = field(default_factory=Counter)
    stays: list[tuple[str, str, str]] = field(default_factory=list)
    customers: set[str] = field(default_factory=set)


def begin_revert(file_import: FileImport, by: Any) -> None:
    """Mark an import as being reverted; the caller reverts it. Raises `WrongState`."""
    if not is_revertible(file_import):
        raise WrongState("This import can't be reverted.")
    claim(file_import, {FileImport.State.DONE}, FileImport.State.REVERTING)
    file_import.reverted_by = by
    file_import.save(update_fields=["reverted_by"])


@transaction.atomic
def start_revert(file_import: FileImport, by: Any) -> None:
    """Request the revert of an import. Raises `WrongState`."""
    begin_revert(file_import, by)
    request(REVERT, file_import, by)


def is_revertible(file_import: FileImport) -> bool:
    """Whether an import can be reverted: it is done, not too old, and wrote no ledger, which only entries can reverse."""
    is_kept = file_import.made_at > clock.now() - timedelta(days=value_of(IMPORTS_KEPT_DAYS))
    return (
        is_kept and file_import.state == FileImport.State.DONE and file_import.kind != FileImport.Kind.BILLING
    )


def preview_revert(file_import: FileImport) -> Reverted:
    """What reverting would do; nothing is changed."""
    with rolled_back():
        return _revert(file_import, lambda done, total: None)


def revert(file_import: FileImport, progress: Progress) -> Reverted:
    """Revert the import, batch by batch from the last one. May be called again after it stopped."""
    found = _revert(file_import, progress)
    FileImport.objects.filter(pk=file_import.pk).update(
        state=FileImport.State.REVERTED, reverted_at=clock.now()
    )
    return found


def _revert(file_import: FileImport, progress: Progress) -> Reverted:
    found = Reverted()
    total = file_import.batches.count()
    keys = file_import.batches.filter(is_reverted=False).order_by("-pk").values_list("pk", flat=True)
    for done, key in enumerate(list(keys), start=1):
        with transaction.atomic():
            wait_for_other_imports()
            batch = file_import.batches.select_for_update().get(pk=key)
            _revert_batch(batch.entries, found)
            batch.is_reverted = True
            batch.save(update_fields=["is_reverted"])
        progress(done, total)
    return found


def _revert_batch(entries: Sequence[Entry], found: Reverted) -> None:
    touched: dict[str, None] = {}
    new_customers: list[str] = []
    for label, group in groupby(reversed(entries), key=lambda entry: str(entry["model"])):
        own = list(group)
        rows = _current(label, [entry["key"] for entry in own])
        for row in rows.values():
            owner = row.pk if isinstance(row, Customer) else getattr(row, "customer_id", None)
            if owner is not None:
                touched[str(owner)] = None
        _restore(label, [entry for entry in own if "changed" in entry], rows, found)
        _bring_back(label, [entry for entry in own if "gone" in entry], rows)
        created = [(entry, rows[entry["key"]]) for entry in own if "new" in entry and entry["key"] in rows]
        if label == "customers.Customer":
            new_customers += [str(row.pk) for _, row in created]
        else:
            _remove(label, created, found)
    found.customers |= touched.keys()
    _settle(new_customers, [key for key in touched if key not in new_customers], found)


def _current(label: str, keys: Sequence[str]) -> dict[str, Any]:
    model = apps.get_model(label)
    rows: Any = model._base_manager.filter(pk__in=keys).select_for_update()
    return {str(row.pk): row for row in rows}


def _restore(label: str, entries: Sequence[Entry], rows: Mapping[str, Any], found: Reverted) -> None:
    """Give back the former values of the columns that still have what the import wrote."""
    model = apps.get_model(label)
    changed: list[Any] = []
    columns: dict[str, None] = {}
    for entry in entries:
        row = rows.get(entry["key"])
        if row is None:
            continue
        now = take_snapshot(row)["columns"]
        free = {name: old for name, (old, new) in entry["changed"].items() if now.get(name) == new}
        found.kept_rows[label] += len(entry["changed"]) > len(free)
        for name, old in free.items():
            setattr(row, name, from_json(model, name, old))
            columns[_field_of(model, name)] = None
        if free:
            changed.append(row)
    update_rows(changed, list(columns), _REASON)
    found.restored += sum(isinstance(row, Customer) for row in changed)


def _field_of(model: type[Model], column: str) -> str:
    return next(each.name for each in model._meta.concrete_fields if each.attname == column)


def _bring_back(label: str, entries: Sequence[Entry], rows: Mapping[str, Any]) -> None:
    gone = [
        restore_snapshot({"model": label, "columns": entry["gone"]})
        for entry in entries
        if entry["key"] not in rows
    ]
    with suppress(IntegrityError), transaction.atomic():
        create_rows(gone, _REASON)


def _remove(label: str, created: Sequence[tuple[Entry, Any]], found: Reverted) -> None:
    """Delete rows that the import created, unless they changed since or others need them."""
    same = [row for entry, row in created if digest_of(take_snapshot(row)["columns"]) == entry["new"]]
    found.kept_rows[label] += len(created) - len(same)
    if label == "crm.Tag":
        used = set(CustomerTag.objects.filter(tag__in=[row.pk for row in same]).values_list("tag", flat=True))
        same = [row for row in same if row.pk not in used]
    if same and not _deleted(same):
        found.kept_rows[label] += sum(not _deleted([row]) for row in same)


def _deleted(rows: list[Any]) -> bool:
    try:
        with transaction.atomic():
            delete_rows(rows, _REASON)
    except (ProtectedError, RestrictedError, IntegrityError):
        return False
    return True


def _settle(new: Sequence[Any], others: Sequence[str], found: Reverted) -> None:
    """Remove the customers that the import created, and let the records of all that stay decide their columns."""
    stay = [*others]
    HealthScore.objects.filter(customer__in=new).delete()
    for row in Customer.objects.filter(pk__in=new):
        # Whatever belongs to the customer now keeps it, so its own columns don't matter.
        if _deleted([row]):
            found.removed += 1
        else:
            stay.append(str(row.pk))
            if len(found.stays) < _MOST_NAMED:
                found.stays.append((str(row.pk), str(row), _why_it_stays(row)))
    rows = [
        row for piece in pieces(stay) for row in Customer.objects.filter(pk__in=piece).select_for_update()
    ]
    changed = [row for row in rows if resolve(row) or (is_imported(row) and empty_unclaimed(row))]
    update_rows(changed, CLAIMED, _REASON)


def _why_it_stays(customer: Customer) -> str:
    """What the customer has beside what the import brought."""
    nouns = []
    for relation in Customer._meta.related_objects:
        model: Any = relation.related_model
        if relation.on_delete is None or relation.on_delete.__name__ != "PROTECT":
            continue
        if model._default_manager.filter(**{relation.field.name: customer.pk}).exists():
            nouns.append(str(model._meta.verbose_name_plural))
    return ", ".join(dict.fromkeys(nouns[:4])) or "other data"


def kept_in_words(found: Reverted) -> list[tuple[str, int]]:
    """The rows that stay because they changed since, by their name on pages."""
    totals: dict[str, int] = defaultdict(int)
    for label, count in found.kept_rows.items():
        if count:
            totals[str(apps.get_model(label)._meta.verbose_name_plural)] += count
    return sorted(totals.items())
