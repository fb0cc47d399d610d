"""MRR and ARR by customer and currency, worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Plan, Subscription
from billing.revenue.monthly import (
    UnusablePrice,
    charges_of,
    earning,
    earns,
    prepaid_price,
    revenue_of,
    with_charges,
)
from billing.rules.monthly_value import RecurringRevenue
from billing.rules.prices import prepaid_cost
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

DAY = timedelta(days=1)
GRADUATED = [
    {"to": 100, "amount": "2", "flat_amount": "0"},
    {"to": "inf", "amount": "1", "flat_amount": "7"},
]


def seats(plan: Plan, **fields: Any) -> Any:
    """An item of `plan` that is bought ahead by the month."""
    usual = {"included": Decimal(0), "price_amount": Decimal(5), "price_interval": "month"}
    return make_plan_item(plan=plan, billing_method="prepaid", **{**usual, **fields})


def buy(subscription: Subscription, item: Any, units: str, **fields: Any) -> None:
    """A grant of so many units that the subscription bought ahead."""
    balance = make_balance(customer=subscription.customer, feature=item.feature)
    make_grant(
        balance=balance,
        subscription=subscription,
        plan=subscription.plan,
        billing_method="prepaid",
        included_grant=0,
        prepaid_grant=Decimal(units),
        usage=0,
        **fields,
    )


def of(customer: Customer) -> dict[str, RecurringRevenue]:
    """What the customer brings in."""
    return revenue_of([str(customer.pk)]).get(str(customer.pk), {})


def test_base_price_times_quantity_by_the_month_and_the_year() -> None:
    customer = make_customer()
    make_subscription(customer=customer, quantity=3)
    assert of(customer) == {"USD": RecurringRevenue(mrr=6000, arr=72000)}


def test_each_interval_is_turned_into_a_month_and_rounded_once() -> None:
    # 100 a year twice is 16.666… a month: 16.67 and 200.00, where twice 8.33 would be 16.66.
    customer = make_customer()
    yearly = make_plan(price_amount=Decimal(100), price_interval="year")
    make_subscription(customer=customer, plan=yearly)
    make_subscription(customer=customer, plan=yearly)
    quarterly = make_plan(price_amount=Decimal(90), price_interval="month", price_interval_count=3)
    make_subscription(customer=customer, plan=quarterly)
    assert of(customer) == {"USD": RecurringRevenue(mrr=1667 + 3000, arr=20000 + 36000)}


def test_currencies_are_never_added() -> None:
    customer = make_customer()
    for currency, price in (("USD", "20"), ("JPY", "1500"), ("KWD", "0.005")):
        make_subscription(customer=customer, plan=make_plan(currency=currency, price_amount=Decimal(price)))
    assert of(customer) == {
        "JPY": RecurringRevenue(mrr=1500, arr=18000),
        "KWD": RecurringRevenue(mrr=5, arr=60),
        "USD": RecurringRevenue(mrr=2000, arr=24000),
    }


def test_packs_bought_ahead_are_charged_whole() -> None:
    # 25 units in packs of 10 are 3 packs of 5.00; the monthly base is 20.00.
    customer, plan = make_customer(), make_plan()
    item = seats(plan, billing_units=Decimal(10))
    subscription = make_subscription(customer=customer, plan=plan)
    buy(subscription, item, "25")
    assert of(customer) == {"USD": RecurringRevenue(mrr=3500, arr=42000)}


def test_what_the_grants_say_was_bought_wins_over_what_the_subscription_says() -> None:
    plan = make_plan(price_amount=None)
    item = seats(plan)
    said = {item.feature.feature_id: "4"}
    by_grant = make_subscription(plan=plan, prepaid_quantities=said)
    buy(by_grant, item, "3")
    alone = make_subscription(plan=plan, prepaid_quantities=said)
    ended = make_subscription(plan=plan, prepaid_quantities=said)
    buy(ended, item, "3", ended_at=clock.now())
    found = revenue_of(str(each.customer_id) for each in (by_grant, alone, ended))
    assert [found[str(each.customer_id)]["USD"].mrr for each in (by_grant, alone, ended)] == [
        1500,
        2000,
        2000,
    ]


def test_tiers_count_from_the_first_included_unit() -> None:
    # Included 90, bought 30: 10 units at 2, 20 at 1, and 7 for entering the second tier: 47.
    plan = make_plan(price_amount=None)
    item = seats(plan, included=Decimal(90), price_amount=None, price_tiers=GRADUATED)
    subscription = make_subscription(plan=plan)
    buy(subscription, item, "30")
    # By volume the 120 units are all in the second tier, at 1: 127.
    volume = make_plan(price_amount=None)
    by_volume = make_plan_item(
        plan=volume,
        feature=make_feature(),
        included=Decimal(90),
        price_tiers=GRADUATED,
        price_tier_behavior="volume",
        price_interval="month",
        billing_method="prepaid",
    )
    other = make_subscription(plan=volume)
    buy(other, by_volume, "30")
    assert of(subscription.customer) == {"USD": RecurringRevenue(mrr=4700, arr=56400)}
    assert of(other.customer) == {"USD": RecurringRevenue(mrr=12700, arr=152400)}


def test_use_and_what_is_billed_once_bring_in_nothing_that_recurs() -> None:
    customer = make_customer()
    once = make_plan(price_interval="one_off")
    seats(once, price_interval="one_off")
    metered = make_plan(price_amount=None)
    make_plan_item(
        plan=metered, price_amount=Decimal(5), price_interval="month", billing_method="usage_based"
    )
    for plan in (once, metered, make_plan(price_interval=""), make_plan(price_amount=Decimal(0))):
        make_subscription(customer=customer, plan=plan)
    assert of(customer) == {}


@pytest.mark.parametrize(
    ("fields", "does_earn"),
    [
        ({}, True),
        ({"past_due": True}, True),
        ({"trial_ends_at": DAY}, False),
        ({"trial_ends_at": -DAY}, True),
        ({"canceled_at": -DAY, "expires_at": DAY}, True),
        ({"canceled_at": -DAY, "expires_at": -DAY}, False),
        ({"status": "scheduled", "started_at": DAY}, False),
        ({"status": "ended"}, False),
    ],
)
def test_what_earns(fields: dict[str, Any], does_earn: bool) -> None:
    now = clock.now()
    moments = {name: now + value if isinstance(value, timedelta) else value for name, value in fields.items()}
    subscription = make_subscription(**moments)
    assert earns(subscription, now) is does_earn
    assert earning(now).exists() is does_earn
    assert bool(of(subscription.customer)) is does_earn


def test_a_price_that_nobody_could_charge_is_named_and_left_out() -> None:
    customer = make_customer()
    make_subscription(customer=customer)
    plan = make_plan(price_amount=None)
    item = seats(plan, price_amount=None, price_tiers=[{"to": "inf", "amount": "much"}])
    wrong = make_subscription(customer=customer, plan=plan)
    buy(wrong, item, "1")
    make_subscription(customer=customer, plan=make_plan(currency="QQQ"))
    assert of(customer) == {"USD": RecurringRevenue(mrr=2000, arr=24000)}
    huge = make_subscription(plan=make_plan(price_amount=Decimal("1e14")), quantity=Decimal("1e14"))
    assert of(huge.customer) == {}
    with pytest.raises(UnusablePrice, match=r"the price of .* can.t be used"):
        charges_of(with_charges(Subscription.objects.all()).get(pk=wrong.pk))


def test_three_queries_however_many_customers() -> None:
    plan = make_plan()
    item = seats(plan)
    for count in (1, 6):
        for _ in range(count):
            buy(make_subscription(plan=plan), item, "2")
        keys = [str(key) for key in Customer.objects.values_list("pk", flat=True)]
        with CaptureQueriesContext(connection) as captured:
            assert len(revenue_of(keys)) == len(keys)
        assert len(captured) == 3


@pytest.mark.parametrize("behavior", ["graduated", "volume", "flat"])
@pytest.mark.parametrize("units", ["0", "1", "9.5", "10", "10.1", "11", "99", "250"])
@pytest.mark.parametrize("included", ["0", "90"])
def test_packs_and_tiers_cost_what_the_invoices_charge(behavior: str, units: str, included: str) -> None:
    plan = make_plan(price_amount=Decimal("0.01"), price_interval="week")
    price: dict[str, Any] = {"price_amount": Decimal("1.1")}
    if behavior != "flat":
        price = {"price_amount": None, "price_tiers": GRADUATED, "price_tier_behavior": behavior}
    item = seats(
        plan, included=Decimal(included), billing_units=Decimal("0.1"), price_interval="quarter", **price
    )
    subscription = make_subscription(plan=plan, quantity=2)
    buy(subscription, item, units)
    # A week's 0.02 and a quarter's packs.
    cost = prepaid_cost(prepaid_price(item, plan, "USD"), Decimal(units), Decimal(included) * 2)
    month = Decimal("0.02") * 52 / 12 + cost / 3
    assert of(subscription.customer)["USD"].mrr == round(month * 100)
