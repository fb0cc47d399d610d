"""Daily usage of the demo's customers."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from billing.ledger.balance_figures import figures_of_balances
from billing.models import Balance, Posting
from billing.usage.deduct import UsageRefused, UsageRequest
from billing.usage.record import record_usage

#: Balances with usage, and the days that it covers.
_BALANCES, _DAYS = 9, 40
#: When each balance in turn runs out, as a share of the days until its reset.
_PACES = (Decimal("0.2"), Decimal(3), Decimal("0.5"), Decimal(8))
#: Change of the daily usage from the first day to the last, as a share of the average.
_TRENDS = (Decimal(1), Decimal("0.2"), Decimal("-1.2"))
#: `weekday()` of the first day of a weekend.
_SATURDAY = 5


@transaction.atomic
def use_balances(now: datetime) -> bool:
    """Record usage of some balances. Records nothing and returns False if there is any usage."""
    if Posting.objects.filter(kind=Posting.Kind.USAGE).exists():
        return False
    resettable = Balance.objects.filter(
        feature__feature_id="api_calls", customer__merged_into=None, customer__archived_at=None
    ).select_related("feature")
    balances = list(resettable.order_by("customer__created_at", "pk"))
    figures = figures_of_balances([str(balance.pk) for balance in balances], now)
    known = [(each, figures[str(each.pk)]) for each in balances]
    chosen = [(each, figure) for each, figure in known if figure.remaining * 3 > figure.granted]
    for number, (balance, figure) in enumerate(chosen[:_BALANCES]):
        days_left = (figure.next_reset_at - now).days + 1 if figure.next_reset_at else _DAYS
        pace = figure.remaining / (_DAYS + days_left * _PACES[number % len(_PACES)])
        for day in range(_DAYS, 0, -1):
            at = now - timedelta(days=day, minutes=17 * number)
            _use(balance, pace, _TRENDS[number % len(_TRENDS)], day, at)
    return True


def _use(balance: Balance, pace: Decimal, trend: Decimal, day: int, at: datetime) -> None:
    share = 1 + trend * (Decimal(_DAYS - day) / _DAYS - Decimal("0.5"))
    if at.weekday() >= _SATURDAY:
        share /= 4
    amount = (pace * share).quantize(Decimal(1))
    if amount <= 0:
        return
    try:
        record_usage(
            UsageRequest(
                customer_id=str(balance.customer_id),
                feature=balance.feature,
                amount=amount,
                done_by="demo",
                at=at,
            )
        )
    except UsageRefused:
        return
