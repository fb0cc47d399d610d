"""Put the rows of one batch of an import back as they were, as far as nothing changed them since.

What a later import wrote over is left to that import: it puts it back when it is reverted itself. So imports can be
reverted in any order. A record that a later import received again is left to that one as a whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import Model, ProtectedError, Q, RestrictedError

from crm.dedupe.merges.unmerge import KEEP, CannotUnmerge, conflicts_of, hindrance, unmerge
from crm.imports.journal import Entry, digest_of, with_owners
from crm.imports.later_batches import Later, Place
from crm.imports.undo_ledger import FIGURES, close_rows, reverse_postings
from crm.models import CustomerTag, HealthScore, ImportBatch, Merge
from customers import clock
from customers.bulk import create_rows, delete_rows, pieces, update_rows
from customers.ingest.precedence import CLAIMED, empty_unclaimed, is_imported, resolve
from customers.models import Customer, CustomerRow
from customers.row_snapshots import from_json, restore_snapshot, take_snapshot

REASON = "Reverted an import"
_MOST_NAMED = 200
_MOST_REASONS = 4
_CUSTOMER = "customers.Customer"
_POSTING = "billing.Posting"
#: Written once: the ledger stays, and is reversed.
_LEDGER = (_POSTING, "billing.LedgerEntry")
#: What a customer may still have and counts as gone: the ledger with what it is about, and merges that were undone.
_STAYS = frozenset({*_LEDGER, "billing.Balance", "crm.Merge", "crm.HealthScore"})


@dataclass(slots=True)
class Reverted:
    """What a revert did, or would do. `stays` names the first of the `staying` customers that stay, with the reason."""

    removed: int = 0
    restored: int = 0
    unmerged: int = 0
    reversed: int = 0
    kept_rows: Counter[str] = field(default_factory=Counter)
    stays: list[tuple[str, str, str]] = field(default_factory=list)
    staying: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)

    def stay(self, customer: Customer, why: str) -> None:
        """Name a customer that stays, once."""
        key = str(customer.pk)
        if key not in self.staying and len(self.stays) < _MOST_NAMED:
            self.stays.append((key, str(customer), why))
        self.staying.add(key)


def undo_batch(batch: ImportBatch, found: Reverted, *, only: str = "") -> None:
    """Undo a batch, or what it wrote for the customer `only`, and take that out of it. Saves the batch."""
    layers = _layers(batch)
    batch.earlier = []
    if only:
        rest = [(key, [entry for entry in own if entry["of"] != only]) for key, own in layers]
        layers = [(key, [entry for entry in own if entry["of"] == only]) for key, own in layers]
        batch.entries = next(own for key, own in rest if key == batch.pk)
        batch.earlier = [{"batch": key, "entries": own} for key, own in rest if key != batch.pk and own]
    else:
        batch.is_reverted = True
    owners = {entry["of"] for _, own in layers for entry in own} - {""}
    later = Later(batch, owners, batch if only else None)
    new, touched = _undo(layers, later, found)
    found.customers |= touched
    for key in _settle(list(new), [key for key in touched if key not in new], found):
        following = later.first_about(key)
        if following is not None:
            later.leave(following, *new[key])
    later.save()
    batch.save(update_fields=["entries", "earlier", "is_reverted"])


def _layers(batch: ImportBatch) -> list[tuple[int, list[Entry]]]:
    """What this batch wrote and what others left to it, by the batch that wrote it, each in the order of writing.

    Its own rows come first, because what others left may wait for these; then those of the latest.
    """
    own = with_owners(batch.entries)
    for at, entry in enumerate(own):
        entry.setdefault("at", at)
    by_batch: dict[int, list[Entry]] = defaultdict(list, {batch.pk: own})
    for each in batch.earlier:
        by_batch[each["batch"]] += each["entries"]
    keys = sorted(by_batch, key=lambda key: (key == batch.pk, key), reverse=True)
    return [(key, sorted(by_batch[key], key=itemgetter("at"))) for key in keys]


def _undo(
    layers: Sequence[tuple[int, list[Entry]]], later: Later, found: Reverted
) -> tuple[dict[str, tuple[int, Entry]], set[str]]:
    """Undo layer by layer, the latest first.

    Return the customers that were created, each with the batch and the entry of that, and all that were touched.
    """
    new: dict[str, tuple[int, Entry]] = {}
    touched: set[str] = set()
    for batch_key, entries in layers:
        taken_over = later.records_among(entries)
        _say_taken_over(taken_over, found)
        own = [entry for entry in entries if entry["of"] not in taken_over]
        for entry in entries:
            if entry["of"] in taken_over:
                later.leave(taken_over[entry["of"]], batch_key, entry)
        created = {entry["key"]: entry for entry in own if entry["model"] == _CUSTOMER and "new" in entry}
        found.unmerged += _unmerge(list(created))
        new |= {key: (batch_key, entry) for key, entry in created.items()}
        touched |= _undo_layer(batch_key, own, later, found)
    return new, touched


def _undo_layer(batch_key: int, entries: Sequence[Entry], later: Later, found: Reverted) -> set[str]:
    touched: set[str] = set()
    same = _unchanged(entries)
    postings = [entry["key"] for entry in entries if entry["model"] == _POSTING and "new" in entry]
    if postings:
        created = {entry["key"] for entry in entries if "new" in entry}
        found.reversed += reverse_postings(postings, created, {key for _, key in same}, REASON)
    for label, group in groupby(reversed(entries), key=lambda entry: str(entry["model"])):
        if label in _LEDGER:
            continue
        own = list(group)
        rows = _current(label, [entry["key"] for entry in own])
        for row in rows.values():
            owner = row.pk if isinstance(row, Customer) else getattr(row, "customer_id", None)
            if owner is not None:
                touched.add(str(owner))
        blocked = _restore(label, [entry for entry in own if "changed" in entry], rows, found)
        blocked += _bring_back(label, [entry for entry in own if "gone" in entry], rows)
        created_rows = [entry for entry in own if "new" in entry]
        if label != _CUSTOMER:
            blocked += _remove(label, created_rows, rows, same)
        for entry in blocked:
            following = later.batch_with(entry)
            if following is not None:
                later.leave(following, batch_key, entry)
            elif entry["key"] in rows:
                found.kept_rows[label] += 1
                later.keep(batch_key, entry)
    return touched


def _say_taken_over(taken_over: Mapping[str, ImportBatch], found: Reverted) -> None:
    for piece in pieces(list(taken_over)):
        for row in Customer.objects.filter(pk__in=piece).order_by("pk"):
            found.stay(row, f"Imported again since, from {taken_over[str(row.pk)].file_import.name}")


def _unmerge(created: Sequence[str]) -> int:
    """Undo the merges and links of customers that the import created, so that they can go. Return how many."""
    undone = 0
    for piece in pieces(created):
        merges = Merge.objects.standing().filter(Q(other__in=piece) | Q(survivor__in=piece))
        for merge in merges.order_by("-pk"):
            if hindrance(merge):
                continue
            with suppress(CannotUnmerge):
                unmerge(merge, settle={each.name: KEEP for each in conflicts_of(merge)})
                undone += 1
    return undone


def _current(label: str, keys: Sequence[str]) -> dict[str, Any]:
    model = apps.get_model(label)
    rows: Any = model._base_manager.filter(pk__in=keys).select_for_update()
    return {str(row.pk): row for row in rows}


def _unchanged(entries: Sequence[Entry]) -> set[Place]:
    """The rows that were created and are as the import wrote them."""
    by_label: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if "new" in entry and entry["model"] not in _LEDGER:
            by_label[entry["model"]].append(entry)
    found: set[Place] = set()
    for label, own in by_label.items():
        rows = _current(label, [entry["key"] for entry in own])
        for entry in own:
            row = rows.get(entry["key"])
            if row is not None and digest_of(take_snapshot(row)["columns"]) == entry["new"]:
                found.add((label, entry["key"]))
    return found


def _restore(label: str, entries: Sequence[Entry], rows: Mapping[str, Any], found: Reverted) -> list[Entry]:
    """Give back the former values of the columns that still have what the import wrote. Return what can't be undone."""
    model = apps.get_model(label)
    # The ledger undoes these.
    skipped = FIGURES if label in ("billing.Grant", "billing.Rollover") else ()
    changed: list[Any] = []
    columns: dict[str, None] = {}
    blocked: list[Entry] = []
    for entry in entries:
        row = rows.get(entry["key"])
        if row is None:
            blocked.append(entry)
            continue
        now = take_snapshot(row)["columns"]
        wrote = {name: values for name, values in entry["changed"].items() if name not in skipped}
        free = {name: old for name, (old, new) in wrote.items() if now.get(name) == new}
        if len(free) < len(wrote):
            rest = {name: values for name, values in wrote.items() if name not in free}
            blocked.append({**entry, "changed": rest})
        for name, old in free.items():
            setattr(row, name, from_json(model, name, old))
            columns[_field_of(model, name)] = None
        if free:
            changed.append(row)
    update_rows(changed, list(columns), REASON)
    found.restored += sum(isinstance(row, Customer) for row in changed)
    return blocked


def _field_of(model: type[Model], column: str) -> str:
    return next(each.name for each in model._meta.concrete_fields if each.attname == column)


def _bring_back(label: str, entries: Sequence[Entry], rows: Mapping[str, Any]) -> list[Entry]:
    """Create the rows again that the import deleted. Return those whose place another row has now."""
    gone = [entry for entry in entries if entry["key"] not in rows]
    if not gone or _created(label, gone):
        return []
    return [entry for entry in gone if not _created(label, [entry])]


def _created(label: str, entries: Sequence[Entry]) -> bool:
    rows = [restore_snapshot({"model": label, "columns": entry["gone"]}) for entry in entries]
    _go_along(rows)
    try:
        with transaction.atomic():
            create_rows(rows, REASON)
    except IntegrityError:
        return False
    return True


def _go_along(rows: Sequence[Any]) -> None:
    """Give rows of customers that were merged since to the survivors, as the merges gave the others."""
    owned = [row for row in rows if getattr(row, "customer_id", None) is not None]
    keys: list[Any] = [row.customer_id for row in owned]
    while merged := {
        str(key): str(survivor)
        for piece in pieces(sorted({str(key) for key in keys}))
        for key, survivor in Customer.objects.filter(pk__in=piece, merged_into__isnull=False).values_list(
            "pk", "merged_into"
        )
    }:
        for row in owned:
            survivor = merged.get(str(row.customer_id))
            if survivor is None:
                continue
            if issubclass(type(row), CustomerRow) and row.came_with_id is None:
                row.came_with_id = row.customer_id
            row.customer_id = survivor
        keys = [row.customer_id for row in owned]


def _remove(label: str, created: Sequence[Entry], rows: Mapping[str, Any], same: set[Place]) -> list[Entry]:
    """Delete rows that the import created, unless they changed since or others need them. Return those that stay."""
    going = [entry for entry in created if (label, entry["key"]) in same]
    blocked = [entry for entry in created if (label, entry["key"]) not in same]
    if label == "crm.Tag":
        keys = [entry["key"] for entry in going]
        used = {str(key) for key in CustomerTag.objects.filter(tag__in=keys).values_list("tag", flat=True)}
        blocked += [entry for entry in going if entry["key"] in used]
        going = [entry for entry in going if entry["key"] not in used]
    mine = [rows[entry["key"]] for entry in going]
    if mine and not _deleted(mine):
        stuck = [row for row in mine if not _deleted([row])]
        # Rows of the ledger are about them, and those stay.
        closed = close_rows(stuck, REASON)
        keys_left = {str(row.pk) for row in stuck} - closed
        blocked += [entry for entry in going if entry["key"] in keys_left]
    return blocked


def _deleted(rows: list[Any]) -> bool:
    try:
        with transaction.atomic():
            delete_rows(rows, REASON)
    except (ProtectedError, RestrictedError, IntegrityError):
        return False
    return True


def _settle(new: Sequence[str], others: Sequence[str], found: Reverted) -> list[str]:
    """Remove the customers that the import created, and let the records of all that stay decide their columns.

    Return those that stay because something else belongs to them.
    """
    stay = [*others]
    holding: list[str] = []
    HealthScore.objects.filter(customer__pk__in=new).delete()
    emptied: list[str] = []
    created = [row for piece in pieces(new) for row in Customer.objects.filter(pk__in=piece)]
    held = _held_by([str(row.pk) for row in created])
    free = [row for row in created if row.merged_into_id is None and str(row.pk) not in held]
    is_gone = not free or _deleted(free)
    gone = {str(row.pk) for row in free if is_gone or _deleted([row])}
    found.removed += len(gone)
    for row in created:
        if str(row.pk) in gone:
            continue
        stay.append(str(row.pk))
        why = [
            str(model._meta.verbose_name_plural)
            for model in held.get(str(row.pk), ())
            if not _is_history(model)
        ]
        if why:
            found.stay(row, f"Has {', '.join(why[:_MOST_REASONS])}")
            holding.append(str(row.pk))
        elif row.merged_into_id is not None:
            found.stay(row, "Was merged into another customer since")
        else:
            found.removed += 1
            emptied.append(str(row.pk))
    rows = [
        row for piece in pieces(stay) for row in Customer.objects.filter(pk__in=piece).select_for_update()
    ]
    # Both: one column may get the value of another record while another one loses its only.
    changed = [row for row in rows if any([resolve(row), is_imported(row) and empty_unclaimed(row)])]
    update_rows(changed, CLAIMED, REASON)
    archived = list(Customer.objects.filter(pk__in=emptied, merged_into=None))
    for row in archived:
        row.archived_at = clock.now()
    update_rows(archived, ["archived_at"], REASON)
    return holding


def _held_by(keys: Sequence[str]) -> dict[str, list[type[Model]]]:
    """The models of which each customer has rows that keep it from being deleted, by customer."""
    found: dict[str, list[type[Model]]] = defaultdict(list)
    for relation in Customer._meta.related_objects:
        if relation.on_delete is not models.PROTECT:
            continue
        model: Any = relation.related_model
        name = relation.field.attname
        for piece in pieces(keys):
            owners = (
                model._base_manager.filter(**{f"{name}__in": piece}).order_by().values_list(name, flat=True)
            )
            for owner in owners.distinct():
                if model not in found[str(owner)]:
                    found[str(owner)].append(model)
    return found


def _is_history(model: type[Model]) -> bool:
    """Whether a customer that has rows of this alone counts as gone."""
    return model._meta.label in _STAYS
