"""Revert an import, or what it wrote for one customer: put the rows that it wrote back as they were.

A row that changed since stays as far as it changed: what users and later imports did is kept. A customer that the import
created goes if nothing else of it is left, else it stays, without the values that only the import said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import transaction

from crm.imports.run import REVERT, WrongState, claim, request
from crm.imports.undo import Reverted, undo_batch
from crm.models import FileImport
from customers import clock
from customers.audit.record import audit
from customers.configuration.table import IMPORTS_KEPT_DAYS
from customers.configuration.values import value_of
from customers.ingest.engine import rolled_back, wait_for_other_imports
from customers.models import AuditAction

Progress = Callable[[int, int], None]


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
    """Whether an import can be reverted: it is done, and its file is still kept."""
    is_kept = file_import.made_at > clock.now() - timedelta(days=value_of(IMPORTS_KEPT_DAYS))
    return is_kept and file_import.state == FileImport.State.DONE


def preview_revert(file_import: FileImport, *, only: str = "") -> Reverted:
    """What reverting would do, or reverting what it wrote for one customer; nothing is changed."""
    with rolled_back():
        return _revert(file_import, lambda done, total: None, only=only)


@transaction.atomic
def revert_customer(file_import: FileImport, customer_id: str, by: Any) -> Reverted:
    """Revert what an import wrote for one customer. Raises `WrongState`."""
    if not is_revertible(file_import):
        raise WrongState("This import can't be reverted.")
    found = _revert(file_import, lambda done, total: None, only=customer_id)
    file_import.records.filter(customer_id=customer_id, is_preview=False).update(is_reverted=True)
    _record(file_import, found, by, customer_id)
    return found


def revert(file_import: FileImport, progress: Progress) -> Reverted:
    """Revert the import, batch by batch from the last one. May be called again after it stopped."""
    found = _revert(file_import, progress)
    with transaction.atomic():
        FileImport.objects.filter(pk=file_import.pk).update(
            state=FileImport.State.REVERTED, reverted_at=clock.now()
        )
        _record(file_import, found, file_import.reverted_by)
    return found


def _record(file_import: FileImport, found: Reverted, by: Any, customer_id: str | None = None) -> None:
    audit(
        AuditAction.IMPORT_REVERTED,
        customer_id,
        str(file_import.pk),
        by=by,
        details={"files": [file_import.name]},
        removed=found.removed,
        restored=found.restored,
    )


def _revert(file_import: FileImport, progress: Progress, *, only: str = "") -> Reverted:
    found = Reverted()
    standing = file_import.batches.filter(is_reverted=False)
    if only:
        standing = standing.filter(records__customer_id=only, records__is_preview=False).distinct()
    keys = list(standing.order_by("-pk").values_list("pk", flat=True))
    for done, key in enumerate(keys, start=1):
        with transaction.atomic():
            wait_for_other_imports()
            batch = file_import.batches.select_for_update().get(pk=key)
            undo_batch(batch, found, only=only)
        progress(done, len(keys))
    return found


def kept_in_words(found: Reverted) -> list[tuple[str, int]]:
    """The rows that stay because they changed since, by their name on pages."""
    totals: dict[str, int] = defaultdict(int)
    for label, count in found.kept_rows.items():
        if count:
            totals[str(apps.get_model(label)._meta.verbose_name_plural)] += count
    return sorted(totals.items())
