"""Find full card and account numbers, so that a record with one is refused and never stored.

The rules, from the strictest to the most lenient:

- Inside a payment method, no key may hold a card or account number or a card's secret (`number`, `pan`,
  `cvc`, `iban`, `account_number` and the like, in any spelling), unless it is empty.
- Inside a payment method, no text or number may contain 13 to 19 digits that pass the Luhn check, with or
  without spaces and dashes between them. Digits that begin with 0 or 1 are accepted: no payment card begins
  with them, but times in milliseconds do.
- Everywhere else, and in the IDs and phone numbers of a payment method, the digits are refused only if an
  issuer also has cards with these first digits and this length. Outside a payment method, IDs, times,
  registration numbers and tax numbers are not checked; phone numbers that begin with `+` or `00` are not
  checked anywhere.
- No text may be, as a whole, a valid IBAN.

Digits next to a letter are part of a token and are accepted. One number in ten passes the Luhn check by
chance, so about one in ten 16-digit numbers that only begin like a card number is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import TypeAlias

from stdnum import iban, luhn

from customers.json_types import Refused, within

_Steps: TypeAlias = tuple[str | int, ...]

_METHOD_KEYS = frozenset({"paymentmethod", "paymentmethods"})
_FORBIDDEN_KEYS = frozenset(
    {
        *("number", "cardnumber", "cardno", "ccnumber", "creditcardnumber", "debitcardnumber", "fullnumber"),
        *("pan", "cardpan", "fullpan", "primaryaccountnumber"),
        *("cvc", "cvc2", "cvv", "cvv2", "csc", "securitycode", "cardsecuritycode", "cardcode"),
        *(
            "iban",
            "accountnumber",
            "accountno",
            "acctnumber",
            "acctno",
            "bankaccountnumber",
            "fullaccountnumber",
        ),
        *("track1", "track2", "trackdata", "magstripe", "pin", "pinblock"),
    }
)
_ID_KEYS = frozenset({"id", "paymentmethod", "companynumber", "taxidentifier"})
_ID_OR_TIME_ENDING = re.compile(r"(?:_id|_at|[a-z]Id|[a-z]At|ID)$")

_SEPARATOR = r"[ \u00a0\u2009\u202f\u2010-\u2015-]"
_DIGIT_RUN = re.compile(rf"(?<![A-Za-z0-9])[0-9](?:{_SEPARATOR}{{0,3}}[0-9]){{12,}}(?![A-Za-z0-9])")
_INTERNATIONAL_PHONE = re.compile(r"\s*(?:\+|00)")
_IBAN_SHAPE = re.compile(r"\s*[A-Za-z]{2}[0-9]{2}(?:[ .-]?[A-Za-z0-9]){11,30}\s*")
_SHORTEST, _LONGEST = 13, 19
_SMALLEST, _BEYOND = 10 ** (_SHORTEST - 1), 10**_LONGEST
_GROUPINGS = ((4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3))

#: The lengths of card numbers, each with the first digits of the issuers that use them.
_ISSUERS = (
    ((14,), (range(36, 37), range(38, 40), range(300, 306))),
    ((15,), (range(34, 35), range(37, 38))),
    (
        (16,),
        (
            *(range(51, 56), range(60, 61), range(81, 83)),
            *(range(644, 660), range(2200, 2205), range(2221, 2721), range(3528, 3590), range(9792, 9793)),
        ),
    ),
    ((16, 18, 19), (range(50, 51), range(56, 59), range(63, 64), range(67, 68))),
    ((16, 17, 18, 19), (range(4, 5), range(62, 63))),
)

_ADVICE = (
    "Full card and account numbers are never stored. Remove it, and send the last four digits of the card or"
    " account number as last4."
)


def refuse_account_numbers(value: object) -> None:
    """Raise `Refused` if the record `value` has a card or account number.

    The refusal is marked secret, and its reason does not repeat the number.
    """
    _look_into(value, (), "", is_method=False)


def _look_into(value: object, steps: _Steps, key: str, *, is_method: bool) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            if len(name) >= _SHORTEST and _has_card_number(name, is_strict=False):
                raise _refusal(steps, "The name of a key here looks like a card number.")
            plain = _plain(name)
            if is_method and plain in _FORBIDDEN_KEYS and item not in (None, ""):
                raise _refusal((*steps, name), "A payment method must not have this key.")
            _look_into(item, (*steps, name), name, is_method=is_method or plain in _METHOD_KEYS)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _look_into(item, (*steps, index), key, is_method=is_method)
    elif isinstance(value, str):
        _look_at_text(value, steps, key, is_method=is_method)
    elif isinstance(value, int | float | Decimal) and _SMALLEST <= value < _BEYOND:
        _look_at_text(str(int(value)), steps, key, is_method=is_method)


def _look_at_text(text: str, steps: _Steps, key: str, *, is_method: bool) -> None:
    if len(text) < _SHORTEST:
        return
    is_phone = "phone" in key.lower()
    is_id = _plain(key) in _ID_KEYS or _ID_OR_TIME_ENDING.search(key) is not None
    if is_phone and _INTERNATIONAL_PHONE.match(text):
        return
    if (is_method or not is_id) and _has_card_number(
        text, is_strict=is_method and not is_id and not is_phone
    ):
        raise _refusal(steps, "This looks like a full card number.")
    if _IBAN_SHAPE.fullmatch(text) and iban.is_valid(text, check_country=False):
        raise _refusal(steps, "This is a bank account number (IBAN).")


def _refusal(steps: _Steps, reason: str) -> Refused:
    return Refused(within("$", *steps), f"{reason} {_ADVICE}", is_secret=True)


def _has_card_number(text: str, *, is_strict: bool) -> bool:
    return any(
        luhn.is_valid(digits) and (digits[0] not in "01" if is_strict else _is_of_an_issuer(digits))
        for digits in _candidates(text)
    )


def _candidates(text: str) -> Iterator[str]:
    """Every run of 13 to 19 digits, however it is separated, and every part of a run that is grouped like a card."""
    for run in _DIGIT_RUN.finditer(text):
        groups = re.findall("[0-9]+", run[0])
        sizes = tuple(len(group) for group in groups)
        whole = "".join(groups)
        if _SHORTEST <= len(whole) <= _LONGEST and text[: run.start()][-1:] != "+":
            yield whole
        for start, size in enumerate(sizes):
            if _SHORTEST <= size <= _LONGEST:
                yield groups[start]
            for grouping in _GROUPINGS:
                if sizes[start : start + len(grouping)] == grouping:
                    yield "".join(groups[start : start + len(grouping)])


def _is_of_an_issuer(digits: str) -> bool:
    return any(
        int(digits[: len(str(start[0]))]) in start
        for lengths, starts in _ISSUERS
        if len(digits) in lengths
        for start in starts
    )


@lru_cache(maxsize=4096)
def _plain(key: str) -> str:
    return "".join(character for character in key.lower() if character.isalnum())
