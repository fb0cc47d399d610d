"""Files and standard input, compressed and not."""

import errno
import gzip
import io
import sys
import zlib

import pytest

from customers.ingest.reader import Unreadable, open_input, read_records
from tests.customers.ingest.reader.inputs import good

LINES = b'{"a":1}\n{"a":2}\n'


class Trickle(io.RawIOBase):
    """A stream that gives one byte at a time, as a slow pipe may."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._data.readinto(memoryview(buffer)[:1])


def values_of(name, stdin=None):
    with open_input(str(name), stdin) as stream:
        return good(read_records(stream))


def refusal(name, stdin=None):
    with pytest.raises(Unreadable) as caught:
        values_of(name, stdin)
    return str(caught.value)


@pytest.mark.parametrize("data", [LINES, gzip.compress(LINES, mtime=0)], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["customers.json", "customers.gz"])
def test_reads_a_file_whatever_its_name(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    assert values_of(path) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("data", [LINES, gzip.compress(LINES, mtime=0)], ids=["plain", "gzip"])
@pytest.mark.parametrize("stream", [io.BytesIO, Trickle])
def test_reads_standard_input_and_leaves_it_open(data, stream):
    stdin = stream(data)
    assert values_of("-", stdin) == [{"a": 1}, {"a": 2}]
    assert not stdin.closed


def test_reads_the_process_own_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINES)))
    assert values_of("-") == [{"a": 1}, {"a": 2}]


def test_no_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert "no standard input" in refusal("-")


def test_several_compressed_members_are_one_file():
    stdin = io.BytesIO(gzip.compress(b'{"a":1}\n{"a"', mtime=0) + gzip.compress(b":2}"))
    assert values_of("-", stdin) == [{"a": 1}, {"a": 2}]


def test_closes_the_file(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_bytes(LINES)
    file = path.open("rb")
    monkeypatch.setattr("builtins.open", lambda *args, **options: file)
    with open_input("a.json") as stream:
        assert stream.read(1) == b"{"
    assert file.closed


def test_missing_file(tmp_path):
    # Whoever tells it names the file.
    assert refusal(tmp_path / "none.json") == "There is no such file. Check the name and the directory."
    assert "name of the file is empty" in refusal("")


def test_directory(tmp_path):
    assert f"This is a directory. Name the files in it, such as '{tmp_path}/*.json'" in refusal(tmp_path)


def test_file_without_permission(monkeypatch):
    def forbidden(*args, **options):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    with pytest.raises(Unreadable, match="You don't have permission to read the file"), open_input("a.json"):
        pass


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_impossible_name(name):
    assert "Couldn't open the file" in refusal(name)


@pytest.mark.parametrize("data", [b"", b" \r\n\t ", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_empty(data):
    assert "The file is empty" in refusal("-", io.BytesIO(data))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_utf16(encoding):
    assert "Save the file as UTF-8" in refusal("-", io.BytesIO('[{"a":1}]'.encode(encoding)))


def stored(data):
    """Gzip without compression, so that a damaged byte damages no other."""
    return gzip.compress(data, compresslevel=0, mtime=0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (stored(LINES)[:-9], "ends too early"),
        (stored(LINES)[:-1], "ends too early"),
        (stored(LINES)[:5], "ends too early"),
        (stored(LINES).replace(b'"a":2', b'"a":3'), "is damaged"),
        (stored(LINES) + b"garbage", "is damaged"),
        (b"\x1f\x8bgarbage that is no gzip at all", "is damaged"),
        (gzip.compress(LINES, mtime=0)[:10] + b"\xff" * 30, "is damaged"),
    ],
)
def test_broken_gzip(data, message):
    assert message in refusal("-", io.BytesIO(data))


def test_records_before_the_break_are_read():
    lines = b"".join(b'{"a":%d}\n' % number for number in range(50_000))
    data = gzip.compress(lines, mtime=0)
    with open_input("-", io.BytesIO(data[: len(data) // 2])) as stream:
        records = read_records(stream)
        assert next(records).number == 1
        with pytest.raises(Unreadable, match="ends too early"):
            list(records)


@pytest.mark.parametrize("failure", [OSError(errno.EIO, "Input/output error"), zlib.error("no")])
def test_stream_that_fails(failure):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            raise failure

    with pytest.raises(Unreadable, match=r"Input/output error|is damaged"):
        list(read_records(Failing()))
