"""The two shortcuts against the reference, on random rows: all ways give the same results and the same ledger.

The reference is `billing.rules.drawing` for what usage deducts, and `billing.ledger.entries` for what is written, as
`record_usage` uses them. The shortcuts are the PostgreSQL function `billing_record_plain_use` and `_SingleSource` in
`billing.usage.record_many`; on SQLite there is only the second.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from billing.balances.grant import grant
from billing.models import Balance, Grant, LedgerEntry, Posting
from billing.usage import record as using
from billing.usage.deduct import UsageRefused, to_stored_answer
from billing.usage.record import record_usage
from billing.usage.record_many import record_usage_batch
from customers import clock
from tests.billing.uses import LAST, LATER, NOON, granted, usages, use
from tests.clocks import clock_at
from tests.examples import examples
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_entity,
    make_plan,
    make_purchase,
    make_rollover,
    make_subscription,
)

pytestmark = pytest.mark.django_db

#: Around what expires or is reset at NOON, between NOON and LATER, and at LATER; also back in time.
MOMENTS = st.sampled_from([NOON, NOON, NOON, NOON + timedelta(hours=1), NOON + timedelta(days=1), LATER])
#: Before, at and after what falls due by LATER, within the grace and after it.
CLOCKS = st.sampled_from(
    [NOON + timedelta(hours=1), NOON + timedelta(days=2), LATER, LATER + timedelta(minutes=30), LAST]
)
AMOUNTS = st.one_of(
    st.integers(1, 20).map(Decimal),
    st.sampled_from([Decimal(-3), Decimal("0.1"), Decimal("1e-10")]),
)
figures = st.integers(0, 40)
grants = st.fixed_dictionaries(
    {
        "included": figures,
        "used": figures,
        "unlimited": st.sampled_from([False] * 9 + [True]),
        "owner": st.sampled_from(["customer", "customer", "seat", "other"]),
        "source": st.sampled_from(["none", "none", "main", "add-on", "bought"]),
        "reset_interval": st.sampled_from(["", "one_off", "day", "week", "month", "year"]),
        "reset_interval_count": st.sampled_from([None, 1, 2, 30]),
        "expires_at": st.sampled_from([None, None, NOON, NOON + timedelta(hours=1), LATER, LAST]),
        "next_reset_at": st.sampled_from([None, None, NOON + timedelta(days=1), LATER]),
        "last_reset_at": st.sampled_from([None, None, None, NOON, NOON + timedelta(hours=1)]),
        "billing_method": st.sampled_from(["", "", "usage_based"]),
        "max_purchase": st.sampled_from([None, Decimal(3)]),
        "created_at": st.sampled_from([NOON, NOON - timedelta(days=1)]),
        "position": st.integers(0, 2),
        "ended_at": st.sampled_from([None, None, None, NOON]),
    }
)
worlds = st.fixed_dictionaries(
    {
        "grants": st.lists(grants, max_size=4),
        "overage": st.booleans(),
        "rollover": st.sampled_from([None, None, None, 0, 5]),
        #: What credits there are, where the feature costs some.
        "credits": st.sampled_from([None, None, None, (), (3,), (30, 100)]),
        "now": CLOCKS,
        "uses": st.lists(st.tuples(AMOUNTS, MOMENTS, st.booleans()), min_size=1, max_size=5),
    }
)


#: Worlds in which the shortcuts serve most usages, so that every moment around an expiry or a reset is tried with them.
plain_grants = st.fixed_dictionaries(
    {
        "included": st.sampled_from([30, 100]),
        "used": st.sampled_from([0, 0, 5]),
        "owner": st.sampled_from(["customer", "customer", "seat"]),
        "source": st.sampled_from(["none", "main"]),
        "reset_interval": st.sampled_from(["", "month"]),
        "expires_at": st.sampled_from([None, NOON, NOON + timedelta(hours=1), NOON + timedelta(days=1)]),
        "next_reset_at": st.sampled_from([None, LATER]),
        "last_reset_at": st.sampled_from([None, None, NOON]),
        "created_at": st.sampled_from([NOON, NOON - timedelta(days=1)]),
        "position": st.integers(0, 2),
    }
)
plain_worlds = st.fixed_dictionaries(
    {
        "grants": st.lists(plain_grants, min_size=2, max_size=3),
        "overage": st.just(False),
        "rollover": st.none(),
        "credits": st.sampled_from([None, None, (100,)]),
        "now": CLOCKS,
        "uses": st.lists(
            st.tuples(
                # Within one grant, as much as one, and more than one.
                st.sampled_from([1, 2, 3, 4, 5, 30, 40, 120]).map(Decimal),
                st.sampled_from(
                    [
                        NOON - timedelta(hours=1),
                        NOON,
                        NOON,
                        NOON + timedelta(hours=1),
                        NOON + timedelta(days=1),
                    ]
                ),
                st.booleans(),
            ),
            min_size=3,
            max_size=6,
        ),
    }
)


class _Undone(Exception):
    pass


def build(world: dict[str, Any]) -> tuple[Balance, Any]:
    """The rows of a world: the balance, and the entity of some of the uses."""
    balance = make_balance(overage_allowed=world["overage"])
    customer = balance.customer
    owners = {
        "customer": None,
        "seat": make_entity(customer=customer),
        "other": make_entity(customer=customer),
    }
    sources: dict[str, dict[str, Any]] = {
        "none": {},
        "main": {"plan": make_plan(), "subscription": make_subscription(customer=customer, started_at=NOON)},
        "add-on": {"subscription": make_subscription(customer=customer, add_on=True, started_at=NOON)},
        "bought": {
            "plan": make_plan(add_on=True),
            "purchase": make_purchase(customer=customer, started_at=NOON),
        },
    }
    for row in world["grants"]:
        fields = {**row, **sources[row["source"]], "entity": owners[row["owner"]]}
        for name in ("owner", "source"):
            del fields[name]
        granted(balance, fields.pop("included"), fields.pop("used"), **fields)
    if world["rollover"] is not None:
        make_rollover(balance=balance, left=Decimal(world["rollover"]))
    if world["credits"] is not None:
        cost = make_credit_cost(metered_feature=balance.feature, credit_cost=Decimal("0.3"))
        for included in world["credits"]:
            in_credits = Balance.objects.filter(customer=customer, feature=cost.credit_system).first()
            granted(in_credits or make_balance(customer=customer, feature=cost.credit_system), included)
    return balance, owners["seat"]


def came_of(world: dict[str, Any], way: str) -> list[Any]:
    """What came of the uses, and what the ledger says, with rows named by their place."""
    told: list[Any] = []
    try:
        with transaction.atomic(), patch.object(clock, "now", return_value=world["now"]):
            balance, seat = build(world)
            names = {
                str(key): place
                for place, key in enumerate(Grant.objects.order_by("pk").values_list("pk", flat=True))
            }
            asked = [
                use(balance, amount, entity=seat if is_of_seat else None, at=at, key=f"k{n}")
                for n, (amount, at, is_of_seat) in enumerate(world["uses"])
            ]
            if way == "in bulk":
                told += [_told(outcome, names) for outcome in record_usage_batch(asked)]
            else:
                for each in asked:
                    try:
                        told.append(_told(record_usage(each), names))
                    except UsageRefused as refused:
                        told.append(_told(refused, names))
            told.append(
                [(names[str(row.pk)], row.usage, row.entries) for row in Grant.objects.order_by("pk")]
            )
            entries = LedgerEntry.objects.filter(posting__key__isnull=False, grant__isnull=False)
            told.append(
                sorted(
                    (e.posting.key, names[str(e.grant_id)], e.figure, e.number, e.amount, e.after)
                    for e in entries
                )
            )
            told.append(
                [_posting(posting, balance) for posting in Posting.objects.order_by("key") if posting.key]
            )
            raise _Undone
    except _Undone:
        return told


def _posting(posting: Posting, balance: Balance) -> Any:
    """Every column of a posting but those that differ by chance."""
    assert posting.feature_id == balance.feature_id
    assert posting.customer_id == balance.customer_id
    answer: Any = posting.answer
    steps = [[step, units, charged] for _, step, units, charged in answer["parts"]]
    return (
        posting.key,
        posting.kind,
        posting.entity_id is None,
        posting.amount,
        posting.occurred_at,
        posting.done_by,
        posting.reason,
        posting.reverses_id,
        (answer["amount"], steps, answer["dropped"], answer["why"], list(answer["remaining"].values())),
    )


def _told(outcome: Any, names: dict[str, int]) -> Any:
    if isinstance(outcome, UsageRefused):
        return outcome.missing
    answer = to_stored_answer(outcome)
    parts = [(names.get(part.id), part.step, part.units, part.charged) for part in outcome.parts]
    return answer["amount"], answer["dropped"], answer["why"], parts, list(answer["remaining"].values())


@given(st.one_of(worlds, plain_worlds))
@settings(
    max_examples=examples(12),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_all_ways_come_to_the_same(world: dict[str, Any]) -> None:
    with patch.object(using, "_record_plainly", return_value=None):
        generally = came_of(world, "generally")

    assert came_of(world, "in bulk") == generally
    if connection.vendor == "postgresql":
        assert came_of(world, "plainly") == generally


@pytest.mark.postgresql
def test_the_one_statement_serves_what_is_plain() -> None:
    balance = make_balance()
    first = granted(balance, 10, 10, reset_interval="day", next_reset_at=LATER)
    second = granted(balance, 10, reset_interval="month", next_reset_at=LATER)
    granted(balance, 10)

    with (
        patch.object(clock, "now", return_value=NOON),
        patch.object(using, "_record", side_effect=AssertionError("not plain")),
    ):
        used = record_usage(use(balance, 10))

    assert [part.id for part in used.parts] == [second.pk]
    assert first.pk != second.pk
    assert list(used.remaining.values()) == [10]


def test_a_grant_that_waits_to_start_is_started_first():
    """Monthly grants are drawn from before those without a reset: also one that nothing has started yet."""
    balance = make_balance()
    always = granted(balance, 100)
    with clock_at(NOON):
        waiting = grant(
            balance.customer,
            balance.feature,
            Decimal(10),
            done_by="test",
            interval="month",
            at=NOON + timedelta(days=1),
            balance=balance,
        )
    with clock_at(NOON + timedelta(days=2)):
        record_usage(use(balance, 4, at=None))
    assert usages(always, waiting) == [0, 4]
