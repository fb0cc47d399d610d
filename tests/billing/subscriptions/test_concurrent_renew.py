"""`renew` run by several processes at once: everything happens once. Where nobody holds the accounts, it does not."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from random import Random
from typing import Any

import pytest
from django.db import Error as DatabaseProblem
from django.db.models import QuerySet

from billing.doctor.plans import check_billed_periods
from billing.models import Feature, Grant, Invoice, InvoiceLine, LedgerEntry, Rollover, Subscription
from billing.subscriptions import CannotSubscribe, attach_plan, change_plan, renew
from billing.subscriptions.renew import renew_customers
from billing.subscriptions.unit_of_work import UnitOfWork, open_units
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from customers import clock
from tests.billing.subscriptions.timeline import assert_adds_up, at, metered, plan_of
from tests.factories import make_customer
from tests.processes import FORK, disconnect

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("many processes"),
]

PROCESSES = 4
CUSTOMERS = 24
START, DUE = at("2026-01-31T00:00"), at("2026-02-28T00:00")


def due_customers() -> list[str]:
    """Customers' IDs; each with a reset that carries 70 over, 5 used beyond another grant, and a month to be billed."""
    calls, mails = metered("calls"), metered("mails")
    plan = plan_of(
        "pro",
        (
            calls,
            {
                "included": 100,
                "rollover_max": 500,
                "rollover_expiry_unit": "month",
                "rollover_expiry_length": 3,
            },
        ),
        (
            mails,
            {
                "included": 10,
                "billing_method": "usage_based",
                "price_amount": Decimal(1),
                "price_interval": "month",
                "billing_units": 1,
            },
        ),
        price_amount=Decimal(20),
        price_interval="month",
    )
    customers = [make_customer() for _ in range(CUSTOMERS)]
    for customer in customers:
        attach_plan(customer, plan, at=START, done_by="test")
        for feature, amount in ((calls, 30), (mails, 15)):
            record_usage(
                UsageRequest(
                    customer_id=str(customer.pk),
                    feature=feature,
                    amount=Decimal(amount),
                    at=START,
                    done_by="test",
                )
            )
    return [str(customer.pk) for customer in customers]


def at_once(work: Callable[[], int], count: int = PROCESSES) -> list[int]:
    """What `work` answers in each of `count` processes that begin together."""
    disconnect()
    barrier, answers = FORK.Barrier(count), FORK.SimpleQueue()

    def run() -> None:
        barrier.wait()
        try:
            answers.put(work())
        finally:
            disconnect()

    processes = [FORK.Process(target=run) for _ in range(count)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [answers.get() for _ in processes if not answers.empty()]


def renewing(batch: int) -> Callable[[], int]:
    """Renews all that is due; answers how many resets it did, or -1 if the database refused something."""

    def work() -> int:
        try:
            return sum(each.counts.resets for each in renew(DUE, done_by="test", batch=batch))
        except DatabaseProblem:
            return -1

    return work


@pytest.mark.parametrize("batch", [5, 200])
def test_everything_happens_once(batch: int) -> None:
    due_customers()
    resets = at_once(renewing(batch))
    assert sum(resets) == 2 * CUSTOMERS
    assert len(resets) == PROCESSES
    assert min(resets) >= 0
    # A reset takes one entry of each grant; what was left is carried over once.
    reset = LedgerEntry.objects.filter(posting__kind="reset").values_list("grant", flat=True)
    assert set(Counter(reset).values()) == {1}
    assert len(reset) == 2 * CUSTOMERS
    assert sorted(Rollover.objects.values_list("left", flat=True)) == [70] * CUSTOMERS
    assert set(Grant.objects.values_list("usage", flat=True)) == {0}
    # January's 20 each; then February's 20 and the 5 beyond January's mails.
    assert sorted(Invoice.objects.values_list("total", flat=True)) == [2000] * CUSTOMERS + [2500] * CUSTOMERS
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    assert numbers == [f"INV-{number:06d}" for number in range(1, 2 * CUSTOMERS + 1)]
    assert set(Subscription.objects.values_list("current_period_start", flat=True)) == {DUE}
    assert_adds_up()


def act_at_random(choose: Random, customer_id: str) -> None:
    """Renew the customer, change its quantity, or use something."""
    subscription = (
        Subscription.objects.active().select_related("customer", "plan").get(customer_id=customer_id)
    )
    use = UsageRequest(
        customer_id=customer_id,
        feature=Feature.objects.get(feature_id="mails"),
        amount=Decimal(1),
        at=clock.now(),
        done_by="test",
    )
    quantity = Decimal(choose.randint(1, 3))
    acts: list[Callable[[], object]] = [
        lambda: renew_customers([customer_id], clock.now()),
        lambda: change_plan(subscription, subscription.plan, quantity=quantity, at_once=True, done_by="test"),
        lambda: record_usage(use),
    ]
    choose.choice(acts)()


@pytest.mark.parametrize("count", [PROCESSES, pytest.param(16, marks=pytest.mark.soak)])
def test_renewals_beside_changes_and_uses_bill_no_time_twice(count: int) -> None:
    customers = due_customers()[:8]

    def work() -> int:
        choose = Random(os.getpid())
        done = 0
        for customer_id in choose.sample(customers * 3, len(customers) * 3):
            try:
                act_at_random(choose, customer_id)
                done += 1
            except CannotSubscribe:  # it has that quantity already
                continue
        return done

    assert sum(at_once(work, count)) > len(customers)
    assert not list(check_billed_periods(lambda count: None))
    given_back = InvoiceLine.objects.filter(gives_back__isnull=False).values_list("gives_back", flat=True)
    assert given_back
    assert set(Counter(given_back).values()) == {1}
    begun = InvoiceLine.objects.filter(kind="base").values_list("invoice__subscription", "period_start")
    assert set(Counter(begun).values()) == {1}
    assert_adds_up()


@pytest.mark.parametrize("count", [PROCESSES, pytest.param(16, marks=pytest.mark.soak)])
def test_without_the_locks_the_same_is_done_twice(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """The control: what the test above proves depends on holding the accounts.

    The processes wait for each other once they have read, so all of them see the same events due.
    """
    have_read = FORK.Barrier(count)
    customers = due_customers()

    def unlocked(rows: QuerySet[Any], *args: Any, **options: Any) -> QuerySet[Any]:
        return rows.all()

    def read_together(*args: Any, **options: Any) -> list[UnitOfWork]:
        units = open_units(*args, **options)
        have_read.wait(timeout=60)
        return units

    def work() -> int:
        try:
            return renew_customers(customers, DUE).resets
        except DatabaseProblem:
            return -1

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
    monkeypatch.setattr(import_module("billing.subscriptions.renew"), "open_units", read_together)
    resets = at_once(work, count)
    assert len(resets) == count
    done = sum(each for each in resets if each > 0)
    refused = resets.count(-1)
    assert refused or done > 2 * CUSTOMERS, resets
