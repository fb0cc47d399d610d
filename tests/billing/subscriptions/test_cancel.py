"""Subscriptions are cancelled, and cancellations taken back; trials last longer."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Flag, Grant, Invoice, Subscription, TrialUsed
from billing.subscriptions import (
    CannotSubscribe,
    attach_plan,
    cancel_subscription,
    change_plan,
    extend_trial,
    uncancel_subscription,
)
from tests.billing.subscriptions.timeline import (
    a_month_for,
    assert_adds_up,
    at,
    document,
    draw,
    figures,
    metered,
    plan_of,
    run_until,
)
from tests.factories import make_customer, make_feature, make_subscription

pytestmark = pytest.mark.django_db

JAN_31 = at("2026-01-31T10:00")
FEB_4 = at("2026-02-04T10:00")
FEB_14 = at("2026-02-14T10:00")
FEB_28 = at("2026-02-28T10:00")
TRIAL = {"free_trial_length": 14, "free_trial_unit": "day"}


def attach(customer, plan, moment=JAN_31, **options):
    return attach_plan(customer, plan, at=moment, done_by="test", **options).subscription


def change(subscription, plan, moment, **options):
    return change_plan(subscription, plan, at=moment, done_by="test", **options)


def cancel(subscription, moment=FEB_14, **options):
    return cancel_subscription(subscription, at=moment, done_by="test", **options)


def uncancel(subscription, moment=FEB_14):
    return uncancel_subscription(subscription, at=moment, done_by="test")


def extend(subscription, until, moment=FEB_4):
    return extend_trial(subscription, until, at=moment, done_by="test")


def use(customer, amount):
    """Draw on the customer's only grant that counts."""
    draw(Grant.objects.get(balance__customer=customer, ended_at=None), amount, JAN_31)


def running():
    return [
        (row.plan.plan_id, row.status, row.expires_at)
        for row in Subscription.objects.running().order_by("position")
    ]


def test_cancelled_it_lasts_until_its_period_ends():
    sso = make_feature(feature_id="sso", type="boolean")
    plan = plan_of(
        "pro",
        (metered("calls"), {"included": 100}),
        (sso, {"included": 0, "reset_interval": ""}),
        **a_month_for(20),
    )
    customer = make_customer()
    subscription = attach(customer, plan)
    use(customer, 30)
    result = cancel(subscription)
    assert (result.messages, result.invoices) == (["pro v1 ends on Feb 28, 2026, 10:00."], [])
    [shown] = document(customer, FEB_14)["subscriptions"]
    assert (shown["status"], shown["canceled_at"], shown["expires_at"]) == (
        "active",
        FEB_14.timestamp() * 1000,
        FEB_28.timestamp() * 1000,
    )
    just_before = FEB_28 - timedelta(milliseconds=1)
    run_until(just_before)
    assert figures(customer, just_before, "calls") == (100, 70, 30)
    run_until(at("2026-06-01T00:00"))
    assert running() == []
    assert document(customer, FEB_28)["balances"].get("calls", {}).get("remaining", 0) == 0
    assert not Flag.objects.exists()
    # Only the first month was billed.
    assert Invoice.objects.get().total == 2000
    assert_adds_up()
    with pytest.raises(CannotSubscribe, match="has ended"):
        cancel(subscription, at("2026-06-01T00:00"))


@pytest.mark.parametrize(
    ("currency", "price", "total"),
    # 25 beyond are three packs of ten.
    [("USD", "0.5", 150), ("JPY", "30", 90), ("KWD", "0.125", 375)],
)
def test_cancelled_at_once_what_was_used_beyond_is_billed_and_nothing_given_back(currency, price, total):
    item = {
        "included": 100,
        "billing_method": "usage_based",
        "price_amount": Decimal(price),
        "price_interval": "month",
        "billing_units": Decimal(10),
    }
    customer = make_customer()
    subscription = attach(
        customer, plan_of("pro", (metered("calls"), item), **a_month_for(20, currency=currency))
    )
    use(customer, 125)
    result = cancel(subscription, at_once=True)
    [invoice] = result.invoices
    assert [(line.kind, line.amount, line.quantity) for line in invoice.lines.all()] == [("usage", total, 25)]
    assert (invoice.total, invoice.currency) == (total, currency)
    assert (invoice.period_start, invoice.period_end) == (JAN_31, FEB_14)
    subscription.refresh_from_db()
    assert (subscription.status, subscription.expires_at) == ("ended", FEB_14)
    run_until(at("2026-06-01T00:00"))
    assert Invoice.objects.count() == 2
    assert_adds_up()


def test_what_costs_nothing_ends_at_once():
    customer = make_customer()
    subscription = attach(customer, plan_of("free", (metered("calls"), {"included": 10})))
    use(customer, 4)
    assert cancel(subscription).messages == ["free v1 has ended."]
    assert figures(customer, FEB_14, "calls") == (0, 0, 0)
    assert not Invoice.objects.exists()
    assert_adds_up()


def test_it_is_cancelled_once_but_may_then_be_ended_at_once():
    subscription = attach(make_customer(), plan_of("pro", **a_month_for(20)))
    cancel(subscription)
    with pytest.raises(CannotSubscribe, match="already canceled and ends on Feb 28, 2026, 10:00"):
        cancel(subscription)
    later = FEB_14 + timedelta(days=1)
    cancel(subscription, later, at_once=True)
    subscription.refresh_from_db()
    assert (subscription.status, subscription.canceled_at, subscription.expires_at) == (
        "ended",
        FEB_14,
        later,
    )


def test_uncancelled_it_goes_on():
    customer = make_customer()
    subscription = attach(customer, plan_of("pro", **a_month_for(20)))
    cancel(subscription)
    assert uncancel(subscription).messages == ["pro v1 continues."]
    assert running() == [("pro", "active", None)]
    run_until(FEB_28)
    assert Invoice.objects.count() == 2
    with pytest.raises(CannotSubscribe, match="not canceled"):
        uncancel(subscription)


def test_uncancelling_drops_what_was_scheduled():
    subscription = attach(make_customer(), plan_of("pro", **a_month_for(50)))
    scheduled = change(subscription, plan_of("basic", **a_month_for(20)), FEB_14).subscription
    assert uncancel(subscription).messages == [
        "pro v1 continues.",
        "basic v1 will not start.",
    ]
    run_until(FEB_28)
    assert running() == [("pro", "active", None)]
    scheduled.refresh_from_db()
    assert scheduled.status == "ended"
    assert Invoice.objects.latest("number").total == 5000


def test_cancelling_what_is_scheduled_lets_the_old_one_go_on():
    subscription = attach(make_customer(), plan_of("pro", **a_month_for(50)))
    scheduled = change(subscription, plan_of("basic", **a_month_for(20)), FEB_14).subscription
    assert cancel(scheduled).messages == ["basic v1 will not start.", "pro v1 continues."]
    assert running() == [("pro", "active", None)]
    with pytest.raises(CannotSubscribe, match="has ended"):
        uncancel(scheduled)


def test_cancelling_before_another_begins_cancels_both():
    subscription = attach(make_customer(), plan_of("pro", **a_month_for(50)))
    change(subscription, plan_of("basic", **a_month_for(20)), FEB_14)
    assert cancel(subscription).messages == [
        "basic v1 will not start.",
        "pro v1 ends on Feb 28, 2026, 10:00.",
    ]
    assert running() == [("pro", "active", FEB_28)]
    run_until(at("2026-03-01T00:00"))
    assert running() == []
    assert Invoice.objects.count() == 1


def test_ending_at_once_drops_what_was_scheduled():
    subscription = attach(make_customer(), plan_of("pro", **a_month_for(50)))
    change(subscription, plan_of("basic", **a_month_for(20)), FEB_14)
    cancel(subscription, at_once=True)
    assert running() == []


def test_what_is_due_happens_before_it_is_cancelled():
    subscription = attach(make_customer(), plan_of("pro", **a_month_for(20)))
    cancel(subscription, at("2026-03-15T00:00"))
    assert running() == [("pro", "active", at("2026-03-31T10:00"))]
    # January's and February's months; the one that fell due is no news of the cancellation.
    assert Invoice.objects.count() == 2


def test_a_trial_lasts_longer_and_is_then_paid_for():
    customer = make_customer()
    subscription = attach(
        customer, plan_of("pro", (metered("calls"), {"included": 10}), **a_month_for(20, **TRIAL))
    )
    until = at("2026-02-20T09:00")
    assert extend(subscription, until).messages == [
        "The trial of pro v1 now lasts until Feb 20, 2026, 09:00."
    ]
    run_until(until - timedelta(seconds=1))
    assert not Invoice.objects.exists()
    run_until(until)
    invoice = Invoice.objects.get()
    assert (invoice.total, invoice.period_start, invoice.period_end) == (
        2000,
        until,
        at("2026-03-20T09:00"),
    )
    assert TrialUsed.objects.count() == 1
    assert_adds_up()


def test_a_trial_that_lasts_longer_moves_its_cancellation_and_what_follows():
    plan = plan_of("pro", **a_month_for(50, **TRIAL))
    until = at("2026-02-20T09:00")
    first = attach(make_customer(), plan)
    cancel(first, at("2026-02-02T00:00"))
    extend(first, until)
    first.refresh_from_db()
    assert (first.expires_at, first.current_period_end) == (until, until)
    second = attach(make_customer(), plan)
    scheduled = change(second, plan_of("basic", **a_month_for(20)), at("2026-02-02T00:00")).subscription
    extend(second, until)
    scheduled.refresh_from_db()
    assert scheduled.started_at == until
    run_until(until)
    assert [invoice.total for invoice in Invoice.objects.all()] == [2000]


@pytest.mark.parametrize(
    ("until", "moment", "message"),
    [
        (at("2026-02-14T10:00"), JAN_31, "already lasts until Feb 14, 2026, 10:00"),
        (at("2026-02-10T10:00"), JAN_31, "Enter a later moment"),
        (at("2026-03-10T10:00"), FEB_14, "not on trial"),
    ],
)
def test_trials_that_cannot_last_longer(until, moment, message):
    subscription = attach(make_customer(), plan_of("pro", **a_month_for(20, **TRIAL)))
    with pytest.raises(CannotSubscribe, match=message):
        extend(subscription, until, moment)
    subscription.refresh_from_db()
    assert subscription.trial_ends_at == FEB_14


def test_a_change_during_a_trial_begins_the_trial_of_the_other_plan():
    customer = make_customer()
    subscription = attach(customer, plan_of("basic", **a_month_for(20, **TRIAL)))
    pro = plan_of("pro", **a_month_for(50, **TRIAL))
    result = change(subscription, pro, FEB_4)
    assert (result.subscription.trial_ends_at, result.invoices) == (at("2026-02-18T10:00"), [])
    run_until(at("2026-02-18T10:00"))
    invoice = Invoice.objects.get()
    assert (invoice.total, invoice.period_end) == (5000, at("2026-03-18T10:00"))
    # It was tried too: it cannot be tried again.
    assert {trial.plan.plan_id for trial in TrialUsed.objects.all()} == {"basic", "pro"}


def test_a_change_during_a_trial_to_a_plan_without_one_is_paid_for_at_once():
    customer = make_customer()
    subscription = attach(customer, plan_of("basic", **a_month_for(20, **TRIAL)))
    result = change(subscription, plan_of("pro", **a_month_for(50)), FEB_4)
    assert result.subscription.trial_ends_at is None
    [invoice] = result.invoices
    assert (invoice.total, invoice.period_start, invoice.period_end) == (
        5000,
        FEB_4,
        at("2026-03-04T10:00"),
    )


def test_a_plan_that_was_tried_before_is_not_tried_by_changing_to_it():
    customer = make_customer()
    pro = plan_of("pro", **a_month_for(50, **TRIAL))
    cancel(attach(customer, pro), at("2026-02-02T00:00"), at_once=True)
    basic = attach(customer, plan_of("basic", **a_month_for(20, **TRIAL)), at("2026-02-03T00:00"))
    result = change(basic, pro, at("2026-02-04T00:00"))
    assert result.subscription.trial_ends_at is None
    assert [invoice.total for invoice in result.invoices] == [5000]


def test_more_of_a_plan_on_trial_stays_on_trial():
    customer = make_customer()
    plan = plan_of("pro", (metered("calls"), {"included": 10}), **a_month_for(20, **TRIAL))
    subscription = attach(customer, plan)
    use(customer, 4)
    result = change(subscription, plan, FEB_4, quantity=Decimal(2))
    assert (result.subscription.trial_ends_at, result.invoices) == (FEB_14, [])
    assert figures(customer, FEB_4, "calls") == (20, 16, 4)
    run_until(FEB_14)
    assert Invoice.objects.get().total == 4000
    assert TrialUsed.objects.count() == 1
    assert_adds_up()


def test_what_the_platform_scheduled_is_canceled_there():
    scheduled = make_subscription(status="scheduled", billed_here=False)
    with pytest.raises(CannotSubscribe, match="Cancel it on the billing platform"):
        cancel_subscription(scheduled, done_by="test")
