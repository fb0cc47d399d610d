"""Write rows in bulk, with their history: the one place for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any, TypeVar

from django.db import models
from django.utils import timezone
from msgspec import UNSET
from simple_history.utils import bulk_create_with_history

from customers.row_snapshots import take_snapshot

M = TypeVar("M", bound=models.Model)
V = TypeVar("V")

BATCH = 500

#: How many values one query may contain: SQLite allows no more than 32,766 parameters.
LONGEST_QUERY = 5000

#: A history keeps this many characters of a reason.
LONGEST_REASON = 100


_written: ContextVar[list[models.Model] | None] = ContextVar("written", default=None)


@contextmanager
def written_rows() -> Iterator[list[models.Model]]:
    """A list that gets every row that this module creates, updates or deletes inside."""
    rows: list[models.Model] = []
    token = _written.set(rows)
    try:
        yield rows
    finally:
        _written.reset(token)


#: By the label of a model and the key of a row: the row before, None if it is new.
FormerRows = dict[tuple[str, str], dict[str, Any] | None]

_former: ContextVar[FormerRows | None] = ContextVar("former", default=None)


@contextmanager
def former_rows() -> Iterator[FormerRows]:
    """Snapshots of all rows that this module creates, updates or deletes inside, as they were before."""
    rows: FormerRows = {}
    token = _former.set(rows)
    try:
        yield rows
    finally:
        _former.reset(token)


def _note(rows: Sequence[models.Model]) -> None:
    """Note rows that are about to be written."""
    written = _written.get()
    if written is not None:
        written += rows
    former = _former.get()
    if former is not None:
        _note_former(former, rows)


def _note_numbered(rows: Sequence[models.Model]) -> None:
    """Note rows that were just created."""
    written = _written.get()
    if written is not None:
        written += rows
    former = _former.get()
    if former is not None:
        former.update({(row._meta.label, str(row.pk)): None for row in rows})


def _note_former(former: FormerRows, rows: Sequence[models.Model]) -> None:
    model: Any = type(rows[0])
    label = model._meta.label
    keys = [str(row.pk) for row in rows if (label, str(row.pk)) not in former]
    former.update({(label, key): None for key in keys})
    for piece in pieces(keys):
        for row in model._base_manager.filter(pk__in=piece):
            former[label, str(row.pk)] = take_snapshot(row)["columns"]


def sync_rows(
    existing: Iterable[M],
    wanted: Iterable[M],
    *,
    key: Callable[[M], Hashable],
    fields: Sequence[str],
    reason: str,
    retire: Callable[[list[M]], None] | None = None,
) -> dict[Hashable, M]:
    """Create, update and retire rows until they match `wanted`; return the rows that remain, by key.

    Rows with the same `key` are updated in place: `fields` are copied, and the row is written only if one of
    them differs. Rows that are no longer wanted are deleted, or passed to `retire`; those that a person added
    (`imported` False) stay. Models with a history get a history row that carries `reason`. Runs inside the
    caller's transaction.
    """
    unmatched: dict[Hashable, M] = {}
    for row in existing:
        unmatched.setdefault(key(row), row)
    current: dict[Hashable, M] = {}
    new: list[M] = []
    changed: list[M] = []
    for row in wanted:
        row_key = key(row)
        ours = unmatched.pop(row_key, None)
        if ours is None:
            new.append(row)
            current[row_key] = row
        else:
            if copy_fields(row, ours, fields):
                changed.append(ours)
            current[row_key] = ours
    stale = [row for row in unmatched.values() if getattr(row, "imported", True)]
    if stale:
        if retire is None:
            delete_rows(stale, reason)
        else:
            retire(stale)
    update_rows(changed, fields, reason)
    create_rows(new, reason)
    return current


def copy_fields(source: models.Model, target: models.Model, fields: Sequence[str]) -> bool:
    """Copy `fields` from `source` to `target`, except locked ones; return whether any of them differed."""
    differs = False
    locked = _locked_fields(target)
    for field in fields:
        if field in locked:
            continue
        value = getattr(source, field)
        if getattr(target, field) != value:
            setattr(target, field, value)
            differs = True
    return differs


def assign_values(row: models.Model, values: dict[str, Any]) -> bool:
    """Set the columns of `row` that are not UNSET and not locked; return whether any of them differed.

    None stands for the column's own empty value.
    """
    differs = False
    locked = _locked_fields(row)
    for name, value in values.items():
        if value is UNSET or name in locked:
            continue
        column: Any = row._meta.get_field(name)
        wanted = column.get_default() if value is None else value
        if getattr(row, name) != wanted:
            setattr(row, name, wanted)
            differs = True
    return differs


def _locked_fields(row: models.Model) -> Sequence[str]:
    locked: Sequence[str] = getattr(row, "pinned_fields", ())
    return locked


def create_rows(rows: Sequence[M], reason: str, *, by: Any = None) -> None:
    """Insert `rows`, with history where their model keeps one. `by` is the user, None for a command or import."""
    if not rows:
        return
    # The database numbers rows of some models, so these are noted once they have a key.
    is_numbered = rows[0].pk is None
    if not is_numbered:
        _note(rows)
    model: Any = type(rows[0])
    if hasattr(model, "history"):
        bulk_create_with_history(
            rows,
            model,
            batch_size=BATCH,
            default_user=by,
            default_change_reason=reason[:LONGEST_REASON],
        )
    else:
        model.objects.bulk_create(rows, batch_size=BATCH)
    if is_numbered:
        _note_numbered(rows)


def update_rows(
    rows: Sequence[M],
    fields: Sequence[str],
    reason: str,
    *,
    by: Any = None,
    history_of: Sequence[M] | None = None,
) -> None:
    """Write `fields` of `rows`, which are completely loaded and exist, with history where their model keeps one.

    All of them get a history row, or only those in `history_of`; none if the history keeps none of `fields`.
    `by` is the user, None for a command or import. An upsert by primary key, because Django's bulk_update
    builds a CASE per row and field: four times slower.
    """
    if not rows:
        return
    _note(rows)
    model: Any = type(rows[0])
    model.objects.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=list(fields)
    )
    if _history_keeps(model, fields):
        write_history(rows if history_of is None else history_of, reason, by=by)


def write_history(rows: Sequence[models.Model], reason: str, *, by: Any = None, is_new: bool = False) -> None:
    """Write a history row for each of `rows`, which are saved already."""
    if not rows:
        return
    model: Any = type(rows[0])
    model.history.bulk_history_create(
        rows,
        batch_size=BATCH,
        update=not is_new,
        default_user=by,
        default_change_reason=reason[:LONGEST_REASON],
    )


def delete_rows(rows: list[M], reason: str = "", *, by: Any = None) -> None:
    """Delete `rows`, with a history row for each, by the user `by`, where their model keeps one.

    In a tree the rows below are deleted too; the number of queries grows with the depth of the tree alone.
    """
    if not rows:
        return
    _note(rows)
    model: Any = type(rows[0])
    related = model._meta.related_objects
    # If only rows of the same model refer to it, everything that is deleted is known, and its history is one query.
    is_alone = hasattr(model, "history") and all(_is_own_child(each, model) for each in related)
    keys = _with_descendants(model, [row.pk for row in rows]) if is_alone else [row.pk for row in rows]
    for piece in pieces(keys):
        found = model.objects.filter(pk__in=piece)
        if is_alone:
            _write_deletions(model, list(found), reason, by)
            found._raw_delete(found.db)
        else:
            found.delete()


def _is_own_child(relation: Any, model: Any) -> bool:
    return relation.related_model is model and relation.on_delete is models.CASCADE


def _with_descendants(model: Any, keys: list[Any]) -> list[Any]:
    """The keys of these rows and of all rows below them, each once."""
    found = dict.fromkeys(keys)
    for relation in model._meta.related_objects:
        level = list(found)
        while level:
            below = [
                key
                for piece in pieces(level)
                for key in model.objects.filter(**{f"{relation.field.name}__in": piece}).values_list(
                    "pk", flat=True
                )
            ]
            level = [key for key in below if key not in found]
            found |= dict.fromkeys(level)
    return list(found)


def _write_deletions(model: Any, rows: list[Any], reason: str, by: Any) -> None:
    history = model.history.model
    now = timezone.now()
    history.objects.bulk_create(
        [
            history(
                history_date=now,
                history_type="-",
                history_user=by or history.get_default_history_user(row),
                history_change_reason=reason,
                **{field.attname: getattr(row, field.attname) for field in history.tracked_fields},
            )
            for row in rows
        ],
        batch_size=BATCH,
    )


def _history_keeps(model: Any, fields: Sequence[str]) -> bool:
    """Whether the model has a history, and it keeps any of `fields`."""
    if not hasattr(model, "history"):
        return False
    kept = {name for field in model.history.model.tracked_fields for name in (field.name, field.attname)}
    return not kept.isdisjoint(fields)


def pieces(values: Iterable[V]) -> Iterator[list[V]]:
    """Split `values` into lists short enough for one query."""
    rest = iter(values)
    while piece := list(islice(rest, LONGEST_QUERY)):
        yield piece
