"""What is given back, what comes twice, and whose use it is."""

import json
from datetime import UTC, datetime

import pytest

from billing.models import Posting
from customers.models import Customer
from tests.billing.scenarios.steps import (
    JAN_1,
    attach,
    balance,
    carried,
    customer,
    document,
    feature,
    figures,
    given,
    holder,
    item,
    missing,
    monthly,
    ms,
    plan,
    refused,
    row,
    run,
    taken,
    usage_price,
    usages,
    use,
    use_refused,
)
from tests.billing.subscriptions.timeline import assert_adds_up

pytestmark = pytest.mark.django_db


def two_rows(month_usage, once_usage):
    """A row of 100 a month that may go below zero, drawn first, and one of 50 for once, which may not."""
    return holder(
        balance(
            "calls",
            row(50, once_usage, id="once"),
            row(
                100,
                month_usage,
                id="month",
                plan_id="pro",
                reset=monthly("2026-02-01"),
                price=usage_price(1),
            ),
            overage_allowed=True,
        )
    )


def test_a_refund_heals_what_is_below_zero_before_it_refills_in_drawing_order():
    taken(two_rows(130, 50))
    # 30 heal the month's row to zero; then it is refilled first, being drawn first.
    use(-40)
    assert usages() == [50, 90]
    # 90 more refill it, and 10 go to the other.
    use(-100)
    assert usages() == [40, 0]
    # 40 are still used: of 60, 20 are dropped, and the rows are full.
    told = use(-60)
    assert "Refunded 40" in told
    assert "Dropped 20" in told
    assert figures() == (150, 150, 0)
    assert_adds_up()


def test_a_refund_heals_the_second_row_before_it_refills_the_first():
    """The first in drawing order is half used, the second is 20 over."""
    taken(
        holder(
            balance(
                "calls",
                row(
                    100, 50, id="day", plan_id="pro", reset={"interval": "day", "resets_at": ms("2026-01-02")}
                ),
                row(100, 120, id="month", plan_id="pro", reset=monthly("2026-02-01"), price=usage_price(1)),
                overage_allowed=True,
            )
        )
    )
    use(-15)
    assert usages() == [50, 105]
    use(-15)
    assert usages() == [40, 100]


def test_a_refund_never_restores_a_rollover():
    taken(
        holder(
            balance(
                "calls",
                row(10, 0, id="row", reset=monthly("2026-02-01")),
                rollovers=[{"balance": 5, "granted": 5, "expires_at": 0}],
            )
        )
    )
    use(7)
    assert (carried(), usages()) == ([(0, 5, 0)], [2])
    # Of 7 only the 2 of the row come back.
    assert "Dropped 5" in use(-7)
    assert (carried(), usages()) == ([(0, 5, 0)], [0])
    assert figures() == (15, 10, 5)


def test_an_entitys_refund_reaches_its_rows_and_the_customers():
    given(feature("calls"))
    customer(entities=[{"id": "a", "name": "a", "created_at": ms(JAN_1), "env": "live"}])
    run("grant", "acme", "calls", "10", "--at", JAN_1)
    run("grant", "acme", "calls", "5", "--entity", "a", "--at", JAN_1)
    use(9, "--entity", "a")
    assert usages() == [4, 5]
    # Without the entity, the customer's row alone.
    assert "Dropped 2" in use(-6)
    assert usages() == [0, 5]
    use(-5, "--entity", "a")
    assert usages() == [0, 0]


def test_a_key_is_one_use_for_ever():
    given(feature("calls"))
    customer()
    run("grant", "acme", "calls", "10", "--at", JAN_1)
    use(4, "--key", "k1")
    again = use(4, "--key", "k1")
    assert "already recorded" in again
    assert "Used 4" in again
    assert figures() == (10, 6, 4)
    # Another amount, feature or time, or a refund, under the same key is another payload.
    assert "k1" in use_refused(5, "--key", "k1")
    given(feature("mails"))
    assert "k1" in use_refused(4, "--key", "k1", of="mails")
    assert "k1" in use_refused(4, "--key", "k1", when="2026-01-02")
    assert "k1" in use_refused(-4, "--key", "k1")
    assert figures() == (10, 6, 4)
    assert Posting.objects.filter(key="k1").count() == 1


def test_an_equal_amount_in_other_digits_is_the_same_payload():
    given(feature("calls"))
    customer()
    run("grant", "acme", "calls", "10", "--at", JAN_1)
    use("4", "--key", "k1")
    assert "already recorded" in use("4.00", "--key", "k1")
    assert figures() == (10, 6, 4)


def test_a_key_whose_use_was_refused_is_free_again():
    given(feature("calls"))
    customer()
    run("grant", "acme", "calls", "10", "--at", JAN_1)
    assert missing(use_refused(11, "--key", "k1")) == 1
    use(3, "--key", "k1")
    assert figures() == (10, 7, 3)


def test_a_refund_has_its_key_too():
    given(feature("calls"))
    customer()
    run("grant", "acme", "calls", "10", "--at", JAN_1)
    use(6)
    use(-2, "--key", "back")
    use(-2, "--key", "back")
    assert figures() == (10, 6, 4)


def merged(name, into):
    return Customer.objects.create(
        name=name, external_id=name, merged_into=Customer.objects.get(external_id=into)
    )


def test_usage_for_a_merged_customer_reaches_the_survivor(tmp_path):
    given(feature("calls"))
    customer()
    run("grant", "acme", "calls", "10", "--at", JAN_1)
    merged("old", "acme")
    merged("oldest", "acme")
    use(2, who="old")
    use(3, "--key", "k", who="oldest")
    # The survivor's own name and the merged one's are one customer, to a key too.
    assert "already recorded" in use(3, "--key", "k")
    file = tmp_path / "uses.ndjson"
    file.write_text(json.dumps({"customer": "oldest", "feature": "calls", "amount": 1}))
    run("record_usage", "--file", str(file))
    assert figures() == (10, 4, 6)


def test_a_file_of_uses_is_recorded_use_by_use_and_its_refusals_are_told(tmp_path):
    given(feature("calls", event_names=["api.call"]), plan("free", item("calls", 10)))
    customer()
    attach("free")
    day = datetime(2026, 1, 5, tzinfo=UTC).isoformat()
    uses = [
        {"customer": "acme", "feature": "calls", "amount": 4, "key": "u1", "at": day},
        {
            "customer": "acme",
            "event_name": "api.call",
            "key": "u2",
            "at": day,
        },  # one, where no amount is said
        {"customer": "acme", "feature": "calls", "amount": 6, "key": "u3", "at": day},  # 5 are left: refused
        {"customer": "acme", "feature": "calls", "amount": 4, "key": "u1", "at": day},  # the first again
        {
            "customer": "acme",
            "feature": "calls",
            "amount": 2,
            "key": "u1",
            "at": day,
        },  # its key, another amount
        {"customer": "acme", "feature": "calls", "amount": -2, "at": day},
        {
            "customer": "acme",
            "feature": "calls",
            "amount": 7,
            "key": "u3",
            "at": day,
        },  # the refused key is free
        {"customer": "nobody", "feature": "calls", "amount": 1, "at": day},
        {"customer": "acme", "feature": "nothing", "amount": 1, "at": day},
    ]
    file, errors = tmp_path / "uses.ndjson", tmp_path / "errors.ndjson"
    file.write_text("\n".join(map(json.dumps, uses)))
    refused("record_usage", "--file", str(file), "--errors", str(errors))
    # 4 + 1 - 2 + 7
    assert figures(when=day) == (10, 0, 10)
    lines = [json.loads(line) for line in errors.read_text().splitlines()]
    assert [line["number"] if "number" in line else line["record"] for line in lines] == [3, 5, 8, 9]
    # Once more: what has a key changes nothing; the refund, which has none, comes again.
    refused("record_usage", "--file", str(file), "--errors", str(errors))
    assert figures(when=day) == (10, 2, 8)
    assert_adds_up()


def test_many_uses_of_one_balance_come_to_the_same_as_one_by_one(tmp_path):
    """12 uses of 10, of a week's 25, a month's 60 and 20 beyond it: the eleventh does not fit, nor the twelfth."""
    given(
        feature("calls"),
        plan("pro", item("calls", 60, price=usage_price(1, max_purchase=20)), price=1),
    )
    customer()
    attach("pro")
    run("grant", "acme", "calls", "25", "--interval", "week", "--at", JAN_1)
    file = tmp_path / "uses.ndjson"
    one = {"customer": "acme", "feature": "calls", "amount": 10, "at": "2026-01-02T00:00:00Z"}
    file.write_text("\n".join([json.dumps(one)] * 12))
    told = refused("record_usage", "--file", str(file))
    assert "5 of 10" in told
    assert usages(when="2026-01-02") == [75, 25]
    run("record_usage", "--file", str(file), "--cap")
    assert usages(when="2026-01-02") == [80, 25]
    assert document("2026-01-02")["balances"]["calls"]["remaining"] == 0
    assert_adds_up()
