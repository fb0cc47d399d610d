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
#: How much of what is granted is used per period, by the number of the customer.
_PACES = tuple(map(Decimal, ("0.55", "1.3", "0.85", "0.3", "1.15", "0.7")))
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
    grants = Grant.objects.filter(
        next_reset_at__lt=now - timedelta(days=DAYS - _PERIOD - 1),
        ended_at=None,
        balance__customer__email__endswith=".example",
        balance__customer__external_id__regex=r"-\d+$",
    )
    grants = grants.select_related("balance__customer", "balance__feature")
    requests = [each for grant in grants.order_by("pk") for each in _uses(grant, now)]
    record_usage_batch(sorted(requests, key=lambda request: request.at or now))
    for _ in renew(now, done_by="demo"):
        pass
    return True


def _uses(grant: Grant, now: datetime) -> Iterator[UsageRequest]:
    balance = grant.balance
    # Credits go by the customer's number, anything else by the one after it.
    number = int((balance.customer.external_id or "").rpartition("-")[2]) + (
        balance.feature.feature_id != "ai_credits"
    )
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
