"""Plans with prices in several currencies: a customer is billed in the one it has, and never in one that nobody chose."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from billing.doctor.plans import check_prices
from billing.doctor.revenue import check_revenue
from billing.models import Grant, Invoice, Plan, Subscription
from billing.rates.enter import enter_rates, read_rate
from billing.revenue.history import revenue_at
from billing.revenue.monthly import revenue_of
from billing.subscriptions import CannotSubscribe, attach_plan, cancel_subscription, change_plan, renew
from billing.subscriptions.upcoming import upcoming_invoice
from customers.models import Customer
from tests.billing.subscriptions.timeline import a_month_for, at, billed, metered, plan_of, run_until, use
from tests.clocks import clock_at
from tests.factories import make_customer, make_invoice

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY = at("2026-01-01T00:00"), at("2026-02-01T00:00")
#: The middle of January: 15.5 of its 31 days are left.
MIDDLE = at("2026-01-16T12:00")


def amounts(**others: str) -> list[dict[str, str]]:
    return [{"currency": code, "amount": amount} for code, amount in others.items()]


def pro(**fields: Any) -> Plan:
    """$100, €90 or ¥12,000 a month, calls above 100 at $0.50, €0.45 or ¥60, and seats at $10, €9 or ¥1,300."""
    calls = {
        "included": 100,
        "price_amount": Decimal("0.5"),
        "additional_currencies": amounts(eur="0.45", JPY="60"),
        "billing_method": "usage_based",
        "price_interval": "month",
        "billing_units": 1,
    }
    seats = {
        **calls,
        "included": 0,
        "reset_interval": "",
        "price_amount": Decimal(10),
        "additional_currencies": amounts(eur="9", JPY="1300"),
        "billing_method": "prepaid",
    }
    return plan_of(
        "pro",
        (metered("calls"), calls),
        (metered("seats", consumable=False), seats),
        **a_month_for(100, additional_currencies=amounts(eur="90", JPY="12000"), **fields),
    )


def attach(customer: Customer, plan: Plan, **options: Any) -> Any:
    return attach_plan(customer, plan, done_by="test", **{"at": JANUARY, **options})


@pytest.mark.parametrize(
    ("currency", "first", "second"),
    [
        # 3 seats. February: 50 calls above the included ones too.
        ("USD", [("base", 10000), ("prepaid", 3000)], [("usage", 2500), ("base", 10000), ("prepaid", 3000)]),
        ("eur", [("base", 9000), ("prepaid", 2700)], [("usage", 2250), ("base", 9000), ("prepaid", 2700)]),
        ("JPY", [("base", 12000), ("prepaid", 3900)], [("usage", 3000), ("base", 12000), ("prepaid", 3900)]),
    ],
)
def test_each_price_is_that_of_the_currency(currency, first, second):
    customer, code = make_customer(), currency.upper()
    with clock_at(JANUARY):
        made = attach(customer, pro(), prepaid={"seats": Decimal(3)}, currency=currency)
        [invoice] = made.invoices
        assert (invoice.currency, billed(invoice)) == (code, first)
    use(customer, Grant.objects.get(balance__feature__name="calls").balance.feature, 150, JANUARY)
    with clock_at(MIDDLE):
        month = sum(amount for _, amount in first)
        assert revenue_of([str(customer.pk)])[str(customer.pk)][code].mrr == month
        upcoming = upcoming_invoice(made.subscription)
        assert upcoming is not None
        assert (upcoming.currency, upcoming.total) == (code, sum(amount for _, amount in second))
    with clock_at(FEBRUARY):
        run_until(FEBRUARY)
        renewed = Invoice.objects.get(created_at=FEBRUARY)
        assert (renewed.currency, billed(renewed)) == (code, second)
        assert [*check_revenue(None), *check_prices(None)] == []  # type: ignore[arg-type]


def test_tiers_have_the_prices_of_the_currency():
    tiers = [
        {"to": 10, "amount": "1", "additional_currencies": [{"currency": "eur", "amount": "0.9"}]},
        {
            "to": "inf",
            "amount": "0.5",
            "flat_amount": "5",
            "additional_currencies": [{"currency": "eur", "amount": "0.4", "flat_amount": "4"}],
        },
    ]
    priced = {"included": 0, "price_tiers": tiers, "billing_method": "usage_based", "price_interval": "month"}
    plan = plan_of("tiered", (metered("calls"), priced), **a_month_for(0))
    customer = make_customer()
    attach(customer, plan, currency="EUR")
    use(customer, Grant.objects.get().balance.feature, 30, JANUARY)
    run_until(FEBRUARY)
    # 10 x 0.90 + 20 x 0.40 + 4
    assert billed(Invoice.objects.get(created_at=FEBRUARY))[0] == ("usage", 2100)


def test_a_change_stays_in_the_currency_that_the_customer_has():
    customer = make_customer()
    subscription = attach(customer, pro(), currency="EUR").subscription
    dearer = plan_of("max", **a_month_for(200, additional_currencies=amounts(eur="180")))
    result = change_plan(subscription, dearer, at=MIDDLE, done_by="test")
    [invoice] = result.invoices
    # Half of 90 euros back, half of 180 billed.
    assert (invoice.currency, billed(invoice)) == ("EUR", [("proration", -4500), ("proration", 9000)])
    assert [phase.currency for phase in subscription.phases.order_by("starts_at")] == ["EUR", "EUR"]
    days = [MIDDLE.replace(day=2), MIDDLE.replace(day=20)]
    with clock_at(FEBRUARY):
        assert dict(revenue_at(days)) == {str(customer.pk): {"EUR": [9000, 18000]}}


def test_a_scheduled_change_keeps_it_too():
    customer = make_customer()
    subscription = attach(customer, pro(), currency="EUR").subscription
    cheaper = plan_of("small", **a_month_for(10, additional_currencies=amounts(eur="8")))
    change_plan(subscription, cheaper, at=MIDDLE, done_by="test")
    run_until(FEBRUARY)
    assert billed(Invoice.objects.get(created_at=FEBRUARY)) == [("base", 800)]
    assert Invoice.objects.get(created_at=FEBRUARY).currency == "EUR"


def test_what_else_is_attached_is_billed_in_it():
    customer = make_customer()
    attach(customer, pro(), currency="EUR")
    extra = plan_of(
        "extra",
        add_on=True,
        price_amount=Decimal(5),
        price_interval="month",
        additional_currencies=amounts(eur="4"),
    )
    once = plan_of(
        "setup",
        add_on=True,
        price_amount=Decimal(50),
        price_interval="one_off",
        additional_currencies=amounts(eur="45"),
    )
    assert [(made.currency, made.total) for made in attach(customer, extra).invoices] == [("EUR", 400)]
    assert [(made.currency, made.total) for made in attach(customer, once).invoices] == [("EUR", 4500)]
    with pytest.raises(CannotSubscribe, match=r"Leave the currency out, or choose EUR, in which"):
        attach(customer, once, currency="USD")
    dollars = plan_of("dollars", add_on=True, price_amount=Decimal(5), price_interval="month")
    with pytest.raises(
        CannotSubscribe, match=r"^Add prices to a new version of the plan. dollars v1 has no price in EUR, in"
    ):
        attach(customer, dollars)


def test_a_customer_with_invoices_is_billed_in_their_currency():
    customer = make_customer()
    make_invoice(customer=customer, currency="JPY", created_at=JANUARY)
    assert attach(customer, pro()).invoices[0].currency == "JPY"
    other = make_customer()
    make_invoice(customer=other, currency="GBP", created_at=JANUARY)
    plan = Plan.objects.get()
    with pytest.raises(
        CannotSubscribe, match=r"^Choose USD or EUR or JPY. pro v1 has no price in GBP, in which the customer"
    ):
        attach(other, plan)
    assert attach(other, plan, currency="USD").messages[-1] == (
        "The customer is billed in USD from now on. It was billed in GBP."
    )


@pytest.mark.parametrize(
    "unbilled", [{"status": "void"}, {"status": "draft"}, {"removed_at": MIDDLE}, {"total": 0}]
)
def test_what_billed_nothing_says_nothing_of_the_currency(unbilled):
    customer = make_customer()
    make_invoice(customer=customer, currency="EUR", created_at=JANUARY)
    make_invoice(**{"customer": customer, "currency": "JPY", "created_at": MIDDLE, **unbilled})
    with clock_at(FEBRUARY):
        assert attach(customer, pro(), at=FEBRUARY).invoices[0].currency == "EUR"


def test_the_default_plan_of_a_group_begins_in_its_own_currency_where_nothing_else_is_billed():
    overage = {
        "included": 5,
        "price_amount": Decimal(1),
        "billing_method": "usage_based",
        "price_interval": "month",
        "billing_units": 1,
    }
    default = plan_of("free", (metered("mails"), overage), group="main", auto_enable=True)
    paid = plan_of("paid", **a_month_for(9, currency="CHF", group="main"))
    customer = make_customer()
    with clock_at(JANUARY):
        attach(customer, paid)
        cancel_subscription(Subscription.objects.get(), done_by="test")
    with clock_at(FEBRUARY):
        run_until(FEBRUARY)
    [begun] = Subscription.objects.filter(status="active")
    assert (begun.plan_id, begun.billing_currency) == (default.pk, "USD")


def test_a_plan_that_lacks_one_price_is_not_sold_in_that_currency():
    plan = pro()
    plan.items.filter(feature__name="seats").update(additional_currencies=amounts(eur="9"))
    with pytest.raises(CannotSubscribe, match=r"Choose USD or EUR. pro v1 has no price in JPY\.$"):
        attach(make_customer(), plan, currency="JPY")
    with pytest.raises(CannotSubscribe, match="currency"):
        attach(make_customer(), plan, currency="XXZ")


def test_a_free_plan_holds_no_currency():
    customer = make_customer()
    free = plan_of("free", group="main")
    subscription = attach(customer, free).subscription
    assert Subscription.objects.get().currency == "USD"
    [invoice] = change_plan(subscription, pro(), at=MIDDLE, currency="EUR", done_by="test").invoices
    assert (invoice.currency, invoice.total) == ("EUR", 9000)


def test_another_currency_may_be_chosen_for_the_only_subscription():
    customer = make_customer()
    plan = pro()
    subscription = attach(customer, plan).subscription
    result = change_plan(subscription, plan, currency="EUR", at=MIDDLE, at_once=True, done_by="test")
    old, new = result.invoices
    assert (old.currency, billed(old)) == ("USD", [("proration", -5000), ("credit", 5000)])
    assert (new.currency, billed(new)) == ("EUR", [("proration", 4500)])
    assert "from now on" in result.messages[1]
    run_until(FEBRUARY)
    assert billed(Invoice.objects.get(created_at=FEBRUARY, currency="EUR")) == [("base", 9000)]


def test_prices_that_were_removed_are_reported_and_billed_to_nobody():
    customer = make_customer()
    with clock_at(JANUARY):
        attach(customer, pro(), currency="EUR")
    Plan.objects.update(additional_currencies=None)
    with clock_at(MIDDLE):
        [finding] = check_prices(None)  # type: ignore[arg-type]
        assert "pro v1 has no base price in EUR" in finding.what
        assert revenue_of([str(customer.pk)]) == {}
        with pytest.raises(CannotSubscribe, match=r"^Choose USD\. pro v1 has no price in EUR, in which"):
            change_plan(Subscription.objects.get(), Plan.objects.get(), quantity=Decimal(2), done_by="test")
    with clock_at(FEBRUARY):
        [failure] = [str(each) for batch in renew(FEBRUARY, done_by="test") for each in batch.failures]
        assert "pro v1 has no base price in EUR" in failure
        assert Invoice.objects.count() == 1


@pytest.mark.parametrize(
    ("quote", "present", "other", "is_up"),
    [
        # $100 a month is more than the ¥12,000 that the present plan costs in yen, at any rate; the new plan is $99.
        ([], "JPY", {"price_amount": Decimal(99)}, False),
        ([], "JPY", {"price_amount": Decimal(101)}, True),
        # The present plan has no price in CHF: at 0.9 francs a dollar, $100 are 90 francs.
        ([("CHF", "0.9")], "USD", {"price_amount": Decimal(89), "currency": "CHF"}, False),
        ([("CHF", "0.9")], "USD", {"price_amount": Decimal(91), "currency": "CHF"}, True),
        ([], "USD", {"price_amount": Decimal(1), "currency": "CHF"}, True),
    ],
)
def test_a_change_to_another_currency_is_an_upgrade_if_it_costs_as_much(quote, present, other, is_up):
    customer = make_customer()
    for code, rate in quote:
        enter_rates([read_rate("USD", rate, "2026-01-01", to=code)])
    cheap = plan_of("other", **a_month_for(1, **other))
    with clock_at(JANUARY):
        attach(customer, pro(), currency=present)
    with clock_at(MIDDLE):
        change_plan(Subscription.objects.get(), cheap, currency=cheap.currency, done_by="test")
    [active] = Subscription.objects.filter(status="active")
    assert (active.plan_id == cheap.pk) is is_up
