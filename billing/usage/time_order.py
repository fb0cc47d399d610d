"""Sort the records of an input by time, with little memory however many there are.

Records are sorted in runs. All runs but the last are kept in one temporary file, from which they are merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from heapq import merge
from operator import itemgetter
from struct import Struct
from tempfile import TemporaryFile
from typing import BinaryIO, NamedTuple, cast

from customers.ingest.reader import BadRecord, Record, Unreadable, read_value

#: How many records are sorted in memory, and how many characters they may have together.
RUN = 50_000
RUN_TEXT = 32 * 1024 * 1024

#: What precedes the text of a record in the temporary file: its time, its number, the length of the text.
_HEAD = Struct(">qQI")
_READ_AHEAD = 64 * 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Timed(NamedTuple):
    """A record with its time in microseconds since the epoch. Of the same time, the first in the input comes first."""

    at: int
    number: int
    record: Record


class _Run(NamedTuple):
    """A sorted run in the temporary file, from one place to another."""

    start: int
    end: int


def in_time_order(
    records: Iterable[Record | BadRecord], time_of: Callable[[object], datetime | None], now: datetime
) -> Iterator[Record | BadRecord]:
    """The records by `time_of` their values; None means `now`. Bad records come as they are read, before all others.

    If the input turns out `Unreadable`, the records before that place are given first, then that is raised.
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
            held.append(_Timed(at, record.number, record))
            length += len(record.text)
            if len(held) >= RUN or length >= RUN_TEXT:
                if file is None:
                    file = cast("BinaryIO", stack.enter_context(TemporaryFile()))
                runs.append(_written(file, held))
                held, length = [], 0
        held.sort(key=_IN_ORDER)
        if file is None:
            yield from (timed.record for timed in held)
        else:
            file.flush()
            sorted_runs = [iter(held), *(_read(file, run) for run in runs)]
            yield from (timed.record for timed in merge(*sorted_runs, key=_IN_ORDER))
    if unreadable is not None:
        raise unreadable


_IN_ORDER = itemgetter(0, 1)


def _written(file: BinaryIO, held: list[_Timed]) -> _Run:
    """Sort the records and write them at the end of the file."""
    held.sort(key=_IN_ORDER)
    start = file.tell()
    for at, number, record in held:
        text = record.text.encode()
        file.write(_HEAD.pack(at, number, len(text)))
        file.write(text)
    return _Run(start, file.tell())


def _read(file: BinaryIO, run: _Run) -> Iterator[_Timed]:
    """The records of one run. Others read the same file in between, so each read goes to its own place first."""
    place, rest = run.start, b""

    def take(wanted: int) -> bytes:
        nonlocal place, rest
        if len(rest) < wanted:
            file.seek(place)
            more = file.read(min(max(_READ_AHEAD, wanted), run.end - place))
            place += len(more)
            rest += more
        taken, rest = rest[:wanted], rest[wanted:]
        return taken

    while rest or place < run.end:
        at, number, size = _HEAD.unpack(take(_HEAD.size))
        text = take(size).decode()
        yield _Timed(at, number, Record(number, text, read_value(text)))
