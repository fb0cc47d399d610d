"""Keep the bytes of a file, and give them back as a stream."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO

from crm.models import FileImport, FileImportPart, ImportBatch, ImportedRecord

#: Bytes of one part.
PART = 1_000_000
_SMALL_IN_MEMORY = 8_000_000


def keep_file(file_import: FileImport, stream: BinaryIO) -> None:
    """Store the bytes of `stream` in place of what is kept. Runs inside the caller's transaction."""
    file_import.parts.all().delete()
    stream.seek(0)
    number = 0
    while data := stream.read(PART):
        keep_piece(file_import, number, data)
        number += 1


def keep_piece(file_import: FileImport, number: int, data: bytes) -> None:
    """Store a part of the file. Runs inside the caller's transaction."""
    FileImportPart.objects.create(file_import=file_import, number=number, data=data)


def pieces_of(file_import: FileImport) -> Iterator[bytes]:
    """The bytes of the file, part by part."""
    keys = list(file_import.parts.order_by("number").values_list("pk", flat=True))
    for key in keys:
        yield bytes(FileImportPart.objects.get(pk=key).data)


@contextmanager
def opened(file_import: FileImport) -> Iterator[BinaryIO]:
    """The file as a stream that can seek: in memory if it is small, else in a temporary file."""
    with tempfile.SpooledTemporaryFile(max_size=_SMALL_IN_MEMORY) as file:
        target: Any = file
        for data in pieces_of(file_import):
            target.write(data)
        target.seek(0)
        yield target


def delete_old_files(before: datetime) -> int:
    """Delete the files that were uploaded before that moment, with what is needed to revert them. Returns how many.

    An import that is over stays listed with its counts.
    """
    old = FileImport.objects.filter(made_at__lt=before)
    old.filter(started_at=None).exclude(state=FileImport.State.PREVIEWING).delete()
    kept = list(
        FileImportPart.objects.filter(file_import__in=old).values_list("file_import", flat=True).distinct()
    )
    for model in (FileImportPart, ImportBatch, ImportedRecord):
        model._default_manager.filter(file_import__in=kept).delete()
    return len(kept)
