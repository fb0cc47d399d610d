"""A refused record's line in the errors file, and its way back."""

import json
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from customers.ingest.reader import BadRecord, Record, error_line, read_value
from customers.json_types import Refused
from tests.customers.ingest.reader.inputs import documents, good, read, spelled


def test_line_holds_the_document_as_spelled():
    line = error_line(BadRecord(7, "$.a", "No.", ' {"a": 1.50,\r\n "b":"x\\ny"} '))
    assert line == b'{"record":7,"path":"$.a","reason":"No.","document":{"a": 1.50,   "b":"x\\ny"}}\n'


def test_line_holds_the_text_where_it_is_not_strict_json():
    line = error_line(BadRecord(7, "$", "Naïve.", '{"a": "x\ty'))
    assert json.loads(line) == {"record": 7, "path": "$", "reason": "Naïve.", "text": '{"a": "x\ty'}
    assert line.count(b"\n") == 1


def test_line_of_a_text_that_cannot_be_encoded():
    assert json.loads(error_line(BadRecord(1, "$", "No.", "\udcff")))["text"] == "\ufffd"


def test_document_comes_back_as_the_record():
    text = '{"id": "c1", "amount": 1.50}'
    line = error_line(BadRecord(7, "$.amount", "No.", text))
    assert read(b'{"id":"c0"}\n' + line) == [
        Record(1, '{"id":"c0"}', {"id": "c0"}),
        Record(2, text, {"id": "c1", "amount": Decimal("1.50")}),
    ]


def test_text_comes_back_as_the_record_when_mended():
    line = error_line(BadRecord(7, "$", "No.", '{"a": NaN}'))
    assert read(line) == [
        BadRecord(1, "$.a", "NaN is not a JSON number. Write a number or null.", '{"a": NaN}')
    ]
    assert read(line.replace(b"NaN", b"5")) == [Record(1, '{"a": 5}', {"a": 5})]


def test_document_mended_wrongly_is_refused_and_can_be_mended_again():
    line = error_line(BadRecord(7, "$.a", "No.", '{"a": 1}')).replace(b'{"a": 1}', b'{"a": oops}')
    (first,) = read(line)
    assert isinstance(first, BadRecord)
    assert "oops" in first.reason
    again = error_line(first)
    assert json.loads(again)["text"] == line.decode().strip()
    assert good(read(again.replace(b"oops", b"2"))) == [{"a": 2}]


def test_document_mended_into_a_refused_value_keeps_its_place():
    line = b'{"record":1,"path":"$","reason":"No.","document":{"a":{"b":1,"b":2}}}'
    (record,) = read(line)
    assert isinstance(record, BadRecord)
    assert (record.path, record.text) == ("$.a.b", '{"a":{"b":1,"b":2}}')


def test_deepest_document_fits_into_a_line():
    text = '{"a":' * 64 + "1" + "}" * 64
    line = error_line(BadRecord(1, "$", "No.", text))
    assert b'"document"' in line
    assert [record.text for record in read(line)] == [text]


@pytest.mark.parametrize(
    "text",
    [
        '{"record":1,"path":"$","reason":"x","document":{"a":1}}',
        '{"document":{"a":1},"reason":"x","path":"$","record":1}',
        '{"record":1,"path":"$","reason":"x","document":\n {"a":1}\n}',
        '{"record":1,"path":"$","reason":"x","text":"{\\"a\\":1}"}',
        '{"record":1,"path":"$","reason":"x","document":{"record":1,"path":"$","reason":"x","text":"{\\"a\\":1}"}}',
        '[{"record":1,"path":"$","reason":"x","document":{"a":1}}]',
    ],
)
def test_lines_that_are_unwrapped(text):
    assert read(text.encode()) == [Record(1, '{"a":1}', {"a": 1})]


@pytest.mark.parametrize(
    "text",
    [
        '{"record":1,"path":"$","reason":"x","document":{},"id":1}',
        '{"record":1,"path":"$","reason":"x"}',
        '{"record":1,"path":"$","reason":"x","text":{"a":1}}',
    ],
)
def test_records_that_only_look_like_such_a_line(text):
    assert read(text.encode()) == [Record(1, text, read_value(text))]


def test_line_with_a_key_twice_is_refused_as_it_is():
    text = '{"record":1,"path":"$","reason":"x","document":{"a":1},"document":{"a":2}}'
    (record,) = read(text.encode())
    assert isinstance(record, BadRecord)
    assert (record.path, record.text) == ("$.document", text)


@given(documents, st.sampled_from([None, 2]))
def test_any_document_comes_back(document, indent):
    text = spelled(document, indent)
    (record,) = read(error_line(BadRecord(3, "$", "No.", text)))
    assert isinstance(record, Record)
    assert record.value == read_value(text)
    assert record.text == text.replace("\n", " ")


@given(st.text(max_size=40) | documents.map(lambda document: spelled(document)[:-1]))
def test_any_text_comes_back(text):
    assume(not text.startswith("\ufeff"))
    (first,) = read(b'{"a":1} ' + error_line(BadRecord(3, "$.x", "No.", text)))[1:]
    try:
        value = read_value(text)
    except Refused as refused:
        expected: object = BadRecord(2, refused.path, refused.reason, text)
    else:
        assume(isinstance(value, dict))
        expected = Record(2, text, value)
    assert first == expected
