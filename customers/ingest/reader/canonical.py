"""One spelling for each JSON value, so that equal values have equal digests."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_KEPT = frozenset({str, bool, type(None)})
_WHOLE = range(-(2**63), 2**63)
_encoder = msgspec.json.Encoder(order="deterministic", decimal_format="number")


def canonical(value: object) -> bytes:
    """`value` as JSON without spaces, with sorted keys and one spelling for each number.

    `20`, `20.0` and `2e1` are the same number, as an int, Decimal or float; `true` is not `1`; the order of a
    list matters. Raises `ValueError` for a number that is not finite.
    """
    return _encoder.encode(_normal(value))


def _normal(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: item if type(item) in _KEPT else _normal(item) for key, item in value.items()}
    if kind is list:
        return [_normal(item) for item in value]
    if kind is int:
        return value if value in _WHOLE else _normal_number(Decimal(value))
    if kind is float:
        return _normal_number(Decimal(repr(value)))
    if isinstance(value, Decimal):
        return _normal_number(value)
    # Subclasses of texts and numbers, such as a link, are written as the text or number.
    for plain in (str, int):
        if kind not in _KEPT and isinstance(value, plain):
            return _normal(plain(value))
    return value


def _normal_number(number: Decimal) -> int | Decimal:
    if not number.is_finite():
        raise ValueError(f"{number} is not a JSON number.")
    if not number:
        return 0
    if number.adjusted() < 19 and number == number.to_integral_value():
        whole = int(number)
        if whole in _WHOLE:
            return whole
    sign, digits, exponent = number.as_tuple()
    kept = len(digits)
    while digits[kept - 1] == 0:
        kept -= 1
    return Decimal((sign, digits[:kept], int(exponent) + len(digits) - kept))
