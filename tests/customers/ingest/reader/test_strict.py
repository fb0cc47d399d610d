"""One strict JSON value: what is read, what is refused, and where the problem is said to be."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.ingest.reader import MAX_DEPTH, read_value
from customers.json_types import Refused
from tests.customers.ingest.reader.inputs import values, with_floats


def refusal(text: str | bytes) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        read_value(text)
    return caught.value.path, caught.value.reason


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, "b", true, false, null]}', {"a": [1, "b", True, False, None]}),
        (" 5 ", 5),
        ('"x"', "x"),
        ("[]", []),
        (b'{"a":"\xc3\xa9"}', {"a": "é"}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        ("\ufeff1", 1),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\\\ud800"', "\\ud800"),
        ('"\\\\u0000"', "\\u0000"),
        ('"\\u0001\x7f"', "\x01\x7f"),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("-0", 0),
        ('{"":{"":1}}', {"": {"": 1}}),
        ('{"a":{"id":1},"b":{"id":1}}', {"a": {"id": 1}, "b": {"id": 1}}),
    ],
)
def test_reads(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("19.90", "19.90"),
        ("20.0", "20.0"),
        ("2e1", "2E+1"),
        ("-0.0", "-0.0"),
        ("0e400", "0E+400"),
        ("1.7976931348623157e308", "1.7976931348623157E+308"),
        ("5e-324", "5E-324"),
        ("0.1234567890123456789012345678901234567890", "0.1234567890123456789012345678901234567890"),
    ],
)
def test_fractions_and_exponents_are_exact_decimals(text, number):
    value = read_value(text)
    assert isinstance(value, Decimal)
    assert str(value) == number


def test_integers_are_ints():
    assert type(read_value("20")) is int
    assert type(read_value("true")) is bool


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ('{"a":{"b":[0,0,0,NaN]}}', "$.a.b[3]", "NaN is not a JSON number"),
        ('{"a":Infinity}', "$.a", "Infinity is not"),
        ('[1,-Infinity,"]"]', "$[1]", "-Infinity is not"),
        ('{"a":1,"b":{"id":1,"x":2,"id":1}}', "$.b.id", "'id' is given twice"),
        ('{"odd key":{"x":1,"x":2}}', "$['odd key'].x", "twice"),
        ('{"a":1,"\\u0061":2}', "$.a", "twice"),
        ('{"it\'s":NaN}', "$['it\\'s']", "NaN"),
        ('{"back\\\\slash":NaN}', "$['back\\\\slash']", "NaN"),
        ('{"":NaN}', "$['']", "NaN"),
        ('{"é":NaN}', "$['é']", "NaN"),
        ('{"1a":NaN}', "$['1a']", "NaN"),
        ('{"tab\\t":NaN}', "$['tab\\u0009']", "NaN"),
        ('{"' + "k" * 1000 + '":NaN}', "$['" + "k" * 39 + "…']", "NaN"),
        ('{"a":["\\ud800"]}', "$.a[0]", "half a surrogate pair (\\ud800)"),
        ('{"a":"\\ude00\\ud83d"}', "$.a", "half a surrogate pair (\\ude00)"),
        ('{"a":"\\\\ud83d\\ude00"}', "$.a", "half a surrogate pair (\\ude00)"),
        ('{"a":{"\\uDFFF":1}}', "$.a", "A key contains half a surrogate pair"),
        ('{"a":"x\\u0000"}', "$.a", "NUL"),
        ('{"a":"x\0"}', "$.a", "NUL"),
        ('{"b":{"\\u0000":1}}', "$.b", "A key contains a NUL"),
        ('{"b":{"a\0":1}}', "$.b", "A key contains a NUL"),
        ('{"a":"x\x01"}', "$.a", "U+0001"),
        ('{"a":"x\ty"}', "$.a", "U+0009"),
        ('{"a":9223372036854775808}', "$.a", "9223372036854775808 needs more than 64 bits"),
        ("[-9223372036854775809]", "$[0]", "64 bits"),
        ("[" + "9" * 5000 + "]", "$[0]", "64 bits"),
        ('{"a":1e400}', "$.a", "1e400 is out of range"),
        ('{"a":-1.0E999999999}', "$.a", "out of range"),
        ('{"a":1e-999999999}', "$.a", "out of range"),
        ('{"a":1e-400}', "$.a", "out of range"),
        ('{"a":0e999999999}', "$.a", "out of range"),
        ('{"a":1e' + "9" * 10_000 + "}", "$.a", "out of range"),
        ('{"a":0.' + "1" * 400 + "}", "$.a", "out of range"),
        ('{"a":' + "9" * 350 + ".5}", "$.a", "out of range"),
        (b'{"a":{"b":"\xff"}}', "$.a.b", "not UTF-8"),
        (b'{"a":{"\xff":1}}', "$.a", "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "$.a", "not UTF-8"),
        (b'{"a":\xe9}', "$.a", "not UTF-8"),
        (b"\xff", "$", "not UTF-8"),
        ('{"a":"\udc80"}', "$.a", "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "$", "UTF-16"),
        ('{"a":1}'.encode("utf-16-le"), "$", "UTF-16"),
        ('{"a":1}'.encode("utf-16-be"), "$", "UTF-16"),
        ('{"a":1}'.encode("utf-32"), "$", "UTF-32"),
        ("", "$", "empty"),
        (" \n", "$", "empty"),
        ('{"a":1', "$", "ends in the middle. Expected ',' or '}' (line 1, column 7)"),
        ('{"a":"x', "$", "A string begins here and is not closed (line 1, column 6)"),
        ('{"a":"x\n"}', "$", "not closed before its line ends (line 1, column 8)"),
        ('{"a":1,}', "$", "Expected a key in double quotes, but found '}' (line 1, column 8)"),
        ("[1,]", "$", "Expected a value, but found ']' (line 1, column 4)"),
        ('{"a":1}\n\n  x', "$", "Expected nothing after the value, but found 'x' (line 3, column 3)"),
        ('{"a":1}{"a":1}', "$", "Expected nothing after the value"),
        ('{\n "a": tru\n}', "$", "Expected a value, but found 'tru' (line 2, column 7)"),
        ("{'a':1}", "$", "Expected a key in double quotes, but found '\\'' (line 1, column 2)"),
        ('{"a" 1}', "$", "Expected ':' after a key, but found '1'"),
        ('{"a":1 "b":2}', "$", "Expected ',' or '}', but found '\"'"),
        ('{"a":01}', "$", "Expected ',' or '}', but found '1'"),
        ('{"a":+1}', "$", "found '+'"),
        ('{"a":1.}', "$", "found '.'"),
        ('{"a":.5}', "$", "found '.'"),
        ('{"a":0x1f}', "$", "found 'x'"),
        ('{"a":"\\x41"}', "$", "not followed by a valid JSON escape (line 1, column 7)"),
        ('{"a":"\\u12"}', "$", "not followed by a valid JSON escape"),
        ("// note\n1", "$", "JSON has no comments. Remove them (line 1, column 1)."),
        ("[1, # note\n2]", "$", "JSON has no comments. Remove them (line 1, column 5)."),
        ("\x0c1", "$", "found '\\u000c'"),
        ("\u00a01", "$", "found '\\u00a0'"),
        ("undefined", "$", "Expected a JSON value, but found 'undefined'"),
    ],
)
def test_refuses(text, path, reason):
    found_path, found_reason = refusal(text)
    assert found_path == path
    assert reason in found_reason
    assert len(found_reason) < 200
    assert found_reason.endswith(".")


@pytest.mark.parametrize("brackets", ["[]", '{"a":}'])
def test_nesting_is_bounded(brackets):
    opening, closing = brackets[:-1], brackets[-1]
    step = "[0]" if opening == "[" else ".a"
    inner = "" if opening == "[" else "1"
    read_value(opening * MAX_DEPTH + inner + closing * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 100, 100_000):
        path, reason = refusal(opening * depth + inner + closing * depth)
        assert path == "$" + step * MAX_DEPTH
        assert "64 levels" in reason


def test_many_brackets_side_by_side_are_not_nested():
    assert read_value("[" + ",".join(["{}"] * 1000) + "]") == [{}] * 1000


def test_brackets_in_strings_are_not_nested():
    assert read_value(json.dumps(["[{" * 100])) == ["[{" * 100]


def test_first_problem_is_reported():
    assert refusal('{"a":NaN,"b":NaN,"c":tru')[0] == "$.a"


@given(values, st.sampled_from([None, 0, 2]), st.booleans())
def test_reads_what_json_writes(value, indent, ensure_ascii):
    text = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)
    assert with_floats(read_value(text)) == value
    assert with_floats(read_value(text.encode())) == value


pieces = st.sampled_from('{}[]:,"\\- \n\0\udcffé') | st.sampled_from(
    (
        *('"a"', '"b"', "1", "1.5", "1e5", "e999", "9" * 19, "true", "nul", "NaN", "[[" * 20),
        *("\\u0000", "\\ud800", "\\udc00", "\\u005c", '{"a":', '{"a":1}'),
    )
)


@given(st.lists(pieces, max_size=25).map("".join))
def test_agrees_with_a_reader_that_accepts_more(text):
    """Whatever is read is what the standard library reads; whatever it cannot read is refused."""
    try:
        expected = json.loads(text)
    except (ValueError, RecursionError):
        refusal(text)
        return
    try:
        value = read_value(text)
    except Refused:
        return
    assert with_floats(value) == expected


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(Refused):
        read_value(data)
