"""Receive a file in pieces. An interrupted upload continues where it stopped.

All pieces but the last have the same length, so the pieces that are kept tell how far an upload is.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from crm.imports.run import start_preview
from crm.imports.store import PART, keep_piece, opened
from crm.imports.unpack import MOST_BYTES, unpack
from crm.imports.uploads import file_name, fill
from crm.models import FileImport
from customers.formats import number

#: So many uploads a user may leave unfinished.
MOST_UNFINISHED = 10
#: An upload that is not whole so long after it began is deleted.
KEPT = timedelta(days=1)


class CannotUpload(Exception):
    """The upload can't begin; the text says what to do."""


class WrongPiece(Exception):
    """The piece is not the next one of its upload."""


@transaction.atomic
def begin_upload(name: str, size: int, stamp: str, by: Any) -> FileImport:
    """The user's unfinished upload of this file, else a new one. `stamp` tells files with one name and size apart.

    Raises `CannotUpload`.
    """
    if size < 1:
        raise CannotUpload("The file is empty.")
    if size > MOST_BYTES:
        raise CannotUpload(f"The file has more than {number(MOST_BYTES // 1_000_000_000)} GB. Split it.")
    name = file_name(name)
    unfinished = unfinished_uploads(by)
    known: FileImport | None = unfinished.filter(name=name, size=size, layout__stamp=stamp).first()
    if known is not None:
        return known
    if unfinished.count() >= MOST_UNFINISHED:
        raise CannotUpload(
            f"You have {number(MOST_UNFINISHED)} unfinished uploads. Continue or remove one of them first."
        )
    return FileImport.objects.create(
        name=name, size=size, made_by=by, state=FileImport.State.UPLOADING, layout={"stamp": stamp}
    )


def unfinished_uploads(by: Any) -> Any:
    """The uploads that a user began and that are not whole."""
    return FileImport.objects.filter(state=FileImport.State.UPLOADING, made_by=by)


def received(file_import: FileImport) -> int:
    """How many bytes of an upload are kept."""
    return min(file_import.size, file_import.parts.count() * PART)


@transaction.atomic
def add_piece(file_import: FileImport, offset: int, data: bytes) -> int:
    """Keep the piece of an upload that begins at `offset`, and return how far the upload is. Raises `WrongPiece`."""
    found = _locked(file_import)
    if found is None:
        raise WrongPiece
    so_far = received(found)
    if offset != so_far or len(data) != min(PART, found.size - so_far) or not data:
        raise WrongPiece
    try:
        with transaction.atomic():
            keep_piece(found, offset // PART, data)
    except IntegrityError:
        raise WrongPiece from None
    return so_far + len(data)


@transaction.atomic
def finish_upload(file_import: FileImport) -> FileImport:
    """Recognize an upload that is whole, as if it had come at once, and request the preview of one that is no table.

    Once it was finished, nothing happens. Raises `WrongPiece` if it is not whole, `FileImport.DoesNotExist` if it was
    removed, and `NotImportable`: then it is to be removed.
    """
    found = _locked(file_import)
    if found is None:
        return FileImport.objects.get(pk=file_import.pk)
    if received(found) < found.size:
        raise WrongPiece
    with opened(found) as stream, ExitStack() as cleanup:
        fill(found, unpack(stream, cleanup))
    if not found.is_table:
        start_preview(found, found.made_by)
    return found


@transaction.atomic
def remove_upload(file_import: FileImport) -> None:
    """Remove an upload that is not finished."""
    found = _locked(file_import)
    if found is not None:
        found.delete()


@transaction.atomic
def delete_abandoned_uploads(now: datetime) -> int:
    """Delete the uploads that nobody finished. Returns how many."""
    old = FileImport.objects.filter(state=FileImport.State.UPLOADING, made_at__lt=now - KEPT)
    # Locked, so that none is finished between the look at its state and the deletion.
    keys = list(old.select_for_update().values_list("pk", flat=True))
    FileImport.objects.filter(pk__in=keys, state=FileImport.State.UPLOADING).delete()
    return len(keys)


def _locked(file_import: FileImport) -> FileImport | None:
    uploading = FileImport.objects.filter(pk=file_import.pk, state=FileImport.State.UPLOADING)
    return uploading.select_for_update().first()
