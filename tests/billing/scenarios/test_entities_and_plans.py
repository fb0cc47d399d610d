"""Entities, add-ons and what is bought, each drawn in its turn over several plans."""

from decimal import Decimal
from typing import Any

import pytest

from billing.models import Invoice
from tests.billing.scenarios.steps import (
    JAN_1,
    attach,
    carried,
    credit_system,
    customer,
    document,
    explained,
    feature,
    figures,
    given,
    item,
    missing,
    ms,
    pay,
    plan,
    renew,
    run,
    usage_price,
    usages,
    use,
    use_refused,
)
from tests.billing.subscriptions.timeline import assert_adds_up

pytestmark = pytest.mark.django_db


def entities(*names):
    return [{"id": name, "name": name, "created_at": ms(JAN_1), "env": "live"} for name in names]


def of_entity(name, when=JAN_1):
    """Granted, remaining and usage of calls, as they are for an entity."""
    shown = explained("--entity", name, when=when)["balances"][0]["figures"]
    return tuple(Decimal(shown[figure]) for figure in ("granted", "remaining", "usage"))


def carry_over(maximum, months=1):
    return {"max": maximum, "expiry_duration_type": "month", "expiry_duration_length": months}


def test_an_entitys_plan_and_rollovers_are_its_own_and_the_customers_count_for_each():
    given(
        feature("calls"),
        plan("seat", item("calls", 40, rollover=carry_over(25)), price=5),
        plan("pro", item("calls", 100), price=20),
    )
    customer(entities=entities("a", "b"))
    attach("pro")
    attach("seat", "--entity", "a")
    attach("seat", "--entity", "b")
    assert figures() == (180, 180, 0)
    use(10, "--entity", "a")
    use(5)
    pay("2026-01-02")
    renew("2026-02-01")
    # Of a's 30 and b's 40 that are left, 25 each are carried over.
    assert figures(when="2026-02-01") == (230, 230, 0)
    assert of_entity("a", "2026-02-01") == (165, 165, 0)
    # 25 carried over, 40 of its own, 5 of the customer's; b's are out of reach of a use without an entity.
    use(70, "--entity", "a", when="2026-02-02")
    assert figures(when="2026-02-02") == (230, 160, 70)
    assert missing(use_refused(96, when="2026-02-02")) == 1
    assert of_entity("b", "2026-02-02") == (165, 160, 5)
    assert_adds_up()


def test_a_spend_limit_counts_the_overage_of_all_entities():
    given(feature("calls"), plan("seat", item("calls", 10, price=usage_price(1)), price=5))
    limit: Any = {"spend_limits": [{"overage_limit": 5, "enabled": True}]}
    customer(entities=entities("a", "b"), billing_controls=limit)
    attach("seat", "--entity", "a")
    attach("seat", "--entity", "b")
    use(14, "--entity", "a")
    assert missing(use_refused(12, "--entity", "b")) == 1
    use(11, "--entity", "b")
    assert figures() == (20, 0, 25)


def test_overage_comes_after_everything_that_is_held_and_refunds_go_the_same_way():
    """10 calls at overage, 30 credits at 3 a call: 10 of the first, 10 through the second, 5 beyond the first."""
    given(
        feature("calls"),
        credit_system("credits", calls=3),
        plan("pro", item("calls", 10, price=usage_price(1)), item("credits", 30), price=20),
    )
    customer()
    attach("pro")
    use(25)
    assert (figures(), figures("credits")) == ((10, 0, 15), (30, 0, 30))
    # 5 heal, 3 refill the calls; then 7 more of them, and 3 calls are 9 credits.
    use(-8)
    assert (figures(), figures("credits")) == ((10, 3, 7), (30, 0, 30))
    use(-10)
    assert (figures(), figures("credits")) == ((10, 10, 0), (30, 9, 21))
    # 21 credits are 7 calls: one of 8 is nobody's.
    assert "Dropped 1" in use(-8)
    assert figures("credits") == (30, 30, 0)


def test_packs_bought_ahead_come_before_overage_of_the_same_plan_and_can_be_changed():
    packs = {"amount": 5, "interval": "month", "billing_units": 50, "billing_method": "prepaid"}
    ahead = item("calls", 0, price={**packs, "max_purchase": None})
    given(
        feature("calls"),
        plan("pro", item("calls", 10, price=usage_price(1, max_purchase=20)), ahead, price=20),
    )
    customer()
    attach("pro", "--prepaid", "calls=50")
    use(40)
    assert usages() == [0, 40]
    use(35)
    assert usages() == [25, 50]
    assert missing(use_refused(6)) == 1
    run("change_plan", "acme", "pro", "pro", "--prepaid", "calls=120", "--at", JAN_1)
    shown = document()["balances"]["calls"]["breakdown"]
    # 120 are three packs of 50. The 15 beyond the 10 are billed when the period ends.
    assert [(each["prepaid_grant"], each["usage"]) for each in shown] == [(0, 25), (150, 50)]
    # 20 and a pack; 20 and three packs, less 20 and one, no day of January being over.
    assert sorted(Invoice.objects.values_list("total", flat=True)) == [1000, 2500]


def test_what_is_bought_once_is_drawn_last_and_never_refilled():
    given(
        feature("calls"),
        plan("pro", item("calls", 10), price=20),
        plan("pack", item("calls", 25, None), price=9.99, every="one_off"),
    )
    customer()
    attach("pack", "--quantity", "3")
    attach("pro")
    use(30)
    assert usages() == [20, 10]
    attach("pack")
    assert figures() == (110, 80, 30)
    assert sorted(Invoice.objects.values_list("total", flat=True)) == [999, 2000, 2997]
    pay("2026-01-02")
    renew("2026-02-01")
    assert figures(when="2026-02-01") == (110, 90, 20)


def test_another_quantity_keeps_what_was_used_and_the_flags():
    given(
        feature("calls"),
        feature("sso", type="boolean"),
        plan("pro", item("calls", 100), item("sso", 0, None), price=10),
    )
    customer()
    attach("pro")
    use(30)
    pay(JAN_1)
    # 15.5 of 31 days are left: half of 30, less half of 10.
    run("change_plan", "acme", "pro", "pro", "--quantity", "3", "--at", "2026-01-16T12:00:00Z")
    assert figures(when="2026-01-16T12:00:00Z") == (300, 270, 30)
    assert sorted(Invoice.objects.values_list("total", flat=True)) == [1000, 1000]
    run("change_plan", "acme", "pro", "pro", "--quantity", "1", "--at", "2026-01-20")
    pay("2026-01-20")
    renew("2026-02-01")
    assert figures(when="2026-02-01") == (100, 100, 0)
    assert document("2026-02-01")["flags"]["sso"]["plan_id"] == "pro"


def test_an_add_on_that_is_due_to_begin_serves_a_use_before_anybody_renewed():
    given(feature("calls"), plan("extra", item("calls", 50), add_on=True, price=5))
    customer()
    attach("extra", since="2099-01-01T00:00:00Z")
    use(10, when="2099-01-02")
    assert figures(when="2099-01-02") == (50, 40, 10)


def test_a_quarters_leftovers_are_trimmed_quarter_by_quarter():
    given(feature("calls"), plan("free", item("calls", 90, "quarter", rollover=carry_over(120, 12))))
    customer()
    attach("free")
    use(10)
    renew("2026-04-01")
    assert carried(when="2026-04-01") == [(80, 80, ms("2027-04-01"))]
    renew("2026-07-01")
    # 80 and 90 are 50 too many.
    assert carried(when="2026-07-01") == [(30, 30, ms("2027-04-01")), (90, 90, ms("2027-07-01"))]
    use(40, when="2026-07-02")
    assert figures(when="2026-07-02") == (210, 170, 40)
