"""Money: the digits, the rounding and the display of an amount live here and nowhere else.

A billed amount is a whole number of its currency's minor units (cents, yen, fils) beside an ISO 4217 code.
Every function takes a code in any case and raises `ValueError`, with a sentence for a person, for one that
is not a currency.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, localcontext

from babel.numbers import format_decimal, get_currency_symbol, list_currencies

#: Minor units are held in 64 bits.
LARGEST_MINOR = 2**63 - 1

# Withdrawn currencies stay known: their invoices do not go away.
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
_NOT_MONEY = "XAG XAU XBA XBB XBC XBD XDR XEU XFO XFU XPD XPT XRE XSU XTS XUA XXX"  # metals, funds, tests
_KNOWN = frozenset(code for code in list_currencies() if code not in _NOT_MONEY)
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


def known_code(currency: str) -> str:
    """The ISO 4217 code in capitals."""
    code = currency.upper()
    if code not in _KNOWN:
        raise ValueError(f"{currency[:10]!r} is not a currency: expected an ISO 4217 code such as USD")
    return code


def is_known(currency: str) -> bool:
    """Whether `currency` is the code of a currency that bills can be written in."""
    return currency.upper() in _KNOWN


def digits(currency: str) -> int:
    """How many decimals ISO 4217 gives the currency: 2 for USD, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(known_code(currency), _USUAL_DIGITS)


def to_minor(amount: Decimal, currency: str) -> int:
    """`amount` (in major units) as minor units, exactly.

    Raises `ValueError` if it has more digits than the currency has, or does not fit.
    """
    with localcontext(_EXACT) as exact:
        exact.traps[Inexact] = True
        minor = amount.scaleb(digits(currency))
        if minor != minor.to_integral_value():
            raise ValueError(_too_many_digits(amount, currency))
    return _bounded(int(minor))


def round_to_minor(amount: Decimal, currency: str) -> int:
    """`amount` (in major units) as minor units, a half going to the even neighbour."""
    with localcontext(_EXACT):
        return _bounded(int(amount.scaleb(digits(currency)).to_integral_value(ROUND_HALF_EVEN)))


def from_minor(minor: int, currency: str) -> Decimal:
    """The amount in major units, with all the decimals of its currency."""
    return Decimal(minor).scaleb(-digits(currency), _EXACT)


def display(minor: int, currency: str) -> str:
    """The amount for a person: `$2,499.95`, `¥1,200`, `KWD 14.700`."""
    return _display(from_minor(minor, currency), currency, digits(currency))


def display_exact(amount: Decimal, currency: str) -> str:
    """`amount` (in major units) for a person, with the decimals of its currency and as many more as it has: `$0.002`."""
    has = max(0, -int(amount.normalize().as_tuple().exponent))
    return _display(amount, currency, max(digits(currency), has))


def _bounded(minor: int) -> int:
    if abs(minor) > LARGEST_MINOR:
        raise ValueError("The amount is too large")
    return minor


def _too_many_digits(amount: Decimal, currency: str) -> str:
    count = digits(currency)
    allowed = {0: "no decimals", 1: "1 decimal"}.get(count, f"{count} decimals")
    return f"{amount.normalize():f} has more digits than the currency: {known_code(currency)} has {allowed}"


def _display(amount: Decimal, currency: str, decimals: int) -> str:
    code = known_code(currency)
    symbol = get_currency_symbol(code, locale="en_US")
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    figure = format_decimal(abs(amount), format=pattern, locale="en_US", decimal_quantization=False)
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{' ' if symbol[-1].isalpha() else ''}{figure}"
