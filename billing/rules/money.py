"""Money: the only place that knows how many digits a currency has and how amounts are rounded.

A billed amount is a whole number of its currency's minor units (cents, yen, fils) beside an ISO 4217 code. Every
function takes a code in any case, and raises `ValueError` with a sentence for a person if it is not a currency.
`billing.formats.money` shows amounts.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, localcontext

from customers.readings.currencies import CURRENCIES

#: Minor units are stored in 64 bits.
LARGEST_MINOR = 2**63 - 1

# Withdrawn currencies stay known, because invoices in them still exist.
_DIGITS = {
    code: count
    for count, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (0, "ADP BEF BYB BYR ESP GRD ITL LUF MGF PTE TPE TRL"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    )
    for code in codes.split()
}
_USUAL_DIGITS = 2
# Less precise than `billing.rules.exact.EXACT`, so that the last digit of a quotient from there can't decide rounding.
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def known_code(currency: str) -> str:
    """The ISO 4217 code in capitals. Raises `ValueError` if it is not a currency."""
    code = currency.upper()
    if code not in CURRENCIES:
        raise ValueError(f"{currency[:10]!r} is not a currency: expected an ISO 4217 code such as USD")
    return code


def is_known(currency: str) -> bool:
    """Whether `currency` is the code of a currency that invoices can be in."""
    return currency.upper() in CURRENCIES


def digits(currency: str) -> int:
    """The decimals of the currency by ISO 4217: 2 for USD, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(known_code(currency), _USUAL_DIGITS)


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` (in major units) in minor units, exactly.

    Raises `ValueError` if it has more decimals than the currency, or does not fit into 64 bits.
    """
    with localcontext(_CONTEXT) as exact:
        exact.traps[Inexact] = True
        minor = amount.scaleb(digits(currency))
        if minor != minor.to_integral_value():
            raise ValueError(_too_many_digits(amount, currency))
    return _bounded(int(minor))


def round_to_minor(amount: Decimal, currency: str) -> int:
    """`amount` (in major units) in minor units, rounded half-even."""
    with localcontext(_CONTEXT):
        return _bounded(int(amount.scaleb(digits(currency)).to_integral_value(ROUND_HALF_EVEN)))


def from_minor(minor: int, currency: str) -> Decimal:
    """The amount in major units, with all the decimals of its currency."""
    return Decimal(minor).scaleb(-digits(currency), _CONTEXT)


def _bounded(minor: int) -> int:
    if abs(minor) > LARGEST_MINOR:
        raise ValueError("The amount is too large")
    return minor


def _too_many_digits(amount: Decimal, currency: str) -> str:
    count = digits(currency)
    allowed = {0: "no decimals", 1: "1 decimal"}.get(count, f"{count} decimals")
    return f"{amount.normalize():f} has more digits than the currency: {known_code(currency)} has {allowed}"
