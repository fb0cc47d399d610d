"""Uses recorded per second, against the textbook way: lock a row, change it, save it, create what belongs to it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from io import StringIO
from itertools import count, cycle, islice
from time import perf_counter

import msgspec
from django.core.management import call_command
from django.db import transaction

from billing.balances.grant import grant
from billing.models import Balance, Feature, Grant, LedgerEntry, Posting
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from customers import clock
from customers.models import Customer

_BALANCES = 1000
_TIMES = 3
_LINES = 20
_FUNDS = Decimal(10**9)


def rates(uses: int) -> Iterator[tuple[str, float, float]]:
    """What, how many uses a second, and how many in the textbook way; each is the best of three runs.

    One at a time there are as many `uses` as in the textbook way; from a file (whose writing counts too), twenty
    times as many.
    """
    feature = Feature.objects.create(feature_id="bench_calls", name="Calls")
    customers = [
        Customer.objects.create(name=f"Bench {number}", external_id=f"bench-{number}")
        for number in range(_BALANCES)
    ]
    for customer in customers:
        grant(customer, feature, _FUNDS, done_by="bench")
    for where, some in (("one hot balance", customers[:1]), (f"{_BALANCES} balances", customers)):
        ways = {
            "textbook": (_by_the_book, uses),
            "record_use": (_one_by_one, uses),
            "record_usage --file": (_from_file, _LINES * uses),
        }
        best = dict.fromkeys(ways, 0.0)
        # In turns, so that whatever else the machine does meets all of them.
        for _ in range(_TIMES):
            for name, (way, number) in ways.items():
                begun = perf_counter()
                way(some, feature, number)
                best[name] = max(best[name], number / (perf_counter() - begun))
        textbook = best.pop("textbook")
        for name, rate in best.items():
            yield f"{name}, {where}", rate, textbook


def _by_the_book(some: Sequence[Customer], feature: Feature, uses: int) -> None:
    amount = Decimal(1)
    for customer in islice(cycle(some), uses):
        key = _key()
        with transaction.atomic():
            if Posting.objects.filter(key=key).exists():
                raise AssertionError("every key is new")
            balance = Balance.objects.select_for_update().get(customer=customer, feature=feature)
            row = Grant.objects.select_for_update().get(balance=balance)
            if row.held < amount:
                raise AssertionError("the funds are for all of it")
            row.usage += amount
            row.entries += 1
            row.save()
            posting = Posting.objects.create(
                customer=customer,
                kind=Posting.Kind.USAGE,
                feature=feature,
                amount=amount,
                occurred_at=clock.now(),
                done_by="bench",
                key=key,
            )
            LedgerEntry.objects.create(
                posting=posting, grant=row, figure="usage", number=row.entries, amount=amount, after=row.usage
            )


def _one_by_one(some: Sequence[Customer], feature: Feature, uses: int) -> None:
    for customer in islice(cycle(some), uses):
        record_usage(
            UsageRequest(
                customer_id=str(customer.pk), feature=feature, amount=Decimal(1), done_by="bench", key=_key()
            )
        )


def _from_file(some: Sequence[Customer], feature: Feature, uses: int) -> None:
    with tempfile.NamedTemporaryFile() as file:
        for customer in islice(cycle(some), uses):
            line = {
                "customer": customer.external_id,
                "feature": feature.feature_id,
                "amount": 1,
                "key": _key(),
            }
            file.write(msgspec.json.encode(line) + b"\n")
        file.flush()
        call_command("record_usage", "--file", file.name, stdout=StringIO())


_keys = count(1)


def _key() -> str:
    return f"bench-{next(_keys)}"
