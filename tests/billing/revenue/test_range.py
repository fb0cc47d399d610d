"""The range of MRR as a condition on customers, held to `revenue_of` on random subscriptions."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.models import Plan, Subscription
from billing.revenue.monthly import revenue_of
from billing.revenue.range import MonthlyRange, earning_within
from billing.rules.money import from_minor
from customers import clock
from customers.models import Customer
from tests.factories import (
    make_balance,
    make_customer,
    make_feature,
    make_grant,
    make_plan,
    make_plan_item,
    make_subscription,
)

pytestmark = pytest.mark.django_db

#: A twelfth of the first three ends in half a cent.
PRICES = ("0.06", "0.18", "0.30", "0.0000000001", "19.99", "100", "1234.5678901234", "99999999999999")
RHYTHMS = (
    ("month", None),
    ("month", 5),
    ("year", 1),
    ("year", 7),
    ("week", 3),
    ("quarter", None),
    ("day", 11),
)
TIERS = [{"to": 10, "amount": "2.5", "flat_amount": "0"}, {"to": "inf", "amount": "1", "flat_amount": "7"}]


def inside(above: Decimal | int, up_to: Decimal | int | None = None, currency: str | None = None) -> set[str]:
    """The keys of the customers that the condition finds."""
    within = MonthlyRange(Decimal(above), None if up_to is None else Decimal(up_to))
    found = Customer.objects.filter(earning_within(within, currency))
    return {str(key) for key in found.values_list("pk", flat=True)}


def random_plan(chance: random.Random) -> Plan:
    interval, count = chance.choice(RHYTHMS)
    plan = make_plan(
        currency=chance.choice(["USD", "USD", "USD", "JPY", "JPY", "KWD", "KWD", "QQQ"]),
        price_amount=chance.choice([None, *map(Decimal, PRICES)]),
        price_interval=chance.choice([*[interval] * 8, "one_off", ""]),
        price_interval_count=count,
    )
    if chance.random() < 0.4:
        tiered: dict[str, Any] = {"price_amount": None, "price_tiers": TIERS}
        price = chance.choice(
            [
                {"price_amount": Decimal("1.1")},
                {**tiered, "price_tier_behavior": "graduated"},
                {**tiered, "price_tier_behavior": "volume"},
                {"price_amount": None, "price_tiers": [{"to": "inf", "amount": "much"}]},
            ]
        )
        make_plan_item(
            plan=plan,
            feature=make_feature(),
            billing_method="prepaid",
            included=Decimal(chance.choice([0, 9])),
            billing_units=chance.choice([None, Decimal("0.3"), Decimal(7)]),
            price_interval=interval,
            price_interval_count=count,
            **price,
        )
    return plan


def random_subscription(chance: random.Random, customer: Customer, plan: Plan) -> None:
    now = clock.now()
    subscription = make_subscription(
        customer=customer,
        plan=plan,
        quantity=chance.choice([1, 1, 3, Decimal("0.5"), Decimal("123456.789")]),
        status=chance.choice([*["active"] * 8, "ended"]),
        trial_ends_at=chance.choice([None, None, None, now - timedelta(days=1), now + timedelta(days=1)]),
        expires_at=chance.choice([None, None, now + timedelta(days=1)]),
    )
    for item in plan.items.select_related("feature"):
        if chance.random() < 0.5:
            subscription.prepaid_quantities = {item.feature.feature_id: chance.choice(["0.1", "7", "28"])}
            subscription.save()
        if chance.random() < 0.5 and not customer.balances.filter(feature=item.feature).exists():
            make_grant(
                balance=make_balance(customer=customer, feature=item.feature),
                subscription=subscription,
                plan=plan,
                prepaid_grant=Decimal(chance.choice(["0", "9.5", "21"])),
            )


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(2, 20))]
)
def test_it_finds_the_customers_whose_shown_mrr_lies_within(seed: int) -> None:
    chance = random.Random(seed)
    plans = [random_plan(chance) for _ in range(20)]
    for _ in range(25):
        customer = make_customer()
        for _ in range(chance.choice([1, 1, 2, 3])):
            random_subscription(chance, customer, chance.choice(plans))
    reference = revenue_of(str(key) for key in Customer.objects.values_list("pk", flat=True))
    amounts = {(code, each.mrr) for by_currency in reference.values() for code, each in by_currency.items()}
    assert len(amounts) > 3
    edges = sorted({from_minor(max(0, minor + step), code) for code, minor in amounts for step in (-1, 0)})
    ranges: list[tuple[Decimal, Decimal | None]] = [
        (edge, None) for edge in [Decimal(0), *chance.sample(edges, 6)]
    ]
    for _ in range(6):
        above, up_to = sorted(chance.sample(edges, 2))
        ranges.append((above, up_to))
    for low, high in ranges:
        for currency in (None, "USD", "JPY", "GBP"):
            wanted = {
                key
                for key, by_currency in reference.items()
                for code, each in by_currency.items()
                if currency in (None, code)
                and low < from_minor(each.mrr, code)
                and (high is None or from_minor(each.mrr, code) <= high)
            }
            assert inside(low, high, currency) == wanted, (low, high, currency)


def test_the_bounds_of_a_range_belong_to_the_range_below() -> None:
    # 1,200 a year is 100 a month; 1,200.12 is 100.01.
    exactly, more, less = (
        make_subscription(plan=make_plan(price_amount=Decimal(price), price_interval="year")).customer.pk
        for price in ("1200", "1200.12", "1199.88")
    )
    make_customer()
    assert inside(0, 100) == {exactly, less}
    assert inside(100, 1000) == {more}
    assert inside(0) == {exactly, more, less}


def test_what_is_shown_is_what_is_compared() -> None:
    # 0.1650000001 of a year's 1.98 is a month's 0.165 and a hair: shown as 0.17. A month of 0.165 is shown as 0.16.
    above_half, half = (
        make_subscription(plan=make_plan(price_amount=Decimal(price), price_interval="year")).customer.pk
        for price in ("1.9800000012", "1.98")
    )
    assert inside(Decimal("0.16"), Decimal("0.17")) == {above_half}
    assert inside(Decimal("0.15"), Decimal("0.16")) == {half}


def test_a_third_of_a_third_adds_up_exactly() -> None:
    # Three thirds of a month's 10 are 10, where three times 3.3333333333 would be less.
    customer = make_customer()
    plan = make_plan(price_amount=Decimal(10), price_interval="month", price_interval_count=3)
    for _ in range(3):
        make_subscription(customer=customer, plan=plan)
    assert inside(Decimal("9.99"), 10) == {customer.pk}
    assert inside(10) == set()


def test_the_amounts_of_one_customer_are_added_by_currency() -> None:
    customer = make_customer()
    for currency in ("USD", "USD", "EUR"):
        make_subscription(customer=customer, plan=make_plan(currency=currency, price_amount=Decimal(60)))
    key = customer.pk
    assert inside(100) == {key}
    assert inside(100, None, "USD") == {key}
    assert inside(100, None, "EUR") == set()
    assert inside(0, 100, "EUR") == {key}
    assert inside(0, 100, "GBP") == set()


def test_what_a_subscription_itself_says_was_bought_is_found_too() -> None:
    plan = make_plan(price_amount=None)
    item = make_plan_item(
        plan=plan,
        feature=make_feature(feature_id="it's.100 %s"),
        included=Decimal(0),
        price_amount=Decimal(5),
        price_interval="month",
        billing_method="prepaid",
    )
    subscription = make_subscription(plan=plan, prepaid_quantities={item.feature.feature_id: "4"})
    make_subscription(plan=plan)
    assert inside(19, 20) == {subscription.customer_id}
    assert Subscription.objects.count() == 2
