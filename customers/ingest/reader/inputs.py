"""Sources of JSON text: files and standard input, compressed or not, read through a window."""

from __future__ import annotations

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from customers.ingest.reader.strict import BYTE_ORDER_MARK, KEEP_BAD_BYTES, NOT_UTF16, is_wide

_GZIP = b"\x1f\x8b"
#: Bytes read at a time.
_CHUNK = 64 * 1024
_LONGEST_WIDE_START = 4


class Unreadable(Exception):
    """An input cannot be read, or not to its end. The message says what is wrong, where, and what to do."""


@contextmanager
def open_input(name: str, stdin: BinaryIO | None = None) -> Iterator[BinaryIO]:
    """Open the file `name`; `-` means `stdin`, by default standard input.

    Data that begins like gzip is decompressed, whatever the file's name. At the end the file is closed,
    `stdin` is not. Raises `Unreadable` if the file is missing, is a directory or may not be read. Damaged
    compressed data is noticed only by `read_records`.
    """
    if name == "-":
        if stdin is None and sys.stdin is None:
            raise Unreadable("There is no standard input. Name a file instead of '-'.")
        yield _decompressed(stdin or sys.stdin.buffer)
        return
    try:
        file = open(name, "rb")  # noqa: PTH123, SIM115 - "" is not a directory; closed below
    except (OSError, ValueError) as problem:
        raise Unreadable(_why_not_opened(name, problem)) from None
    with file:
        yield _decompressed(file)


def _why_not_opened(name: str, problem: Exception) -> str:
    if not name:
        return "The name of the file is empty. Name a file."
    if isinstance(problem, FileNotFoundError):
        return "There is no such file. Check the name and the directory."
    if isinstance(problem, IsADirectoryError):
        return f"This is a directory. Name the files in it, such as {name.rstrip('/') + '/*.json'!r}."
    if isinstance(problem, PermissionError):
        return "You don't have permission to read the file. Change its permissions or its owner."
    reason = problem.strerror if isinstance(problem, OSError) else str(problem)
    return f"Couldn't open the file ({reason}). Check its name."


def _decompressed(stream: BinaryIO) -> BinaryIO:
    try:
        head = stream.read(len(_GZIP)) or b""
        while 0 < len(head) < len(_GZIP) and (more := stream.read(len(_GZIP) - len(head))):
            head += more
    except OSError as problem:
        raise Unreadable(_why_not_read(problem)) from None
    rejoined = io.BufferedReader(_Rejoined(head, stream), _CHUNK)
    if head == _GZIP:
        return cast("BinaryIO", gzip.GzipFile(fileobj=rejoined, mode="rb"))
    return rejoined


class _Rejoined(io.RawIOBase):
    """A stream with the bytes put back that were already read from its beginning."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._head or self._rest.read(len(buffer)) or b""
        self._head = b""
        buffer[: len(data)] = data
        return len(data)


def _why_not_read(problem: Exception) -> str:
    if isinstance(problem, EOFError):
        return (
            "The compressed data ends too early. Only the records before this place were read. "
            "Fetch or compress the file again."
        )
    if isinstance(problem, (gzip.BadGzipFile, zlib.error)):
        return (
            f"The compressed data is damaged ({problem}). Only the records before this place were read. "
            "Fetch or compress the file again."
        )
    reason = problem.strerror if isinstance(problem, OSError) else None
    return f"Reading stopped ({reason or problem}). Only the records before this place were read."


class Window:
    """The part of a stream's text that is being read.

    `text` is the text in memory, `at` is the place in it that has been read up to, and `before` is the number
    of characters that were dropped before it.
    """

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        """No more is fetched once there are `limit` unread characters."""
        self.text = ""
        self.at = 0
        self.before = 0
        self.ended = False
        self._stream = stream
        self._limit = limit
        self._decoder = codecs.getincrementaldecoder("utf-8")(KEEP_BAD_BYTES)
        self._begin()

    def more(self) -> bool:
        """Drop what was read and fetch more text. The unread text doubles, so reading it again stays cheap.

        Sets `at` to 0. Returns False, and changes nothing, at the end of the stream or at the limit. Raises
        `Unreadable` if reading fails.
        """
        unread = len(self.text) - self.at
        if self.ended or unread > self._limit:
            return False
        wanted = max(_CHUNK, min(unread, self._limit - unread))
        parts = [self.text[self.at :]]
        while wanted > 0 and not self.ended:
            part = self._read()
            wanted -= len(part)
            parts.append(part)
        self.text = "".join(parts)
        self.before += self.at
        self.at = 0
        return True

    def _begin(self) -> None:
        head = b""
        while len(head) < _LONGEST_WIDE_START and (data := self._bytes()):
            head += data
        if is_wide(head):
            raise Unreadable(NOT_UTF16)
        self.text = self._decoder.decode(head, not head).removeprefix(BYTE_ORDER_MARK)
        self.ended = not head

    def _read(self) -> str:
        data = self._bytes()
        self.ended = not data
        return self._decoder.decode(data, self.ended)

    def _bytes(self) -> bytes:
        try:
            return self._stream.read(_CHUNK) or b""
        except (EOFError, OSError, zlib.error) as problem:
            raise Unreadable(_why_not_read(problem)) from None
