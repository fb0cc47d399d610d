"""How many points each signal has, and the sentence that explains them.

Pure arithmetic: no clock, no database. Each signal returns the share of its points, from 0 to 1, or None if nothing is
known; and the sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from crm.desk.health.facts import HealthFacts
from customers.formats import counted, day, listed, number

SignalScore = tuple[Fraction | None, str]

#: An invoice that is past due for this many days leaves no points for payments.
_LATE_DAYS = 60
#: A contact at most `_FRESH_DAYS` ago has all points, and one `_COLD_DAYS` ago has none.
_FRESH_DAYS, _COLD_DAYS = 14, 90
#: After this many days, a customer is no longer likely to leave because they are new.
_SETTLED_DAYS = 730
#: The share of the points that each open issue costs.
_OPEN_COSTS = Fraction(1, 2)
#: The share of the points that each balance at zero or in overage costs, and how many are named.
_SHORT_COSTS, _NAMED = Fraction(1, 2), 2

_ALL, _HALF, _NONE = Fraction(1), Fraction(1, 2), Fraction(0)


def payments(facts: HealthFacts) -> SignalScore:
    """All points if nothing is past due; half from the first day past due, falling to none after `_LATE_DAYS`."""
    if facts.overdue:
        left = max(_NONE, 1 - Fraction(facts.overdue_days, _LATE_DAYS))
        late = f"the oldest for {counted(facts.overdue_days, 'day')}" if facts.overdue_days else "since today"
        return _HALF * left, f"{counted(facts.overdue, 'invoice is', 'invoices are')} past due, {late}."
    if facts.is_past_due:
        return _HALF, "A subscription is past due."
    if not facts.is_billed:
        return None, "Nothing billed yet."
    return _ALL, "Nothing is past due."


def usage(facts: HealthFacts) -> SignalScore:
    """The mean, over the features, of recent usage as a share of the usage before; growth counts as no change."""
    trends = [trend for trend in facts.trends if trend.before > 0]
    if not trends:
        if any(trend.latest > 0 for trend in facts.trends):
            return _ALL, "Usage began in the last 30 days."
        return None, "No usage in the last 60 days."
    ratios = [min(max(Fraction(trend.latest) / Fraction(trend.before), _NONE), _ALL) for trend in trends]
    share = sum(ratios, _NONE) / len(ratios)
    least, trend = min(zip(ratios, trends, strict=True), key=lambda pair: (pair[0], pair[1].feature))
    words = (
        f"{trend.feature}: {number(trend.latest)} used in the last 30 days,"
        f" {number(trend.before)} in the 30 before."
    )
    others = len(trends) - 1
    if others and least < 1:
        words += f" {counted(others, 'other feature')} fell less."
    return share, words


def allowance(facts: HealthFacts) -> SignalScore:
    """All points while every balance has something left; each at zero or in overage costs its share of them."""
    if not facts.balances:
        return None, "No balance with an allowance."
    short = [f"{name} is at zero" for name in facts.exhausted] + [
        f"{name} is {number(amount)} over" for name, amount in facts.over
    ]
    if not short:
        return _ALL, f"{counted(facts.balances, 'balance has', 'balances have')} something left."
    shown = short[:_NAMED] + ([f"{number(len(short) - _NAMED)} more"] if len(short) > _NAMED else [])
    return max(_NONE, 1 - len(short) * _SHORT_COSTS), f"{listed(shown)}."


def contact(facts: HealthFacts) -> SignalScore:
    """All points within `_FRESH_DAYS`, then evenly fewer until none after `_COLD_DAYS`. Nothing is known without any."""
    silent = facts.silent_days
    if silent is None:
        return None, "No contact logged yet."
    ago = "today" if silent == 0 else f"{counted(silent, 'day')} ago"
    return _share_of_contact(silent), f"Last contact {ago}."


def _share_of_contact(silent: int) -> Fraction:
    return min(max(Fraction(_COLD_DAYS - silent, _COLD_DAYS - _FRESH_DAYS), _NONE), _ALL)


def tenure(facts: HealthFacts) -> SignalScore:
    """Evenly more points until `_SETTLED_DAYS`."""
    share = _share_of_tenure(facts.tenure_days)
    return share, f"Customer since {day(facts.since)} ({counted(facts.tenure_days, 'day')})."


def _share_of_tenure(days: int) -> Fraction:
    return min(Fraction(days, _SETTLED_DAYS), _ALL)


def issues(facts: HealthFacts) -> SignalScore:
    """All points without open issues; each one costs `_OPEN_COSTS`."""
    found = [
        words
        for count, words in (
            (facts.late_tasks, counted(facts.late_tasks, "task is late", "tasks are late")),
            (
                facts.canceled,
                counted(facts.canceled, "subscription was canceled", "subscriptions were canceled"),
            ),
            (int(facts.is_suspended), "the customer is suspended"),
        )
        if count
    ]
    count = facts.late_tasks + facts.canceled + int(facts.is_suspended)
    if not found:
        return _ALL, "No open issues."
    sentence = ", ".join(found)
    return max(_NONE, 1 - count * _OPEN_COSTS), f"{sentence[:1].upper()}{sentence[1:]}."


def days_until_change(facts: HealthFacts, weights: Mapping[str, int]) -> int | None:
    """In how many days the points for contact or tenure change next by themselves; None: not any more.

    The points of the other signals change with other rows, or from day to day.
    """
    silent, tenure = facts.silent_days, facts.tenure_days
    found = [_days_until(_share_of_tenure, tenure, _SETTLED_DAYS, weights.get("tenure", 0))]
    if silent is not None:
        found.append(_days_until(_share_of_contact, silent, _COLD_DAYS, weights.get("contact", 0)))
    return min((days for days in found if days is not None), default=None)


def _days_until(share: Callable[[int], Fraction], days: int, end: int, most: int) -> int | None:
    """How many days after `days` the points of `share` differ; it changes in one direction, until `end`."""
    now = points_of(share(days), most)
    if days >= end or points_of(share(end), most) == now:
        return None
    same, differs = days, end
    while differs - same > 1:
        middle = (same + differs) // 2
        if points_of(share(middle), most) == now:
            same = middle
        else:
            differs = middle
    return differs - days


#: The title and the formula of each signal, by the name under which its weight is set.
SIGNALS: dict[str, tuple[str, Callable[[HealthFacts], SignalScore]]] = {
    "payments": ("Payments", payments),
    "usage": ("Usage", usage),
    "allowance": ("Allowance", allowance),
    "contact": ("Contact", contact),
    "tenure": ("Tenure", tenure),
    "issues": ("Open issues", issues),
}


def points_of(share: Fraction, most: int) -> int:
    """A share of `most` points as a whole number, rounded half-even."""
    return round(share * most)
