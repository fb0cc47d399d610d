"""Many writers at once: the feed misses none of them, and keeps their order. A reader without its guard does miss some."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from time import monotonic, sleep

import pytest
from django.db import connection, transaction
from django.db.models import Q

from customers.changes import Position, changes_after, present
from customers.models import Customer, CustomerChange
from tests.api.steps import next_transaction

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("many processes"),
]

WRITERS = 8


@dataclass
class Written:
    """When the transaction of each customer began, and when it had ended."""

    began: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)

    def write(self, seed: int, number: int) -> None:
        """Write customers, each in a transaction that lasts a moment longer; every tenth is rolled back."""
        chance = random.Random(seed)
        for _ in range(number):
            began = monotonic()
            with transaction.atomic():
                customer = Customer(name=f"Writer {seed}")
                Customer.objects.bulk_create([customer])
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(%s)", [chance.random() / 300])
                is_kept = chance.random() < 0.9
                transaction.set_rollback(not is_kept)
            if is_kept:
                self.began[customer.pk], self.ended[customer.pk] = began, monotonic()
        connection.close()


def naive_reader() -> Callable[[], list[str]]:
    """Reads what it sees after the last row that it saw."""
    last = (0, "cus_00000000000000000000000000")

    def read() -> list[str]:
        nonlocal last
        number, customer_id = last
        later = Q(number__gt=number) | Q(number=number, customer_id__gt=customer_id)
        rows = list(CustomerChange.objects.filter(later).order_by("number", "customer_id")[:50])
        if rows:
            last = (rows[-1].number, rows[-1].customer_id)
        return [row.customer_id for row in rows]

    return read


def guarded_reader() -> Callable[[], list[str]]:
    position = present()

    def read() -> list[str]:
        nonlocal position
        page = changes_after(position, 50)
        assert page.next.key >= position.key
        position = page.next
        return [change.customer_id for change in page.changes]

    return read


def wait_for_others() -> None:
    """Until the transactions of tests in other databases, which hold the feed back, have ended."""
    now = next_transaction()
    while present().number < now:
        sleep(0.01)


def assert_in_order(feed: list[str], written: Written) -> None:
    """Nothing comes before what had ended when it began."""
    earliest_end = float("inf")
    for key in reversed(feed):
        assert written.began[key] <= earliest_end
        earliest_end = min(earliest_end, written.ended[key])


@pytest.mark.parametrize("changes", [400, pytest.param(10_000, marks=pytest.mark.soak)])
def test_nothing_is_missed_and_nothing_out_of_order(changes):
    written = Written()
    guarded, naive = guarded_reader(), naive_reader()
    feed: list[str] = []
    seen: list[str] = []
    with ThreadPoolExecutor(WRITERS) as pool:
        work = [pool.submit(written.write, seed, changes // WRITERS) for seed in range(WRITERS)]
        while not all(each.done() for each in work):
            feed += guarded()
            seen += naive()
        for each in work:
            each.result()
    wait_for_others()
    feed += chain.from_iterable(iter(guarded, []))
    seen += chain.from_iterable(iter(naive, []))

    assert sorted(feed) == sorted(written.began)
    assert_in_order(feed, written)
    # The control: without the guard, the same reading misses some.
    assert len(set(written.began) - set(seen)) > 0


def test_a_change_is_not_passed_over_while_an_earlier_transaction_runs():
    is_written, may_end = threading.Event(), threading.Event()
    slow, quick = Customer(name="Slow"), Customer(name="Quick")
    guarded, naive = guarded_reader(), naive_reader()

    def write_slowly() -> None:
        with transaction.atomic():
            Customer.objects.bulk_create([slow])
            is_written.set()
            may_end.wait(30)
        connection.close()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert is_written.wait(30)
    Customer.objects.bulk_create([quick])
    assert (guarded(), naive()) == ([], [quick.pk])
    may_end.set()
    thread.join()
    wait_for_others()
    assert (guarded(), naive()) == ([slow.pk, quick.pk], [])


def test_a_reader_may_stop_between_two_customers_of_a_transaction():
    wait_for_others()
    before = present()
    made = Customer.objects.bulk_create(Customer(name=str(number)) for number in range(3))
    wait_for_others()
    first = changes_after(before, 2)
    rest = changes_after(first.next, 2)
    assert (len(first.changes), first.has_more, len(rest.changes), rest.has_more) == (2, True, 1, False)
    assert {change.customer_id for change in [*first.changes, *rest.changes]} == {each.pk for each in made}
    assert rest.next.key <= Position(present().number).key
