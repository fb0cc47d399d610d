"""Numbers stay gapless and payments within what is due, when several processes write at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction

from billing.invoices import numbers as invoice_numbers
from billing.invoices.issue import InvoiceRequest, raise_invoices
from billing.invoices.locking import CannotChangeInvoice
from billing.invoices.payments import record_payment
from billing.models import Invoice, InvoiceSeries
from billing.rules.invoice_totals import BilledLine
from customers import clock
from tests.factories import make_customer
from tests.processes import FORK, disconnect

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("many processes"),
]

PROCESSES = 6
ROUNDS = 10


def bill_of(customer_id: str) -> InvoiceRequest:
    return InvoiceRequest(
        customer_id=customer_id,
        currency="USD",
        at=clock.now(),
        lines=[BilledLine(kind="base", description="Pro", amount=10000)],
    )


def at_once(work: Callable[[int], int]) -> list[int]:
    """What `work` answers in each of several processes that begin together."""
    disconnect()
    barrier, answers = FORK.Barrier(PROCESSES), FORK.SimpleQueue()

    def run(index: int) -> None:
        barrier.wait()
        try:
            answers.put(work(index))
        finally:
            disconnect()

    processes = [FORK.Process(target=run, args=(index,)) for index in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [answers.get() for _ in processes if not answers.empty()]


def raising(customer_ids: list[str]) -> Callable[[int], int]:
    """Raises two invoices a round, rolls every third round back, and answers in how many rounds it failed."""

    class RollBack(Exception):
        pass

    def work(index: int) -> int:
        failures = 0
        for number in range(ROUNDS):
            try:
                with transaction.atomic():
                    raise_invoices([bill_of(customer_ids[index])] * 2, done_by="renew")
                    if number % 3 == 2:
                        raise RollBack
            except RollBack:
                continue
            except (IntegrityError, OperationalError):
                failures += 1
        return failures

    return work


def test_numbers_have_no_gap_and_none_comes_twice() -> None:
    failures = at_once(raising([str(make_customer().pk) for _ in range(PROCESSES)]))

    assert failures == [0] * PROCESSES
    numbers = sorted(Invoice.objects.values_list("number", flat=True))
    count = PROCESSES * (ROUNDS - ROUNDS // 3) * 2
    assert numbers == [f"INV-{number:06d}" for number in range(1, count + 1)]


def test_without_the_lock_of_the_series_they_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: what the test above proves depends on the lock."""

    class Unlocked:
        objects: Any = InvoiceSeries.objects

        def __new__(cls, **fields: Any) -> Any:
            return InvoiceSeries(**fields)

    class WithoutLock:
        def __init__(self, rows: Any) -> None:
            self.rows = rows

        def filter(self, **conditions: Any) -> Any:
            return WithoutLock(self.rows.filter(**conditions))

        def order_by(self, *names: str) -> Any:
            return WithoutLock(self.rows.order_by(*names))

        def select_for_update(self) -> Any:
            return self.rows

        def bulk_create(self, rows: Any, **options: Any) -> Any:
            return InvoiceSeries.objects.bulk_create(rows, **options)

    Unlocked.objects = WithoutLock(InvoiceSeries.objects)
    InvoiceSeries.objects.create(prefix="INV")
    monkeypatch.setattr(invoice_numbers, "InvoiceSeries", Unlocked)

    failures = at_once(raising([str(make_customer().pk) for _ in range(PROCESSES)]))

    assert sum(failures) > 0


def test_one_invoice_is_paid_once() -> None:
    [invoice] = raise_invoices([bill_of(str(make_customer().pk))], done_by="renew")
    assert invoice is not None

    def pay(index: int) -> int:
        recorded = 0
        for _ in range(ROUNDS):
            try:
                record_payment(invoice, 1000, done_by=f"process {index}")
                recorded += 1
            except CannotChangeInvoice:
                continue
        return recorded

    recorded = at_once(pay)

    invoice.refresh_from_db()
    assert sum(recorded) == invoice.payments.count() == 10
    assert (invoice.status, invoice.paid, invoice.due) == ("paid", 10000, 0)
