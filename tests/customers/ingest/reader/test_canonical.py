"""The form that digests are taken over: equal for equal values, different for different ones."""

import json
from decimal import Decimal
from http import HTTPMethod, HTTPStatus

import pytest
from hypothesis import given

from customers.ingest.reader import canonical, read_value
from tests.customers.ingest.reader.inputs import values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None, "é"]}, '{"a":[true,null,"é"],"b":1}'),
        ({"b": {"d": 1, "c": 2}}, '{"b":{"c":2,"d":1}}'),
        (Decimal("19.90"), "19.9"),
        (Decimal("-0.0"), "0"),
        (Decimal("1e300"), "1E+300"),
        (0.1, "0.1"),
        ([], "[]"),
        ([HTTPStatus.OK, HTTPMethod.GET, True], '[200,"GET",true]'),
    ],
)
def test_has_one_spelling(value, text):
    assert canonical(value).decode() == text


@pytest.mark.parametrize(
    "spellings",
    [
        ["20", "20.0", "2e1", "2.000E+1", "200e-1"],
        ["0", "-0", "0.0", "-0.0", "0e5"],
        ["0.5", "5e-1", "0.500"],
        ["9223372036854775807", "9223372036854775807.0", "922337203685477580.7e1"],
        ["9223372036854775808.0", "9.223372036854775808e18"],
        ["1e300", "10e299", "1" + "0" * 300 + ".0"],
        ["0.12345678901234567890123456789012345", "12345678901234567890123456789012345e-35"],
        ['{"a":1,"b":2}', '{ "b" : 2.0, "a" : 1 }'],
    ],
)
def test_numbers_are_the_same_in_any_spelling(spellings):
    assert len({canonical(read_value(spelling)) for spelling in spellings}) == 1


def test_different_values_differ():
    different = [1, True, "1", None, 0, False, "", [], {}, [1], [1, 2], [2, 1], Decimal("1.1"), {"a": 1}]
    different += [Decimal("0.1234567890123456789012345678901"), Decimal("0.1234567890123456789012345678902")]
    assert len({canonical(value) for value in different}) == len(different)


def test_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="not a JSON number"):
        canonical({"a": Decimal("NaN")})
    with pytest.raises(ValueError, match="not a JSON number"):
        canonical([float("inf")])


@given(values)
def test_does_not_depend_on_order_or_number_type(value):
    reordered = json.dumps(value, sort_keys=True)
    assert canonical(value) == canonical(read_value(reordered))
    assert read_value(canonical(value)) is not None or value is None


@pytest.mark.parametrize("zero", ["0", "-0", "0.0", "0E+50", "-0E-50"])
def test_every_zero_is_one_zero(zero):
    assert canonical(Decimal(zero)) == b"0"
