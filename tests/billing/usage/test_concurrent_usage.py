"""32 processes at one balance, and the same with the guards removed."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection, transaction

from billing.models import Grant, LedgerEntry, Posting
from billing.usage.deduct import UsageRequest
from tests.billing.usage.concurrent_uses import used_at_once
from tests.factories import make_grant
from tests.processes import in_a_process

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.xdist_group("many processes"),
]

PROCESSES, TIMES = 32, 1
FUNDS = PROCESSES * TIMES // 2
#: Fewer processes come to the same where one clash is enough, and starting them is what takes the time.
FEW = 16


@pytest.fixture
def funded() -> Grant:
    """A grant of half of what will be asked for."""
    with transaction.atomic():
        return make_grant(included_grant=Decimal(FUNDS), usage=Decimal(0))


def ask(
    grant: Grant, key: str = "", guard: str = "all", times: int = TIMES, processes: int = PROCESSES
) -> dict[str, int]:
    """What came of it when all the processes asked for one unit, `times` each."""
    balance = grant.balance
    use = UsageRequest(
        customer_id=str(balance.customer_id),
        feature=balance.feature,
        amount=Decimal(1),
        done_by="test",
        key=key or None,
    )
    came: dict[str, int] = in_a_process(partial(used_at_once, processes, times, use, guard))
    return came


def figures(grant: Grant) -> list[Decimal]:
    """The usage, the sum of its entries, and how many uses were posted."""
    grant.refresh_from_db()
    entries = LedgerEntry.objects.filter(grant=grant, figure="usage")
    return [
        grant.usage,
        sum((entry.amount for entry in entries), Decimal(0)),
        Decimal(Posting.objects.filter(kind="usage").count()),
    ]


@pytest.mark.parametrize("guard", ["all", "plain"])
def test_exactly_the_funds_are_used(funded: Grant, guard: str) -> None:
    came = ask(funded, guard=guard)

    assert came == {"used": FUNDS, "refused": FUNDS}
    assert figures(funded) == [FUNDS, FUNDS, FUNDS]


def test_without_the_lock_uses_clash(funded: Grant) -> None:
    came = ask(funded, guard="lock", times=PROCESSES * TIMES // FEW, processes=FEW)

    assert came != {"used": FUNDS, "refused": FUNDS}


@pytest.fixture
def _unlocked_function() -> Iterator[None]:
    """The function in the database, without its lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('billing_record_plain_use'::regproc)")
        [(definition,)] = cursor.fetchall()
        assert "FOR NO KEY UPDATE" in definition
        cursor.execute(definition.replace("FOR NO KEY UPDATE", ""))
    yield
    with connection.cursor() as cursor:
        cursor.execute(definition)


@pytest.mark.usefixtures("_unlocked_function")
def test_without_the_lock_in_the_database_uses_clash(funded: Grant) -> None:
    came = ask(funded, times=PROCESSES * TIMES // FEW, processes=FEW)

    assert came != {"used": FUNDS, "refused": FUNDS}


@pytest.mark.parametrize("guard", ["all", "plain"])
def test_one_key_is_one_use(funded: Grant, guard: str) -> None:
    came = ask(funded, key="k", guard=guard, times=2, processes=FEW)

    assert came == {"used": 1, "replayed": FEW * 2 - 1}
    assert figures(funded) == [1, 1, 1]


@pytest.fixture
def _keys_may_repeat() -> Iterator[None]:
    """The database without its constraint on keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef('posting_key_once'::regclass)")
        [(definition,)] = cursor.fetchall()
        cursor.execute("DROP INDEX posting_key_once")
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE billing_posting CASCADE")
        cursor.execute(definition)


@pytest.mark.usefixtures("_keys_may_repeat")
def test_without_a_look_at_the_key_it_is_many(funded: Grant) -> None:
    came = ask(funded, key="k", guard="key", times=1, processes=FEW)

    assert came == {"used": FEW}
