"""Sort the records of an input by time, with little memory however many there are.

Records are sorted in runs. All runs but the last are kept in one temporary file, from which they are merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from heapq import merge
from struct import Struct
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple, cast

import msgspec

from customers.ingest.reader import BadRecord, Record, Unreadable

#: How many records are sorted in memory, and how many characters they may have together.
RUN = 100_000
RUN_TEXT = 32 * 1024 * 1024

#: What precedes the text of a record in the temporary file: its time, its number, the length of the text.
_HEAD = Struct(">qQI")
#: Reads values as the strict reader does, which has accepted them before and takes ten times as long: numbers with a
#: fraction or an exponent are exact.
_VALUES: msgspec.json.Decoder[object] = msgspec.json.Decoder(float_hook=Decimal)
_READ_AHEAD = 64 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

#: The time of a record in microseconds since the epoch, its number, and its text. They sort in this order, and values
#: are not kept, because they would take several times the memory.
_Timed = tuple[int, int, str]


class _Run(NamedTuple):
    """A sorted run in the temporary file, from one place to another."""

    start: int
    end: int


def in_time_order(
    records: Iterable[Record | BadRecord], time_of: Callable[[object], datetime | None], now: datetime
) -> Iterator[Record | BadRecord]:
    """The records by `time_of` their values; None means `now`. Bad records come as they are read, before all others.

    Records of the same time stay in their order. If the input turns out `Unreadable`, the records before that place are
    given first, then that is raised.
    """
    unreadable: Unreadable | None = None
    held: list[_Timed] = []
    length = 0
    runs: list[_Run] = []
    with ExitStack() as stack:
        file: BinaryIO | None = None
        given = iter(records)
        while True:
            try:
                record = next(given)
            except StopIteration:
                break
            except Unreadable as problem:
                unreadable = problem
                break
            if isinstance(record, BadRecord):
                yield record
                continue
            at = ((time_of(record.value) or now) - _EPOCH) // _MICROSECOND
            held.append((at, record.number, record.text))
            length += len(record.text)
            if len(held) >= RUN or length >= RUN_TEXT:
                if file is None:
                    file = cast("BinaryIO", stack.enter_context(TemporaryFile()))
                runs.append(_written(file, held))
                held, length = [], 0
        held.sort()
        in_order: Iterable[_Timed] = held
        if file is not None:
            file.flush()
            in_order = merge(held, *(_read(file, run) for run in runs))
        for _, number, text in in_order:
            yield Record(number, text, _VALUES.decode(text))
    if unreadable is not None:
        raise unreadable


def _written(file: BinaryIO, held: list[_Timed]) -> _Run:
    """Sort the records and write them at the end of the file."""
    held.sort()
    start = file.tell()
    for at, number, text in held:
        data = text.encode()
        file.write(_HEAD.pack(at, number, len(data)) + data)
    return _Run(start, file.tell())


def _read(file: BinaryIO, run: _Run) -> Iterator[_Timed]:
    """The records of one run."""
    window = _Window(file, run.start, run.end)
    while window.holds(_HEAD.size):
        at, number, size = _HEAD.unpack_from(window.data, window.used)
        window.holds(_HEAD.size + size)
        window.used += _HEAD.size + size
        yield at, number, window.data[window.used - size : window.used].decode()


@dataclass(slots=True)
class _Window:
    """The part of a run that is in memory: `data`, of which `used` bytes were read."""

    file: BinaryIO
    place: int
    end: int
    data: bytes = b""
    used: int = 0

    def holds(self, size: int) -> bool:
        """Whether so many bytes are still to read. Fetches them from the file, which other runs read too."""
        if len(self.data) - self.used < size and self.place < self.end:
            self.file.seek(self.place)
            more = self.file.read(min(max(_READ_AHEAD, size), self.end - self.place))
            self.place += len(more)
            self.data, self.used = self.data[self.used :] + more, 0
        return len(self.data) - self.used >= size
