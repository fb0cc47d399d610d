"""Due subscriptions renewed, each with a metered item to be reset and an invoice: growth, in one run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import perf_counter

from django.db import connection, transaction

from billing.models import Feature, Plan, PlanItem, Subscription
from billing.subscriptions import renew
from billing.subscriptions.start import begin
from billing.subscriptions.unit_of_work import open_units, save
from customers.models import Customer

_BATCH = 500
_STARTED = datetime(2020, 1, 1, tzinfo=UTC)
_MONTH = timedelta(days=31)


def growth(sizes: Sequence[int]) -> Iterator[tuple[int, float, float]]:
    """By number of due subscriptions: seconds in all, and milliseconds for each of them.

    Every size has its own customers, who began a year before those of the size before: these are not due again.
    """
    feature = Feature.objects.create(feature_id="bench_metered", name="Metered")
    plan = Plan.objects.create(
        plan_id="bench_plan", name="Bench", price_amount=Decimal(20), price_interval="month", currency="USD"
    )
    PlanItem.objects.create(plan=plan, feature=feature, included=Decimal(100), reset_interval="month")
    for place, size in enumerate(sizes):
        started = _STARTED.replace(year=_STARTED.year - place)
        _attach(size, plan, started)
        # As a database in use does by itself after so many new rows; plans made for the rows before would scan.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        begun = perf_counter()
        renewed = sum(batch.counts.periods for batch in renew(started + _MONTH, done_by="bench"))
        taken = perf_counter() - begun
        if renewed != size:
            raise AssertionError(f"{size} subscriptions were due, but {renewed} were renewed")
        yield size, taken, 1000 * taken / size


def _attach(size: int, plan: Plan, started: datetime) -> None:
    for first in range(0, size, _BATCH):
        customers = Customer.objects.bulk_create(
            [
                Customer(name=f"Renewal {started:%Y} {number}")
                for number in range(first, min(size, first + _BATCH))
            ]
        )
        with transaction.atomic():
            accounts = open_units([str(customer.pk) for customer in customers], done_by="bench")
            for account in accounts:
                subscription = Subscription(customer=account.customer, plan=plan, billed_here=True)
                subscription.subscription_id = str(subscription.pk)
                account.subscriptions.append(subscription)
                begin(account, subscription, started)
            save(accounts, "Attached")
