"""How money, quantities, intervals, statuses and the names of grants look to a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from babel.numbers import format_decimal, get_currency_symbol

from billing.models import Balance, Feature, Grant, Invoice, Rollover, Subscription
from billing.models.figures import Interval
from billing.rules.drawing import LimitReached
from billing.rules.money import digits, from_minor, known_code
from customers import clock, local_formats
from customers.formats import BAD, EMPTY, GOOD, NEWS, PLAIN, WAITING, day, number

#: The statuses of invoices on pages, each with its color.
INVOICE_STATES = {
    "Draft": PLAIN,
    "Open": NEWS,
    "Past due": BAD,
    "Paid": GOOD,
    "Void": PLAIN,
    "Uncollectible": WAITING,
}

#: The statuses of subscriptions on pages, each with its color.
SUBSCRIPTION_STATES = {
    "Active": GOOD,
    "Trial": NEWS,
    "Past due": BAD,
    "Canceling": WAITING,
    "Scheduled": NEWS,
    "Ended": PLAIN,
}


def money(minor: int, currency: str) -> str:
    """`$2,499.95`, `KWD 14.700`: an amount of minor units in its currency."""
    try:
        return _with_symbol(from_minor(minor, currency), currency, digits(currency))
    except ValueError:
        return f"{number(minor)} minor units of {currency}"


def unit_price(value: Decimal | None, currency: str) -> str:
    """`$0.002`, `$20.00`: a price in major units, with the decimals of its currency and as many more as it has."""
    if value is None:
        return EMPTY
    try:
        decimals = max(0, -int(value.normalize().as_tuple().exponent))
        return _with_symbol(value, currency, max(digits(currency), decimals))
    except ValueError:
        return f"{number(value)} {currency}"


def every(interval: str, count: int | None) -> str:
    """`month`, `3 months`; `-` for never."""
    if not interval:
        return EMPTY
    words = Interval(interval).label.lower() if interval in Interval.values else interval
    return f"{count} {words}s" if count and count > 1 else words


def quantity(amount: Decimal, feature: Feature) -> str:
    """`1 call`, `2 calls`, in the feature's own words for one and for many if it has them."""
    is_one = abs(amount) == 1
    word = feature.display_singular if is_one else feature.display_plural
    if word:
        return f"{number(amount)} {word}"
    return f"{number(amount)} unit of {feature}" if is_one else f"{number(amount)} {feature}"


def name_of_balance(balance: Balance) -> str:
    """The feature, and the merged customer that the balance came with, if any."""
    if balance.came_with is None:
        return str(balance.feature)
    return f"{balance.feature} of {balance.came_with}"


def name_of_grant(grant: Grant) -> str:
    """The plan of a grant, or the day of a standalone one."""
    if grant.plan is not None:
        return str(grant.plan)
    return f"Standalone grant of {day(grant.created_at)}"


def name_of_grant_or_rollover(row: Grant | Rollover) -> str:
    """The name of a grant, or of a rollover by the grant that it comes from."""
    if isinstance(row, Grant):
        return name_of_grant(row)
    return f"Rollover from {name_of_grant(row.grant)}" if row.grant else "Rollover"


def name_of_rollover(rollover: Rollover, made_at: datetime | None, source: str) -> str:
    """The day of a rollover, and the name of the grant that it comes from."""
    of_day = f" of {day(made_at)}" if made_at else ""
    return f"Rollover{of_day}{' from ' + source if source else ''}"


def limit_reached(stop: LimitReached, names: Mapping[str, str], features: Mapping[str, str]) -> str:
    """The limit that stopped a usage, in words. `names` are by the ID of the grant, `features` by that and by their own."""
    if stop.limit == "nothing_granted":
        return "the customer has no grant that this usage may draw from"
    if stop.limit == "no_overage":
        return "the balance is used up, and no grant allows overage"
    if stop.limit == "overage_off":
        return "the balance is used up, and overage is turned off for the customer"
    if stop.cap is not None:
        feature = features.get(stop.cap.feature_id, "the feature")
        used = f"{number(stop.cap.used)} {'is' if stop.cap.used == 1 else 'are'} used"
        name = "share" if stop.cap.is_share else "usage limit"
        return f"the {name} {'of' if stop.cap.is_share else 'on'} {feature} is {number(stop.cap.limit)} per {stop.cap.interval}, and {used}"
    name = names.get(stop.row_id or "", "a grant")
    bound = "" if stop.bound is None else f" of {number(stop.bound)}"
    if stop.limit == "max_purchase":
        return f"{name} has reached its overage limit{bound}"
    return f"{name} has reached the spend limit{bound} on {features.get(stop.row_id or '', 'the feature')}"


def _with_symbol(amount: Decimal, currency: str, decimals: int) -> str:
    code = known_code(currency)
    locale = local_formats.chosen()
    if locale:
        return local_formats.money(amount, code, decimals, locale)
    symbol = get_currency_symbol(code, locale="en_US")
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    figure = format_decimal(abs(amount), format=pattern, locale="en_US", decimal_quantization=False)
    sign = "-" if amount < 0 else ""
    return f"{sign}{symbol}{' ' if symbol[-1].isalpha() else ''}{figure}"


def invoice_state(invoice: Invoice, at: datetime | None = None) -> str:
    """The status, or `Past due` for an open invoice whose due date has passed."""
    at = at or clock.now()
    if invoice.status == Invoice.Status.OPEN and invoice.due_at is not None and invoice.due_at <= at:
        return "Past due"
    return dict(Invoice.Status.choices).get(invoice.status, invoice.status)


def subscription_state(subscription: Subscription, at: datetime | None = None) -> str:
    """The status on pages, derived from status, flags and times."""
    if subscription.status != Subscription.Status.ACTIVE:
        return subscription.get_status_display()
    if subscription.past_due:
        return "Past due"
    if subscription.canceled_at is not None:
        return "Canceling"
    if subscription.trial_ends_at is not None and subscription.trial_ends_at > (at or clock.now()):
        return "Trial"
    return "Active"
