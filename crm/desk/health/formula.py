"""What each fact is worth, and the sentence that says why.

Pure arithmetic on values: no clock, no database. Each part answers the share of its points that a customer has, from 0
to 1, or None where nothing can be said; and a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from crm.desk.health.facts import HealthFacts
from customers.formats import number

SignalScore = tuple[Fraction | None, str]

#: After so many days past due nothing is left of the points for payments.
_LATE_DAYS = 60
#: Contact within so many days is as good as today's; after so many, it is none.
_FRESH_DAYS, _COLD_DAYS = 14, 90
#: Who has been a customer for so long is not likely to leave for being new.
_SETTLED_DAYS = 730
#: Each open matter costs so much of the points.
_OPEN_COSTS = Fraction(1, 2)

_ALL, _HALF, _NONE = Fraction(1), Fraction(1, 2), Fraction(0)


def payments(facts: HealthFacts) -> SignalScore:
    """All while nothing is past due; half from the first day on, and nothing of it after `_LATE_DAYS`."""
    if facts.overdue:
        left = max(_NONE, 1 - Fraction(facts.overdue_days, _LATE_DAYS))
        late = f"the oldest for {_days(facts.overdue_days)}" if facts.overdue_days else "since today"
        return _HALF * left, f"{_count(facts.overdue, 'invoice is', 'invoices are')} past due, {late}."
    if facts.is_past_due:
        return _HALF, "A subscription is past due."
    if not facts.is_billed:
        return None, "Nothing was billed yet."
    return _ALL, "Nothing is past due."


def usage(facts: HealthFacts) -> SignalScore:
    """By how much of what was used in the days before was used in the latest, over the features; more is not better."""
    falling = [use for use in facts.uses if use.before > 0]
    if not falling:
        if any(use.latest > 0 for use in facts.uses):
            return _ALL, "Use began in the last 30 days."
        return None, "No use was recorded in the last 60 days."
    ratios = [min(max(Fraction(use.latest) / Fraction(use.before), _NONE), _ALL) for use in falling]
    share = sum(ratios, _NONE) / len(ratios)
    least, use = min(zip(ratios, falling, strict=True), key=lambda pair: (pair[0], pair[1].feature))
    told = (
        f"{use.feature}: {number(use.latest)} used in the last 30 days, {number(use.before)} in the 30 before"
    )
    others = len(falling) - 1
    if others:
        told += f"; {_count(others, 'other feature', 'other features')} fell less" if least < 1 else ""
    return share, f"{told}."


def contact(facts: HealthFacts) -> SignalScore:
    """All within `_FRESH_DAYS`, then evenly less until nothing after `_COLD_DAYS`."""
    silent = facts.silent_days
    if silent is None:
        return _NONE, "No contact was ever noted."
    when = "today" if silent == 0 else f"{_days(silent)} ago"
    left = Fraction(_COLD_DAYS - silent, _COLD_DAYS - _FRESH_DAYS)
    return min(max(left, _NONE), _ALL), f"The last contact was {when}."


def tenure(facts: HealthFacts) -> SignalScore:
    """Evenly more until `_SETTLED_DAYS`."""
    share = min(Fraction(facts.tenure_days, _SETTLED_DAYS), _ALL)
    return share, f"A customer since {facts.since:%Y-%m-%d}, for {_days(facts.tenure_days)}."


def issues(facts: HealthFacts) -> SignalScore:
    """All while nothing is open; each open matter takes `_OPEN_COSTS`."""
    opened = [
        words
        for number, words in (
            (facts.overdue_tasks, _count(facts.overdue_tasks, "task is overdue", "tasks are overdue")),
            (
                facts.canceled,
                _count(facts.canceled, "subscription was cancelled", "subscriptions were cancelled"),
            ),
            (int(facts.is_suspended), "the customer is suspended"),
        )
        if number
    ]
    number = facts.overdue_tasks + facts.canceled + int(facts.is_suspended)
    if not opened:
        return _ALL, "Nothing is open."
    sentence = ", ".join(opened)
    return max(_NONE, 1 - number * _OPEN_COSTS), f"{sentence[:1].upper()}{sentence[1:]}."


#: By the name under which its weight is set: what a part is called, and how it is judged.
SIGNALS: dict[str, tuple[str, Callable[[HealthFacts], SignalScore]]] = {
    "payments": ("Payments", payments),
    "usage": ("Use", usage),
    "contact": ("Contact", contact),
    "tenure": ("Tenure", tenure),
    "issues": ("Open issues", issues),
}


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _days(number: int) -> str:
    return f"{number:,} day{'' if number == 1 else 's'}"


def points_of(share: Fraction, most: int) -> int:
    """A share of points, as a whole number; a half goes to the even neighbour."""
    return round(share * most)
