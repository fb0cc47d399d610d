"""Plans are changed: at once with the rest of the period prorated to the second, or when the period ends."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from billing.models import Invoice, Subscription
from billing.subscriptions import CannotSubscribe, attach_plan, cancel_subscription, change_plan
from customers import clock
from tests.billing.subscriptions.timeline import (
    a_month_for,
    assert_adds_up,
    at,
    billed,
    document,
    figures,
    metered,
    plan_of,
    run_until,
    use,
)
from tests.factories import make_customer, make_entity

pytestmark = pytest.mark.django_db

JAN_31 = at("2026-01-31T10:00")
#: In the middle of the first period of what begins on JAN_31: fourteen of its 28 days are left.
FEB_14 = at("2026-02-14T10:00")
FEB_28 = at("2026-02-28T10:00")


def attach(customer, plan, moment=JAN_31, **options):
    return attach_plan(customer, plan, at=moment, done_by="test", **options).subscription


def change(subscription, plan, moment=FEB_14, **options):
    return change_plan(subscription, plan, at=moment, done_by="test", **options)


def milliseconds(moment):
    return moment.timestamp() * 1000


def test_an_upgrade_at_once_is_prorated_to_the_second():
    calls = metered("calls")
    # February's period has 2,419,200 seconds: these cost one cent and two cents a second.
    slow = plan_of("slow", (calls, {"included": 100}), **a_month_for("24192"))
    fast = plan_of("fast", (calls, {"included": 500}), **a_month_for("48384"))
    customer = make_customer()
    subscription = attach(customer, slow)
    use(customer, calls, 70, JAN_31)
    moment = FEB_14 + timedelta(seconds=1)
    result = change(subscription, fast, moment)
    [invoice] = result.invoices
    assert billed(invoice) == [("proration", -1_209_599), ("proration", 2_419_198)]
    assert invoice.total == 1_209_599
    assert (invoice.period_start, invoice.period_end) == (JAN_31, FEB_28)
    assert invoice.created_at == moment
    subscription.refresh_from_db()
    assert (subscription.status, subscription.expires_at, subscription.plan) == ("active", None, fast)
    assert result.subscription == subscription
    assert [(phase.plan, phase.starts_at) for phase in subscription.phases.all()] == [
        (slow, JAN_31),
        (fast, moment),
    ]
    [shown] = document(customer, moment)["subscriptions"]
    assert (shown["plan_id"], shown["current_period_end"]) == ("fast", milliseconds(FEB_28))
    # What another plan's grant has used up is not carried along; its reset keeps its date.
    assert figures(customer, moment, "calls") == (500, 500, 0)
    assert document(customer, moment)["balances"]["calls"]["next_reset_at"] == milliseconds(FEB_28)
    assert_adds_up()
    run_until(FEB_28)
    assert Invoice.objects.latest("number").total == 4_838_400


def test_what_took_over_keeps_the_anchor_day_of_its_periods_and_resets(settings):
    settings.RESET_PAST_DUE = True
    calls = metered("calls")
    customer = make_customer()
    subscription = attach(customer, plan_of("slow", (calls, {"included": 100}), **a_month_for(20)))
    change(subscription, plan_of("fast", (calls, {"included": 500}), **a_month_for(50)))
    for moment, following in (
        ("2026-02-28T10:00", "2026-03-31T10:00"),
        ("2026-03-31T10:00", "2026-04-30T10:00"),
        ("2026-04-30T10:00", "2026-05-31T10:00"),
    ):
        run_until(at(moment))
        shown = document(customer, at(moment))
        assert shown["subscriptions"][0]["current_period_end"] == milliseconds(at(following))
        assert shown["balances"]["calls"]["next_reset_at"] == milliseconds(at(following))


@pytest.mark.parametrize(
    ("began", "changed", "dates"),
    [
        # Changed on a 28th: what is due at the end of a later February is due on the 31st of March nevertheless.
        ("2026-01-31T10:00", "2026-03-28T10:00", ["2027-02-28", "2027-03-31"]),
        # Changed on a 31st what keeps to the 28th.
        ("2026-01-28T10:00", "2026-12-31T10:00", ["2027-02-28", "2027-03-28", "2027-04-28"]),
    ],
)
def test_the_day_of_a_change_is_not_taken_for_the_day_of_its_periods(settings, began, changed, dates):
    settings.RESET_PAST_DUE = True
    calls = metered("calls")
    customer = make_customer()
    slow = plan_of("slow", (calls, {"included": 100, "reset_interval": "month"}), **a_month_for(20))
    fast = plan_of("fast", (calls, {"included": 500, "reset_interval": "month"}), **a_month_for(50))
    change(attach(customer, slow, at(began)), fast, at(changed))
    for date, following in pairwise(dates):
        run_until(at(f"{date}T10:00"))
        shown = document(customer, at(f"{date}T10:00"))
        assert shown["subscriptions"][0]["current_period_end"] == milliseconds(at(f"{following}T10:00"))
        assert shown["balances"]["calls"]["next_reset_at"] == milliseconds(at(f"{following}T10:00"))


@pytest.mark.parametrize(
    ("currency", "old", "new", "lines"),
    [
        # Halves: 500.5 and 1500 yen; 6.1725 and 12.345 dinars, which have three digits. Half goes to even.
        ("JPY", "1001", "3000", [-500, 1500]),
        ("KWD", "12.345", "24.690", [-6172, 12345]),
    ],
)
def test_proration_in_currencies_of_other_digits(currency, old, new, lines):
    customer = make_customer()
    subscription = attach(customer, plan_of("old", **a_month_for(old, currency=currency)))
    [invoice] = change(subscription, plan_of("new", **a_month_for(new, currency=currency))).invoices
    assert [amount for _, amount in billed(invoice)] == lines
    assert (invoice.total, invoice.currency) == (sum(lines), currency)


def test_from_month_to_year_a_new_period_begins():
    customer = make_customer()
    subscription = attach(customer, plan_of("monthly", **a_month_for(20)))
    yearly = plan_of("yearly", **a_month_for(600, price_interval="year"))
    result = change(subscription, yearly)
    [invoice] = result.invoices
    assert billed(invoice) == [("proration", -1000), ("base", 60000)]
    assert result.subscription.current_period_start == FEB_14
    assert result.subscription.current_period_end == at("2027-02-14T10:00")


def test_from_year_to_month_what_is_left_over_is_carried_over():
    customer = make_customer()
    # The year to 31 January 2027 has 365 days; after 14 of them 351 are left: 365.00 · 351/365.
    subscription = attach(customer, plan_of("yearly", **a_month_for(365, price_interval="year")))
    [invoice] = change(subscription, plan_of("monthly", **a_month_for(50))).invoices
    assert billed(invoice) == [("proration", -35100), ("base", 5000), ("credit", 30100)]
    assert (invoice.total, invoice.status) == (0, "paid")
    run_until(at("2026-03-14T10:00"))
    following = Invoice.objects.latest("number")
    assert (following.total, following.status) == (0, "paid")
    assert billed(following) == [("base", 5000), ("credit", -5000)]


def test_from_free_to_paid_the_period_begins_with_the_change():
    calls = metered("calls")
    customer = make_customer()
    subscription = attach(customer, plan_of("free", (calls, {"included": 10}), group="main"))
    use(customer, calls, 4, JAN_31)
    result = change(subscription, plan_of("pro", (calls, {"included": 100}), **a_month_for(20)))
    [invoice] = result.invoices
    assert billed(invoice) == [("base", 2000)]
    assert result.subscription.current_period_end == at("2026-03-14T10:00")
    assert figures(customer, FEB_14, "calls") == (100, 100, 0)
    assert_adds_up()


def test_what_costs_less_begins_when_the_period_ends():
    calls = metered("calls")
    customer = make_customer()
    subscription = attach(customer, plan_of("pro", (calls, {"included": 100}), **a_month_for(50)))
    use(customer, calls, 30, JAN_31)
    result = change(subscription, plan_of("basic", (calls, {"included": 10}), **a_month_for(20)))
    assert not result.invoices
    assert (result.subscription.status, result.subscription.started_at) == ("scheduled", FEB_28)
    subscription.refresh_from_db()
    assert (subscription.status, subscription.canceled_at, subscription.expires_at) == (
        "active",
        FEB_14,
        FEB_28,
    )
    just_before = FEB_28 - timedelta(seconds=1)
    run_until(just_before)
    assert figures(customer, just_before, "calls") == (100, 70, 30)
    run_until(FEB_28)
    assert figures(customer, FEB_28, "calls") == (10, 10, 0)
    [shown] = document(customer, FEB_28)["subscriptions"]
    assert (shown["plan_id"], shown["status"]) == ("basic", "active")
    # It began on the 31st, and February was too short for that.
    assert shown["current_period_end"] == milliseconds(at("2026-03-31T10:00"))
    assert document(customer, FEB_28)["balances"]["calls"]["next_reset_at"] == milliseconds(
        at("2026-03-31T10:00")
    )
    assert [invoice.total for invoice in Invoice.objects.order_by("number")] == [5000, 2000]
    assert_adds_up()


def test_at_once_overrides_what_the_price_says():
    customer = make_customer()
    pro, basic = plan_of("pro", **a_month_for(50)), plan_of("basic", **a_month_for(20))
    down = change(attach(customer, pro), basic, at_once=True)
    assert billed(down.invoices[0]) == [("proration", -2500), ("proration", 1000), ("credit", 1500)]
    up = change(down.subscription, pro, at_once=False)
    assert (up.subscription.status, up.subscription.started_at, up.invoices) == ("scheduled", FEB_28, [])


def test_another_change_drops_what_was_scheduled():
    customer = make_customer()
    pro, basic = plan_of("pro", **a_month_for(50)), plan_of("basic", **a_month_for(20))
    subscription = attach(customer, pro)
    change(subscription, basic)
    result = change(subscription, plan_of("tiny", **a_month_for(5)))
    assert "basic v1 will not start." in result.messages
    run_until(FEB_28)
    assert [row.plan.plan_id for row in Subscription.objects.active()] == ["tiny"]
    assert Invoice.objects.latest("number").total == 500


def test_attaching_a_plan_of_the_same_group_changes_the_one_there_is():
    customer = make_customer()
    entity = make_entity(customer=customer)
    basic, pro = plan_of("basic", **a_month_for(20)), plan_of("pro", **a_month_for(50))
    first = attach(customer, basic)
    beside = attach(customer, plan_of("extra", **a_month_for(5, add_on=True)))
    apart = attach(customer, basic, entity=entity)
    other_group = attach(customer, plan_of("support", **a_month_for(9, group="support")))
    second = attach(customer, pro, FEB_14)
    assert (second.pk, second.plan) == (first.pk, pro)
    running = {row.pk for row in Subscription.objects.running()}
    assert running == {beside.pk, apart.pk, other_group.pk, second.pk}
    scheduled = attach(customer, basic, FEB_14 + timedelta(days=1))
    assert (scheduled.status, scheduled.started_at) == ("scheduled", FEB_28)


def test_a_plan_of_the_same_group_attached_from_a_day_ahead_is_a_scheduled_change():
    first = attach(make_customer(), plan_of("basic", **a_month_for(20, price_interval="year")))
    ahead = clock.now() + timedelta(days=1)
    scheduled = attach(first.customer, plan_of("pro", **a_month_for(50)), ahead)
    assert (scheduled.status, scheduled.started_at, scheduled.follows) == ("scheduled", ahead, first)
    assert Invoice.objects.count() == 1


def test_a_change_of_currency_bills_each_in_its_own():
    customer = make_customer()
    subscription = attach(customer, plan_of("dollars", **a_month_for(20)))
    old, new = change(subscription, plan_of("yen", **a_month_for(5000, currency="JPY"))).invoices
    assert (old.currency, billed(old)) == ("USD", [("proration", -1000), ("credit", 1000)])
    assert (new.currency, new.total) == ("JPY", 2500)


@pytest.mark.parametrize(
    "act",
    [
        lambda subscription: change(subscription, plan_of("pro", **a_month_for(50))),
        lambda subscription: change(subscription, subscription.plan, quantity=Decimal(2)),
        lambda subscription: cancel_subscription(subscription, at=FEB_14, done_by="test"),
    ],
)
def test_what_the_billing_platform_bills_is_changed_there(act):
    subscription = attach(make_customer(), plan_of("basic", **a_month_for(20)))
    Subscription.objects.update(billed_here=False)
    subscription.refresh_from_db()
    with pytest.raises(CannotSubscribe, match="on the billing platform, which bills basic v1, then import"):
        act(subscription)


def test_an_archived_plan_is_not_sold_but_who_has_it_may_have_more_of_it():
    customer = make_customer()
    plan = plan_of("old", **a_month_for(20))
    subscription = attach(customer, plan)
    plan.archived = True
    plan.save()
    result = change(subscription, plan, quantity=Decimal(2))
    assert result.invoices[0].total == 1000
    with pytest.raises(CannotSubscribe, match="archived"):
        change(result.subscription, plan_of("gone", archived=True, **a_month_for(30)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "already has"),
        ({"quantity": Decimal(0)}, "quantity above 0 instead of 0"),
        ({"quantity": Decimal("NaN")}, "quantity above 0 instead of NaN"),
        ({"prepaid": {"seats": Decimal(1)}}, "doesn't sell prepaid seats"),
    ],
)
def test_changes_that_cannot_be_made(options, message):
    plan = plan_of("pro", **a_month_for(20))
    subscription = attach(make_customer(), plan)
    with pytest.raises(CannotSubscribe, match=message):
        change(subscription, plan, **options)
    assert Subscription.objects.get() == subscription


def test_plans_that_cannot_be_changed_to():
    subscription = attach(make_customer(), plan_of("pro", **a_month_for(20)))
    with pytest.raises(CannotSubscribe, match="one-time purchase"):
        change(subscription, plan_of("pack", **a_month_for(20, price_interval="one_off")))
    with pytest.raises(CannotSubscribe, match="sandbox"):
        change(subscription, plan_of("pro2", env="sandbox", **a_month_for(20)))
    scheduled = change(subscription, plan_of("basic", **a_month_for(5))).subscription
    with pytest.raises(CannotSubscribe, match="which has not started"):
        change(scheduled, plan_of("other", **a_month_for(6)))
    cancel_subscription(subscription, at=FEB_14, at_once=True, done_by="test")
    with pytest.raises(CannotSubscribe, match="has ended"):
        change(subscription, plan_of("another", **a_month_for(6)))
