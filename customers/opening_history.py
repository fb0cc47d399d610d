"""The first history row of rows that were there before their model kept a history. Called by migrations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from customers.typed_ids import uuid_of

_BATCH = 500
_UUID_VERSION = 7
_REASON = "Known before its history was kept"


def open_histories(apps: Any, app: str, models: Sequence[str]) -> None:
    """Write a history row for each row of `models`, whose histories are empty yet, dated when the row was made.

    It tells the row as it is now: how it changed meanwhile was not kept. `apps` are those of the migration.
    """
    for name in models:
        history = apps.get_model(app, f"Historical{name}")
        for rows in _batches(apps.get_model(app, name), history):
            history.objects.bulk_create(
                [
                    history(
                        history_date=made_at(uuid_of(row["id"])),
                        history_type="+",
                        history_change_reason=_REASON,
                        **row,
                    )
                    for row in rows
                ]
            )


def made_at(key: UUID, now: datetime | None = None) -> datetime:
    """When a UUIDv7 was made, to the millisecond: it begins with that. `now` for any other UUID, and at the latest."""
    latest = now or datetime.now(UTC)
    if key.version != _UUID_VERSION:
        return latest
    made = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=key.int >> 80)
    return min(made, latest)


def _batches(model: Any, history: Any) -> Iterator[list[dict[str, Any]]]:
    kept = [field.attname for field in history._meta.concrete_fields if not field.name.startswith("history_")]
    rows = model.objects.order_by("pk").values(*kept)
    last = None
    while batch := list(islice(rows if last is None else rows.filter(pk__gt=last), _BATCH)):
        yield batch
        last = batch[-1]["id"]
