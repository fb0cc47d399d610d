"""Bytes into records: every shape, every chunk boundary, and good records beside bad ones."""

import gc
import gzip
import io
import tracemalloc
from collections.abc import Iterator
from itertools import chain, islice, product, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.ingest.reader import RECORD_LIMIT, BadRecord, Record, Unreadable, read_records
from tests.customers.ingest.reader.inputs import (
    CHUNKS,
    LINE_SHAPES,
    SHAPES,
    as_lines,
    as_list,
    as_windows_lines,
    bad,
    documents,
    good,
    read,
    spelled,
    with_floats,
)

chunks = pytest.mark.parametrize("chunk", CHUNKS)


@chunks
@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"a":1}', [{"a": 1}]),
        ("{}", [{}]),
        ("[]", []),
        (' [ { } , {"a":[]}]\n', [{}, {"a": []}]),
        ('{"a":1}\n\n \r\n{"a":2}\r\n', [{"a": 1}, {"a": 2}]),
        ('{"a":1}{"a":2} {"a":3}', [{"a": 1}, {"a": 2}, {"a": 3}]),
        ('{\n "a":\n1\n}\n{\n "a": {\n}\n}', [{"a": 1}, {"a": {}}]),
        ('\ufeff{"a":1}', [{"a": 1}]),
        ('[{"a":1}]\n[{"a":2}]', [{"a": 1}, {"a": 2}]),
        ('{"a":1}\n[{"a":2}]\n{"data":[{"a":3}]}{"a":4}', [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]),
        # Envelopes: under every name, with other keys before and after.
        *(
            (f'{{"{name}":[{{"a":1}},{{"id":2}}]}}', [{"a": 1}, {"id": 2}])
            for name in ("data", "list", "customers", "results", "items", "records")
        ),
        ('{"object":"list","has_more":true,"data":[{"a":1}],"id":"x","next":null}', [{"a": 1}]),
        ('{"total":{"name":1},"data":[{"a":1}]}', [{"a": 1}]),
        ('{"total":NaN,"customers":[]}', []),
        ('{"data":[{"a":1}],"items":[{"a":2}]}', [{"a": 1}, {"a": 2}]),
        ('{"d\\u0061ta":[{"a":1}]}', [{"a": 1}]),
        ('{"data":[{"a":1}]}\n{"data":[{"a":2}]}', [{"a": 1}, {"a": 2}]),
        # No envelopes.
        ('{"id":1,"data":[{"a":1}]}', [{"id": 1, "data": [{"a": 1}]}]),
        ('{"x":1,"company":{},"items":[]}', [{"x": 1, "company": {}, "items": []}]),
        ('{"email":null,"list":[]}', [{"email": None, "list": []}]),
        ('{"\\u006eame":null,"list":[]}', [{"name": None, "list": []}]),
        ('{"data":{"customers":[{"a":1}]}}', [{"data": {"customers": [{"a": 1}]}}]),
        ('{"clients":[{"a":1}]}', [{"clients": [{"a": 1}]}]),
        ('[{"data":[{"a":1}]}]', [{"data": [{"a": 1}]}]),
    ],
)
def test_shapes(text, values, chunk):
    records = read(text.encode(), chunk)
    assert good(records) == values
    assert bad(records) == []
    assert [record.number for record in records] == list(range(1, len(values) + 1))


@chunks
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("indent", [None, 2])
def test_text_is_the_record_as_received(shape, indent, chunk):
    texts = [spelled({"id": 1, "x": [{"é": "a\nb"}]}, indent), '{"b" :  1.50}', spelled({"c": {}}, indent)]
    assert [record.text for record in read(shape(texts).encode(), chunk)] == texts


@given(
    st.lists(documents, max_size=4),
    st.sampled_from(SHAPES),
    st.sampled_from(CHUNKS),
    st.sampled_from([None, 1]),
)
def test_any_documents_in_any_shape(given_documents, shape, chunk, indent):
    data = shape([spelled(document, indent) for document in given_documents]).encode()
    if not data.strip():
        return
    records = read(data, chunk)
    assert with_floats(good(records)) == given_documents
    assert len(records) == len(given_documents)


BROKEN_BUT_BALANCED = {
    "NaN": '{"a":NaN}',
    "key twice": '{"a":1,"a":2}',
    "bad token": '{"a":tru}',
    "trailing comma": '{"a":[1,],}',
    "comment": '{"a":1 /* one */}',
    "single quotes": "{'a':1}",
    "missing colon": '{"a" {"b":1}}',
    "missing comma": '{"a":[{"b":1}{"b":2}]}',
    "extra comma": '{"a":[{"b":1},,{"b":2}]}',
    "list not closed": '{"a":[1,2,"b":{"c":3}}',
    "object not closed": '{"a":[{"b":1,{"b":2}],"c":3}',
    "bracket too many": '{"a":[1]]}',
    "brace too many": '{"a":1}}',
    "nested 100 deep": '{"a":' + "[" * 100 + "]" * 100 + "}",
    "nested 5000 deep": '{"a":' * 5000 + "1" + "}" * 5000,
    "control character": '{"a":"\x01"}',
    "NUL": '{"a":"\0"}',
    "escaped NUL": '{"a":"\\u0000"}',
    "half a pair": '{"a":"\\ud800"}',
    "bad escape": '{"a":"\\x"}',
    "huge exponent": '{"a":1e999999999}',
    "huge integer": '{"a":' + "9" * 5000 + "}",
    "list": "[1,[2]]",
    "scalar": '"x, y"',
    "not UTF-8": '{"a":"\udcff"}',
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("broken", BROKEN_BUT_BALANCED.values(), ids=BROKEN_BUT_BALANCED)
def test_broken_record_costs_no_other(broken, shape):
    others = [{"id": 1, "x": [{"y": "}"}]}, {"id": 2, "b": {"c": "]"}}]
    parts = ["1", "[2]"] if broken == "[1,[2]]" and shape in (as_lines, as_windows_lines) else [broken]
    for place, chunk in product(range(3), CHUNKS):
        texts = [spelled(other) for other in others]
        texts.insert(place, broken)
        records = read(shape(texts).encode("utf-8", "surrogateescape"), chunk)
        assert good(records) == others
        assert [record.text for record in bad(records)] == [
            part.replace("\udcff", "\ufffd") for part in parts
        ]
        assert [record.number for record in bad(records)] == [place + 1 + i for i in range(len(parts))]


#: Not in an envelope: a record that is cut off in a list takes the envelope's rest for its own, and is whole.
CUT_SHAPES = LINE_SHAPES[:-1]
CUT = spelled(
    {"id": "c\\1", "list": [1, {"a": [{}, {"b": "x, y"}], "c": -1.5e3}], "d": {"e": None, "f": "é\\"}}
)


@pytest.mark.parametrize("chunk", [1, CHUNKS[-1]])
@pytest.mark.parametrize("shape", CUT_SHAPES)
@pytest.mark.parametrize("place", [0, 1, 3])
def test_line_that_is_cut_anywhere_costs_no_other(place, shape, chunk):
    others = [{"id": 1, "x": [{"y": "}"}]}, {"id": 2, "b": {}}, {"id": 3}]
    for length in range(1, len(CUT)):
        texts = [spelled(other) for other in others]
        texts.insert(place, CUT[:length])
        records = read(shape(texts).encode(), chunk)
        assert good(records) == others, CUT[:length]
        assert [record.number for record in bad(records)] == [place + 1], CUT[:length]


@given(
    st.lists(documents, min_size=2, max_size=4),
    st.data(),
    st.sampled_from(CUT_SHAPES),
    st.sampled_from(CHUNKS),
)
def test_any_cut_line_costs_no_other(given_documents, data, shape, chunk):
    texts = [spelled(document) for document in given_documents]
    place = data.draw(st.integers(0, len(texts) - 1))
    texts[place] = texts[place][: data.draw(st.integers(1, len(texts[place]) - 1))]
    del given_documents[place]
    records = read(shape(texts).encode(), chunk)
    assert with_floats(good(records)) == given_documents
    assert [record.number for record in bad(records)] == [place + 1]


@chunks
@pytest.mark.parametrize(
    ("text", "numbers", "texts"),
    [
        # Outside a list.
        ('{"a":1}\ngarbage\nmore, "of" it\n{"a":2}', [1, 3], ['garbage\nmore, "of" it']),
        ('"a":1}\n{"a":2}', [2], ['"a":1}']),
        ('{"a":1} x\n{"a":2}', [2], ['{"a":1} x']),
        ('{"a":1},\n{"a":2}', [2], ['{"a":1},']),
        ("id,name\n1,Ann\n", [], ["id,name\n1,Ann"]),
        ("42", [], ["42"]),
        ('"text"', [], ['"text"']),
        ('[{"a":1}]]\n{"a":2}', [1, 3], ["]"]),
        ('{\n  "a": 1,\n  "b": x\n}\n{\n  "a": 2\n}', [2], ['{\n  "a": 1,\n  "b": x\n}']),
        ('{"a":tru}{"b":1}', [2], ['{"a":tru}']),
        ('{"a":"x\ny","b":[1]}\n{"a":2}', [2], ['{"a":"x\ny","b":[1]}']),
        # In a list.
        ('[{"a":1},]', [1], [","]),
        ('[,{"a":1},,{"a":2}]', [2, 4], [",", ","]),
        ('[{"a":1}{"a":2}]', [2], ['{"a":1}']),
        ('[{"a":1,{"a":2},{"a":3}]', [2, 3], ['{"a":1']),
        ('[{"a":{"b":1,{"a":2},{"a":3}]', [2, 3], ['{"a":{"b":1']),
        ('["a":1,"b":{"c":[{},{}]}},{"a":2}]', [2], ['"a":1,"b":{"c":[{},{}]}}']),
        ('[{"a":1]},{"a":2}]', [2], ['{"a":1]}']),
        ('{"data":[{"a":1],"b":2},{"a":3}],"has_more":false}', [2], ['{"a":1],"b":2}']),
        ('[\n  {"a":"x},\n  {"a":"y"}\n]', [2], ['{"a":"x}']),
        ('[{"a":"x\n"},{"a":2}]', [2], ['{"a":"x\n"}']),
        ('[\n{"a":"x\ny","b":[1]},\n{"a":2}\n]', [2], ['{"a":"x\ny","b":[1]}']),
        ('[{"a":}},{"a":2}]', [2], ['{"a":}}']),
        ('[{"a":1},[{"a":2}],{"a":3}]', [1, 3], ['[{"a":2}]']),
        # An envelope.
        ('{"data":[{"a":1}]} x\n{"a":2}', [1, 3], ["x"]),
        ('{"data":[{"a":1}],"total":tru}\n{"a":2}', [1, 3], ["tru}"]),
        ('{"data":[{"a":1}] "total":1}\n{"a":2}', [1, 3], ['"total":1}']),
        ('{"data":[{"a":1}],}', [1], ["}"]),
    ],
)
def test_where_reading_goes_on(text, numbers, texts, chunk):
    records = read(text.encode(), chunk)
    assert [record.number for record in records if isinstance(record, Record)] == numbers
    assert [record.text for record in bad(records)] == texts


@chunks
@pytest.mark.parametrize(
    ("text", "count", "rest", "reason"),
    [
        ('[{"a":1},{"a":2},{"a":', 2, '{"a":', "ends in the middle of a record"),
        ('[{"a":1},{"a":"x', 1, '{"a":"x', "ends in the middle of a record"),
        ('[{"a":1},{"a":"\\ud8', 1, '{"a":"\\ud8', "ends in the middle of a record"),
        ('[{"a":1},{"a":fal', 1, '{"a":fal', "ends in the middle of a record"),
        ('{"a":1}\n{"a":-', 1, '{"a":-', "ends in the middle of a record"),
        ('{"a":1}\n{"a":[1,\n', 1, '{"a":[1,', "ends in the middle of a record"),
        ('{"data":[{"a":1},{"a":1e', 1, '{"a":1e', "ends in the middle of a record"),
        ('{"a":1}{', 1, "{", "ends in the middle of a record"),
        ('{\n  "a": {\n    "b": 1', 0, '{\n  "a": {\n    "b": 1', "ends in the middle of a record"),
        ('[{"a":1}', 1, "", "ends before its list"),
        ('[{"a":1},', 1, "", "ends before its list"),
        ("[", 0, "", "ends before its list"),
        ('{"data":[{"a":1},', 1, "", "ends before its list"),
        ('{"data":[{"a":1}]', 1, "", "ends before the object around"),
        ('{"data":[{"a":1}],"has_more"', 1, "", "ends before the object around"),
        ('[{"a":1},{"b":"x},{"c":"y"}]', 1, '{"b":"x},{"c":"y"}]', "isn't closed before the end of the file"),
    ],
)
def test_truncated(text, count, rest, reason, chunk):
    records = read(text.encode(), chunk)
    assert good(records) == [{"a": number} for number in range(1, count + 1)]
    (last,) = bad(records)
    assert records[-1] is last
    assert last.text == rest
    assert reason in last.reason


@chunks
@pytest.mark.parametrize("item", ["1", "-1.5", '"x"', "null", "true", "[]"])
def test_record_that_is_no_object(item, chunk):
    (record,) = read(as_list([item]).encode(), chunk)
    assert isinstance(record, BadRecord)
    assert record.path == "$"
    assert "must be a JSON object" in record.reason


def test_reason_says_what_and_where():
    records = read(b'{"a":{"b":[1,NaN]}}\n{"a":\n  oops}\n{"a":1,"a":2}')
    assert [(record.path, record.reason) for record in bad(records)] == [
        ("$.a.b[1]", "NaN is not a JSON number. Write a number or null."),
        ("$", "Expected a value, but found 'oops' (line 2, column 3)."),
        ("$.a", "The key 'a' is given twice in one object. Keep one of them."),
    ]


@chunks
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "large",
    [
        '{"a":"' + "x" * 10_000 + '"}',
        '{"a":[' + '{"b":"]}"},' * 2000 + "{}]}",
        '{"a":[' + "1," * 9000 + "oops" + ",1" * 9000 + "]}",
        '{"a":' + " " * 30_000 + "1}",
    ],
)
def test_large_record_costs_no_other(large, shape, chunk):
    if chunk == 1:
        chunk = 100
    records = read(shape(['{"a":1}', large, '{"a":2}']).encode(), chunk, limit=8000)
    assert good(records) == [{"a": 1}, {"a": 2}]
    (record,) = bad(records)
    assert (record.number, record.path, record.text) == (2, "$", large[:1000])
    assert "longer than 8,000 characters" in record.reason


def test_limit_is_what_may_be():
    assert len(good(read(b'[{"a":12},{"a":123}]', limit=8))) == 1
    assert RECORD_LIMIT == 32 * 2**20


class Endless(io.BytesIO):
    """A stream of `size` bytes made as they are read: `head`, then `body` over and over, then `tail`."""

    def __init__(self, size: int, head: bytes, body: bytes, tail: bytes) -> None:
        super().__init__()
        parts = chain([head], repeat(body, (size - len(head) - len(tail)) // len(body)), [tail])
        self._parts: Iterator[bytes] = parts
        self._body = len(body)

    def read(self, size: int | None = -1) -> bytes:
        return b"".join(islice(self._parts, max(1, (size or 1) // self._body)))


NOTE = b"x" * 300
RECORD = b'{"id":"c1","note":"' + NOTE + b'","balances":{"a":{"granted":1.5,"rows":[{"usage":7},{}]}}}'
STREAMS = {
    "list": (b"[", RECORD + b",", RECORD + b"]"),
    "envelope": (b'{"data":[', RECORD + b",", RECORD + b"]}"),
    "lines": (b"", RECORD + b"\n", b""),
    "bad lines": (b"", RECORD[:-1] + b"\n", b""),
    "large string": (b'{"a":"', b"x" * 1000, b'"}\n{"a":1}'),
    "large list": (b'[{"a":[1', b',{"b":"' + NOTE + b'"}', b']},{"a":1}]'),
    "not closed": (b'{"a":[', b'{"b":"' + NOTE + b'"},\n', b""),
    "brackets": (b"", b'["' + NOTE + b'",', b""),
    "garbage": (b"", b"x, y\n" * 100, b'{"a":1}'),
    "space": (b'[{"a":1},', b" " * 1000, b'{"a":1}]'),
}


def peak(size: int, parts: tuple[bytes, bytes, bytes], limit: int) -> int:
    """The most memory, in bytes, that was held while a stream of `size` bytes was read."""
    # Garbage would come and go as it pleases: all that other tests left is put aside, and the rest collected at once.
    rarely = gc.get_threshold()
    gc.freeze()
    gc.collect()
    gc.set_threshold(50, 2, 2)
    tracemalloc.start()
    try:
        for _ in read_records(Endless(size, *parts), limit):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*rarely)


@pytest.mark.parametrize("parts", STREAMS.values(), ids=STREAMS)
def test_memory_does_not_grow(parts, monkeypatch):
    monkeypatch.setattr("customers.ingest.reader.inputs._CHUNK", 4096)
    assert peak(200_000, parts, 5000) < peak(50_000, parts, 5000) * 1.3 + 20_000


@pytest.mark.soak
@pytest.mark.parametrize("name", ["list", "envelope", "lines", "large string", "large list"])
def test_memory_does_not_grow_with_a_large_file(name):
    parts = STREAMS[name]
    assert peak(60_000_000, parts, 500_000) < peak(6_000_000, parts, 500_000) * 1.3 + 1_000_000


@pytest.mark.soak
def test_record_beyond_the_usual_limit():
    stream = Endless(100_000_000, b'{"a":1}\n{"a":"', b"x" * 1000, b'"}\n{"a":2}')
    assert [len(record.text) for record in read_records(stream)] == [7, 1000, 7]


tokens = st.sampled_from([bytes([code]) for code in b'{}[]:,"\\ \n\r\t-1\x00\xff']) | st.sampled_from(
    (
        *(b"true", b"nul", b"NaN", b"1e5", b"\\u0000", b"\\ud83d", b'"a"', b"\n  {", b"[[[[" * 300),
        *(b'"data":', b'"id":', b'{"a":1}', b'{"a":"x"},\n', b'\n{"a":[', b'{"data":[', b"\xc3\xa9"),
        *(b"\xef\xbb\xbf", b'{"record":1,"path":"$","reason":"x","text":'),
    )
)


def outcome(data: bytes, chunk: int) -> object:
    try:
        return read(data, chunk)
    except Unreadable as unreadable:
        return str(unreadable)


@given(st.lists(tokens, max_size=30).map(b"".join) | st.binary(max_size=60), st.sampled_from(CHUNKS))
def test_any_bytes_read_the_same_in_any_chunks(data, chunk):
    records = outcome(data, CHUNKS[-1])
    assert outcome(data, chunk) == records
    if isinstance(records, list):
        assert [record.number for record in records] == list(range(1, len(records) + 1))
        for record in records:
            record.text.encode()


@given(st.binary(max_size=60))
def test_any_bytes_in_gzip(data):
    assert outcome(gzip.decompress(gzip.compress(data, mtime=0)), CHUNKS[-1]) == outcome(data, CHUNKS[-1])
