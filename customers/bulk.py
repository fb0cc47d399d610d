"""Bring the rows we have in line with the rows a document asks for, in bulk and with history."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import models
from django.utils import timezone
from msgspec import UNSET
from simple_history.utils import bulk_create_with_history

M = TypeVar("M", bound=models.Model)
V = TypeVar("V")

BATCH = 500

#: How many values one query may name: SQLite may know no more than 32,766 parameters.
LONGEST_QUERY = 5000


def sync_rows(
    existing: Iterable[M],
    wanted: Iterable[M],
    *,
    key: Callable[[M], Hashable],
    fields: Sequence[str],
    reason: str,
    retire: Callable[[list[M]], None] | None = None,
) -> dict[Hashable, M]:
    """Create, update and retire rows until those that stand are `wanted`; answer them by their key.

    A wanted row whose `key` matches an existing one lends it its `fields`; the existing row is written only if
    one of them differs. Existing rows that no document wants any more are deleted, or handed to `retire`; those
    that a person added (`imported` False) stay. Rows of models with history leave a history row that carries
    `reason`. Runs inside the caller's transaction.
    """
    have: dict[Hashable, M] = {}
    for row in existing:
        have.setdefault(key(row), row)
    standing: dict[Hashable, M] = {}
    new: list[M] = []
    changed: list[M] = []
    for row in wanted:
        place = key(row)
        ours = have.pop(place, None)
        if ours is None:
            new.append(row)
            standing[place] = row
        else:
            if lend(row, ours, fields):
                changed.append(ours)
            standing[place] = ours
    stale = [row for row in have.values() if getattr(row, "imported", True)]
    if stale:
        if retire is None:
            delete_rows(stale, reason)
        else:
            retire(stale)
    update_rows(changed, fields, reason)
    create_rows(new, reason)
    return standing


def lend(source: models.Model, target: models.Model, fields: Sequence[str]) -> bool:
    """Copy `fields` from `source` to `target`, except those held fast; say whether any of them differed."""
    differs = False
    held = _held_fast(target)
    for field in fields:
        if field in held:
            continue
        value = getattr(source, field)
        if getattr(target, field) != value:
            setattr(target, field, value)
            differs = True
    return differs


def assign_given(row: models.Model, values: dict[str, Any]) -> bool:
    """Set the columns of `row` that are not UNSET, null as the column's own empty value; say if any differed.

    Those that a person holds fast stay.
    """
    differs = False
    held = _held_fast(row)
    for name, value in values.items():
        if value is UNSET or name in held:
            continue
        column: Any = row._meta.get_field(name)
        wanted = column.get_default() if value is None else value
        if getattr(row, name) != wanted:
            setattr(row, name, wanted)
            differs = True
    return differs


def _held_fast(row: models.Model) -> Sequence[str]:
    held: Sequence[str] = getattr(row, "pinned_fields", ())
    return held


def create_rows(rows: list[M], reason: str) -> None:
    """Insert `rows`, with history where their model keeps one."""
    if not rows:
        return
    model: Any = type(rows[0])
    if hasattr(model, "history"):
        bulk_create_with_history(rows, model, batch_size=BATCH, default_change_reason=reason)
    else:
        model.objects.bulk_create(rows, batch_size=BATCH)


def update_rows(
    rows: list[M], fields: Sequence[str], reason: str, *, told: Sequence[M] | None = None
) -> None:
    """Write `fields` of `rows`, which are whole and exist, with history where their model keeps one.

    The history is of all of them, or only of those in `told`; columns that it does not keep leave none. An upsert
    by primary key, because Django's bulk_update builds a CASE per row and field: four times slower.
    """
    if not rows:
        return
    model: Any = type(rows[0])
    model.objects.bulk_create(
        rows, batch_size=BATCH, update_conflicts=True, unique_fields=["id"], update_fields=list(fields)
    )
    changed = rows if told is None else told
    if changed and _history_keeps(model, fields):
        model.history.bulk_history_create(
            changed, batch_size=BATCH, update=True, default_change_reason=reason
        )


def delete_rows(rows: list[M], reason: str = "") -> None:
    """Delete `rows`; a model that keeps a history records each of them.

    Of a tree, the rows below go along, and the queries grow with its depth alone.
    """
    if not rows:
        return
    model: Any = type(rows[0])
    related = model._meta.related_objects
    # Where nothing but its own kind hangs on a row, all that goes is known, and its history is written at once.
    is_alone = hasattr(model, "history") and all(_is_below_its_own(each, model) for each in related)
    keys = _with_those_below(model, [row.pk for row in rows]) if is_alone else [row.pk for row in rows]
    for piece in pieces(keys):
        found = model.objects.filter(pk__in=piece)
        if is_alone:
            _tell_deleted(model, list(found), reason)
            found._raw_delete(found.db)
        else:
            found.delete()


def _is_below_its_own(relation: Any, model: Any) -> bool:
    return relation.related_model is model and relation.on_delete is models.CASCADE


def _with_those_below(model: Any, keys: list[Any]) -> list[Any]:
    """The keys of these rows and of all that go along with them, at any depth; each once."""
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


def _tell_deleted(model: Any, rows: list[Any], reason: str) -> None:
    history = model.history.model
    now = timezone.now()
    history.objects.bulk_create(
        [
            history(
                history_date=now,
                history_type="-",
                history_user=history.get_default_history_user(row),
                history_change_reason=reason,
                **{field.attname: getattr(row, field.attname) for field in history.tracked_fields},
            )
            for row in rows
        ],
        batch_size=BATCH,
    )


def _history_keeps(model: Any, fields: Sequence[str]) -> bool:
    """Whether the model's history, if it has one, tells of any of `fields`."""
    if not hasattr(model, "history"):
        return False
    kept = {name for field in model.history.model.tracked_fields for name in (field.name, field.attname)}
    return not kept.isdisjoint(fields)


def pieces(values: Iterable[V]) -> Iterator[list[V]]:
    """`values` in lists short enough for one query; none where there are no values."""
    rest = iter(values)
    while piece := list(islice(rest, LONGEST_QUERY)):
        yield piece
