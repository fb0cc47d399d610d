"""Tell what an uploaded file is by its content, unpack it, and refuse what can't be imported. Bounded memory."""

from __future__ import annotations

import codecs
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from gzip import BadGzipFile, GzipFile
from typing import IO, Any, BinaryIO

from charset_normalizer import from_bytes

from crm.exchange.foreign import DOCUMENTS, foreign_kind
from crm.exchange.foreign_text import kind_of_bytes
from crm.models import FileImport
from customers.formats import number
from customers.ingest.reader import Record, Unreadable, read_records
from customers.json_types.keys import camel, keys_of

#: The most bytes that a file may have, unpacked.
MOST_BYTES = 2_000_000_000
#: The most bytes of all sheets of a workbook, which is read in memory.
MOST_SHEET_BYTES = 400_000_000
#: No honest file shrinks to less than this part of its size.
_MOST_SHRUNK = 400
#: From here on files are looked at for how much they shrink.
_SUSPICIOUS = 50_000_000

_CHUNK = 1 << 16
_SAMPLE = 1 << 18
_FIRST_RECORDS = 20
_FEWEST_KEYS = 2
_SMALL_IN_MEMORY = 4_000_000
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

_USE = "Upload CSV, Excel (.xlsx) or JSON."


class NotImportable(Exception):
    """The file can't be imported; the text says what it looks like and what to do."""


@dataclass(slots=True)
class Unpacked:
    """A file that can be imported: its bytes without compression, its kind, and for texts the encoding."""

    stream: BinaryIO
    kind: str
    size: int
    layout: dict[str, Any] = field(default_factory=dict)


def unpack(stream: BinaryIO, cleanup: ExitStack) -> Unpacked:
    """What `stream` holds, unpacked into a temporary file of `cleanup` if it is compressed. Raises `NotImportable`."""
    head = _head(stream)
    if not head:
        raise NotImportable("The file is empty.")
    if head.startswith(b"\x1f\x8b"):
        stream = _copied(_gunzipped(stream), _size(stream), cleanup)
        head = _head(stream)
    elif head.startswith(b"PK") and not _is_workbook(stream):
        stream = _only_member(stream, cleanup)
        head = _head(stream)
    if _size(stream) > MOST_BYTES:
        raise NotImportable(f"The file is larger than {number(MOST_BYTES // 1_000_000)} MB. Split it.")
    if not head.strip():
        raise NotImportable("The file is empty.")
    if head.startswith(b"PK"):
        if not _is_workbook(stream):
            raise NotImportable("This archive holds another archive. Unpack it, and upload the files in it.")
        _check_workbook(stream)
        return Unpacked(stream, FileImport.Kind.XLSX, _size(stream))
    _refuse_others(stream, head)
    return _text(stream, head)


def _head(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    try:
        head = stream.read(4096)
    except (BadGzipFile, EOFError, zlib.error) as problem:
        raise NotImportable("The compressed data is damaged. Compress the file again.") from problem
    stream.seek(0)
    return head


def _size(stream: IO[bytes]) -> int:
    stream.seek(0, 2)
    size = stream.tell()
    stream.seek(0)
    return size


def _gunzipped(stream: IO[bytes]) -> Iterator[bytes]:
    packed = GzipFile(fileobj=stream, mode="rb")
    try:
        while data := packed.read(_CHUNK):
            yield data
    except (BadGzipFile, EOFError, OSError, zlib.error):
        raise NotImportable(
            "The compressed data is damaged or ends too early. Compress the file again."
        ) from None


def _copied(pieces: Iterator[bytes], packed_size: int, cleanup: ExitStack) -> BinaryIO:
    """The pieces in a temporary file. Raises `NotImportable` for data that grows beyond measure."""
    target: Any = tempfile.SpooledTemporaryFile(max_size=_SMALL_IN_MEMORY)  # noqa: SIM115 - the caller reads it
    cleanup.callback(target.close)
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MOST_BYTES or (size > _SUSPICIOUS and size > packed_size * _MOST_SHRUNK):
            raise NotImportable(
                f"The file unpacks to more than {number(size // 1_000_000)} MB, far more than its"
                f" {number(max(1, packed_size // 1000))} kB. It wasn't unpacked. {_USE}"
            )
        target.write(piece)
    target.seek(0)
    return target  # type: ignore[no-any-return]


def _is_workbook(stream: IO[bytes]) -> bool:
    try:
        with zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        raise NotImportable("The zip file is damaged. Compress the file again.") from None
    finally:
        stream.seek(0)
    if "word/document.xml" in names:
        raise NotImportable(f"This looks like a Word document. {_USE}")
    return "xl/workbook.xml" in names or "xl/workbook.bin" in names


def _only_member(stream: IO[bytes], cleanup: ExitStack) -> BinaryIO:
    packed_size = _size(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            members = [
                each
                for each in archive.infolist()
                if not each.is_dir() and not each.filename.startswith("__MACOSX/")
            ]
            if len(members) != 1:
                found = "no file" if not members else f"{number(len(members))} files"
                raise NotImportable(f"The zip file holds {found}. Upload one file at a time.")
            if members[0].flag_bits & 1:
                raise NotImportable(
                    "The zip file is password-protected. Unpack it, and upload the file in it."
                )
            with archive.open(members[0]) as member:
                return _copied(iter(lambda: member.read(_CHUNK), b""), packed_size, cleanup)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        raise NotImportable("The zip file is damaged. Compress the file again.") from None


def _check_workbook(stream: IO[bytes]) -> None:
    """Count what the workbook unpacks to: what its directory says may be a lie."""
    size, packed_size = 0, _size(stream)
    with zipfile.ZipFile(stream) as archive:
        for each in archive.infolist():
            with suppress(zipfile.BadZipFile, zlib.error, EOFError), archive.open(each) as member:
                while data := member.read(_CHUNK):
                    size += len(data)
                    if size > MOST_SHEET_BYTES or (size > _SUSPICIOUS and size > packed_size * _MOST_SHRUNK):
                        raise NotImportable(
                            f"The workbook unpacks to more than {number(size // 1_000_000)} MB. Save the sheet"
                            " as CSV, and upload that."
                        )
    stream.seek(0)


def _refuse_others(stream: IO[bytes], head: bytes) -> None:
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        stream.seek(0)
        is_locked = any(_ENCRYPTED in data for data in iter(lambda: stream.read(1 << 20), b""))
        stream.seek(0)
        if is_locked:
            raise NotImportable(
                "This workbook is password-protected. Remove the password in Excel, and upload it again."
            )
        raise NotImportable("This looks like an old Excel file (.xls). Save it as .xlsx, and upload that.")
    if kind := kind_of_bytes(head):
        raise NotImportable(f"This looks like {kind}. {_USE}")


def _text(stream: BinaryIO, head: bytes) -> Unpacked:
    encoding = _encoding(stream, head)
    size = _size(stream)
    start = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    if start[:1] in ("{", "[") and encoding in ("utf-8", "utf-8-sig"):
        return Unpacked(stream, _document_kind(stream), size)
    if start[:1] in ("{", "[") and '"' in start[:40]:
        raise NotImportable(
            "This looks like JSON in another encoding. Save it as UTF-8, and upload it again."
        )
    return Unpacked(stream, FileImport.Kind.CSV, size, {"encoding": encoding})


def _encoding(stream: IO[bytes], head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = head.count(b"\0")
    if zeros > len(head) // 3:
        return "utf-16-le" if head[1::2].count(b"\0") >= head[::2].count(b"\0") else "utf-16-be"
    if zeros:
        raise NotImportable(f"This is no text. {_USE}")
    decoder = codecs.getincrementaldecoder("utf-8")()
    stream.seek(0)
    at, strange = 0, -1
    while data := stream.read(_CHUNK):
        try:
            decoder.decode(data)
        except UnicodeDecodeError as problem:
            strange = max(0, at + problem.start - _SAMPLE // 2)
            break
        at += len(data)
    if strange < 0:
        stream.seek(0)
        return "utf-8"
    stream.seek(strange)
    sample = stream.read(_SAMPLE)
    stream.seek(0)
    return _old_encoding(sample)


#: Encodings that differ from Windows-1252 in letters that Western texts don't have.
_WESTERN = frozenset(
    {
        "cp1252",
        "latin_1",
        "iso8859_15",
        "iso8859_1",
        "cp1250",
        "iso8859_2",
        "mac_iceland",
        "cp1254",
        "cp1257",
        "iso8859_9",
        "iso8859_16",
        "mac_roman",
        "hp_roman8",
        "cp850",
        "cp858",
    }
)


def _old_encoding(sample: bytes) -> str:
    """The encoding of a text that isn't UTF-8: Windows-1252 unless another one fits better."""
    try:
        western = sample.decode("cp1252")
    except UnicodeDecodeError:
        western = ""
    best = from_bytes(sample).best()
    guess = best.encoding if best is not None else "cp1252"
    if western and (guess in _WESTERN or _is_western(western)):
        return "cp1252"
    return guess


def _is_western(text: str) -> bool:
    """Whether the letters beyond ASCII are those of Western languages, as in Windows-1252."""
    strange = [character for character in text if ord(character) > 127]
    return all(
        character in "äöüÄÖÜßéèêëàâáãåçñóòôõíìîïúùûøæœØÆŒÉÈÊÀÁÂÅÇÑÓÔ€\u2019\u2018“”„\u2013—…·§°©®«»\u00a0"
        for character in strange
    )


def _document_kind(stream: BinaryIO) -> str:
    """The platform that the JSON records come from. Raises `NotImportable`."""
    records: list[Record] = []
    with suppress(Unreadable):
        for record in read_records(stream):
            if isinstance(record, Record):
                records.append(record)
            if len(records) == _FIRST_RECORDS:
                break
    stream.seek(0)
    known = {source: sum(_own_keys(record.value, source) for record in records) for source in DOCUMENTS}
    best = max(known, key=lambda source: known[source])
    if not records or known[best] < _FEWEST_KEYS * len(records):
        kind = next((kind for record in records if (kind := foreign_kind(record.value, best))), "")
        looks = f"This looks like {kind}." if kind else "This JSON holds no customers that are known here."
        raise NotImportable(
            f"{looks} Upload documents of the payments platform, the billing platform or the CRM."
        )
    if (
        known[best]
        and (kind := foreign_kind(records[0].value, best))
        and all(foreign_kind(record.value, best) for record in records)
    ):
        raise NotImportable(f"This looks like {kind}. Upload documents of customers.")
    return best


#: Keys that tell one document from another.
_TELLING = {
    "company": "crm",
    "poc": "crm",
    "balances": "billing",
    "subscriptions": "billing",
    "addresses": "payments",
}


def _own_keys(value: object, source: str) -> int:
    if not isinstance(value, dict):
        return 0
    keys = value.keys()
    own = {key for key in keys_of(DOCUMENTS[source]) if key in keys or camel(key) in keys}
    return len(own) + 3 * sum(_TELLING.get(key) == source for key in own)
