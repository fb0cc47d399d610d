"""Take an uploaded file: recognize it, guess its mapping, and keep it. Nothing is imported yet."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import PurePath
from typing import Any, BinaryIO

from django.db import transaction

from crm.imports.columns import Column, guess, look_at, options_of
from crm.imports.presets import recognize
from crm.imports.store import keep_file, opened
from crm.imports.table_reader import find_layout, open_table
from crm.imports.unpack import Unpacked, unpack
from crm.models import FileImport, ImportMapping
from customers.models.source import FILE_SOURCE
from customers.readings.folding import folded

_LONGEST_NAME = 60
_LONGEST_FILE_NAME = 255


@transaction.atomic
def take_file(name: str, stream: BinaryIO, by: Any) -> FileImport:
    """Keep a file that can be imported. Raises `NotImportable`, and then nothing is kept."""
    with ExitStack() as cleanup:
        file_import = FileImport(name=file_name(name), made_by=by)
        fill(file_import, unpack(stream, cleanup))
        return file_import


def file_name(text: str) -> str:
    """`text` as the name of a file, without its folders and what can't be printed. The database takes no NUL."""
    printable = "".join(character for character in text if character.isprintable())
    return (PurePath(printable).name or "file")[-_LONGEST_FILE_NAME:]


def fill(file_import: FileImport, unpacked: Unpacked) -> None:
    """Say what a file is, and keep its bytes. Raises `NotImportable`. Runs inside the caller's transaction."""
    file_import.kind = file_import.source = unpacked.kind
    file_import.size, file_import.layout = unpacked.size, unpacked.layout
    file_import.state = FileImport.State.UPLOADED
    if file_import.is_table:
        _look(file_import, unpacked)
    file_import.save()
    keep_file(file_import, unpacked.stream)


def look_again(file_import: FileImport, **layout: Any) -> None:
    """Read the table with another layout, such as another sheet, and guess anew. Raises `NotImportable`."""
    kept = {name: value for name, value in file_import.layout.items() if name in ("encoding", "sheets")}
    file_import.layout = {**kept, **layout}
    with opened(file_import) as stream:
        _look(file_import, Unpacked(stream, file_import.kind, file_import.size, file_import.layout))
    file_import.save()


def _look(file_import: FileImport, unpacked: Unpacked) -> None:
    stream = unpacked.stream
    file_import.layout = find_layout(stream, unpacked.kind, unpacked.layout)
    table = open_table(stream, unpacked.kind, file_import.layout)
    columns, file_import.total = look_at(table.headings, table.rows)
    file_import.columns = [column.as_json() for column in columns]
    _map(file_import, columns)


def _map(file_import: FileImport, columns: Sequence[Column]) -> None:
    headings = [column.heading for column in columns]
    known = mapping_for(headings)
    if known is not None:
        file_import.mapping = known
        file_import.fields = dict(known.fields)
        file_import.options = options_of(columns, known.fields)
        for name in ("order", "mark"):
            file_import.options[name] = file_import.options[name] or known.options.get(name, "")
        file_import.source = known.options.get("source") or source_of(file_import.name)
        return
    file_import.fields, title = guess(columns)
    preset = recognize(headings)
    file_import.options = {**options_of(columns, file_import.fields), "preset": title}
    file_import.source = FILE_SOURCE + preset.source if preset else source_of(file_import.name)


def mapping_for(headings: Sequence[str]) -> ImportMapping | None:
    """The mapping last used for a file with these headings."""
    found = ImportMapping.objects.order_by("-used_at", "-pk")
    return next((each for each in found.iterator() if each.headings == list(headings)), None)


def source_of(name: str) -> str:
    """The source of a file's records by its name: `csv:trade-fair-2026` of `Trade fair 2026.csv`."""
    stem = PurePath(name).name.split(".")[0]
    return FILE_SOURCE + (source_name(stem) or "file")


def source_name(text: str) -> str:
    """`text` as the name of a source: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", folded(text)).strip("-")[:_LONGEST_NAME].strip("-")


def remember(file_import: FileImport, name: str, by: Any) -> ImportMapping:
    """Save how the file is mapped, under `name`; a mapping with this name is replaced."""
    headings = [column["heading"] for column in file_import.columns]
    options: Mapping[str, Any] = {**file_import.options, "source": file_import.source}
    mapping, _ = ImportMapping.objects.update_or_create(
        name=name,
        defaults={"headings": headings, "fields": file_import.fields, "options": options, "made_by": by},
    )
    file_import.mapping = mapping
    return mapping
