"""Daily usage of the demo's customers, for as long as their documents leave it out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import Grant, Posting
from billing.subscriptions import renew
from billing.usage.deduct import UsageRequest
from billing.usage.record_many import record_usage_batch

#: Days of usage, and the length of a period that a pace is for.
DAYS, _PERIOD = 90, 30
#: How much of what is granted each customer in turn uses per period.
_PACES = (Decimal("0.85"), Decimal("0.55"), Decimal("1.3"), Decimal("0.3"), Decimal("0.95"), Decimal("0.7"))
#: Change of the daily usage from the first day to the last, as a share of the average.
_TRENDS = (Decimal("0.5"), Decimal("0.2"), Decimal("-0.6"), Decimal(0))
#: Usage on each day of the week, Monday first, as a share of the average.
_WEEK = tuple(map(Decimal, ("1.22", "1.28", "1.3", "1.24", "1.14", "0.42", "0.4")))


def use_balances(now: datetime) -> bool:
    """Record usage of the balances that were imported as of `DAYS` ago, in the order in which it happened.

    Resets are done on the way. Records nothing and returns False if there is any usage.
    """
    if Posting.objects.filter(kind=Posting.Kind.USAGE).exists():
        return False
    grants = Grant.objects.filter(next_reset_at__lt=now - timedelta(days=DAYS - _PERIOD - 1), ended_at=None)
    grants = grants.select_related("balance__customer", "balance__feature")
    grants = grants.order_by("balance__customer__created_at", "balance__feature__feature_id")
    requests = [each for number, grant in enumerate(grants) for each in _uses(grant, number, now)]
    record_usage_batch(sorted(requests, key=lambda request: request.at or now))
    for _ in renew(now, done_by="demo"):
        pass
    return True


def _uses(grant: Grant, number: int, now: datetime) -> Iterator[UsageRequest]:
    balance = grant.balance
    pace = grant.included_grant / _PERIOD * _PACES[number % len(_PACES)]
    trend = _TRENDS[number % len(_TRENDS)]
    for day in range(DAYS, 0, -1):
        at = now - timedelta(days=day, minutes=17 * number % 600)
        # The trend, the day of the week, and a little noise that is the same each time.
        share = 1 + trend * (Decimal(DAYS - day) / DAYS - Decimal("0.5"))
        share *= _WEEK[at.weekday()] * (100 + Decimal((day * 37 + number * 11) % 23 - 11)) / 100
        amount = (pace * share).quantize(Decimal(1))
        if amount > 0:
            yield UsageRequest(
                customer_id=str(balance.customer_id),
                feature=balance.feature,
                amount=amount,
                done_by="demo",
                at=at,
            )
