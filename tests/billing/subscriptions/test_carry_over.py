"""What a change of plan carries along: what is in use, what was bought ahead, flags."""

from decimal import Decimal

import pytest

from billing.balances.adjust import add
from billing.models import Flag, Grant, Invoice, InvoiceLine, Rollover
from billing.subscriptions import attach_plan, change_plan
from tests.billing.subscriptions.timeline import (
    a_month_for,
    assert_adds_up,
    at,
    billed,
    document,
    draw,
    figures,
    metered,
    plan_of,
    run_until,
    use,
)
from tests.factories import make_customer, make_feature

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


def test_more_of_the_same_plan_begins_at_once_and_keeps_what_was_used():
    calls = metered("calls")
    plan = plan_of("pro", (calls, {"included": 100}), **a_month_for(20))
    customer = make_customer()
    subscription = attach(customer, plan)
    use(customer, calls, 40, JAN_31)
    result = change(subscription, plan, quantity=Decimal(3))
    # Half a month of one at 20.00 back, half a month of three.
    assert billed(result.invoices[0]) == [("proration", -1000), ("proration", 3000)]
    assert figures(customer, FEB_14, "calls") == (300, 260, 40)
    fewer = change(result.subscription, plan, quantity=Decimal(2))
    assert fewer.subscription.status == "scheduled"
    assert figures(customer, FEB_14, "calls") == (300, 260, 40)
    run_until(FEB_28)
    assert figures(customer, FEB_28, "calls") == (200, 200, 0)
    assert Invoice.objects.latest("number").total == 4000
    assert_adds_up()


def test_use_beyond_the_grant_is_billed_when_the_period_ends_though_the_quantity_changed():
    calls = metered("calls")
    item = {
        "included": 100,
        "billing_method": "usage_based",
        "price_amount": Decimal(1),
        "price_interval": "month",
        "billing_units": Decimal(1),
    }
    plan = plan_of("pro", (calls, item), **a_month_for(20))
    customer = make_customer()
    subscription = attach(customer, plan)
    use(customer, calls, 103, JAN_31)
    result = change(subscription, plan, quantity=Decimal(2))
    assert billed(result.invoices[0]) == [("proration", -1000), ("proration", 2000)]
    assert figures(customer, FEB_14, "calls") == (200, 97, 103)
    use(customer, calls, 100, FEB_14)
    run_until(FEB_28)
    # 203 of 200.
    assert billed(Invoice.objects.latest("number")) == [("usage", 300), ("base", 4000)]
    assert_adds_up()


def test_each_grant_of_one_feature_keeps_what_was_used_of_it():
    calls = metered("calls")
    priced = {
        "included": 50,
        "billing_method": "prepaid",
        "price_amount": Decimal(1),
        "price_interval": "month",
        "billing_units": Decimal(1),
    }
    plan = plan_of("pro", (calls, {"included": 100}), (calls, priced), **a_month_for(20))
    customer = make_customer()
    subscription = attach(customer, plan)
    included = Grant.objects.get(included_grant=100)
    draw(included, 30, JAN_31)
    assert figures(customer, JAN_31, "calls") == (150, 120, 30)
    change(subscription, plan, quantity=Decimal(2))
    assert figures(customer, FEB_14, "calls") == (300, 270, 30)
    assert_adds_up()


def test_units_bought_ahead_are_kept_as_far_as_the_other_plan_sells_them():
    feature = metered("credits")

    def sold(units, price):
        return {
            "included": 0,
            "billing_method": "prepaid",
            "price_amount": Decimal(price),
            "price_interval": "month",
            "billing_units": Decimal(units),
        }

    customer = make_customer()
    subscription = attach(
        customer,
        plan_of("basic", (feature, sold(100, 2)), **a_month_for(10)),
        prepaid={"credits": Decimal(300)},
    )
    result = change(subscription, plan_of("pro", (feature, sold(250, 4)), **a_month_for(30)))
    # 300 are two packs of 250. Halves of 10 and 3·2 back, halves of 30 and 2·4 to pay.
    assert result.subscription.prepaid_quantities == {"credits": "500"}
    assert [amount for _, amount in billed(result.invoices[0])] == [-500, -300, 1500, 400]
    assert figures(customer, FEB_14, "credits") == (500, 500, 0)
    more = change(result.subscription, result.subscription.plan, prepaid={"credits": Decimal(1000)})
    assert [amount for _, amount in billed(more.invoices[0])] == [-400, 800]
    none = change(more.subscription, plan_of("plain", **a_month_for(90)))
    assert none.subscription.prepaid_quantities == {}
    assert_adds_up()


def test_a_customer_stays_on_the_version_attached_until_it_is_changed():
    calls = metered("calls")
    first = plan_of("pro", (calls, {"included": 100}), **a_month_for(20))
    customer = make_customer()
    subscription = attach(customer, first)
    use(customer, calls, 25, JAN_31)
    second = plan_of("pro", (calls, {"included": 150}), version=2, **a_month_for(20))
    run_until(FEB_14)
    subscription.refresh_from_db()
    assert subscription.plan == first
    assert figures(customer, FEB_14, "calls") == (100, 75, 25)
    result = change(subscription, second)
    assert result.subscription.plan == second
    # The same plan in another version: what was used stays used.
    assert figures(customer, FEB_14, "calls") == (150, 125, 25)
    # Both cost the same, so nothing is billed.
    assert result.invoices == []
    assert_adds_up()


def test_seats_in_use_are_carried_along_and_calls_are_not():
    calls, seats = metered("calls"), metered("seats", consumable=False)

    def items(number):
        return (calls, {"included": 100}), (seats, {"included": number, "reset_interval": ""})

    customer = make_customer()
    subscription = attach(customer, plan_of("pro", *items(10), **a_month_for(50)))
    use(customer, seats, 7, JAN_31)
    use(customer, calls, 60, JAN_31)
    up = change(subscription, plan_of("team", *items(20), **a_month_for(80)))
    assert figures(customer, FEB_14, "seats") == (20, 13, 7)
    assert figures(customer, FEB_14, "calls") == (100, 100, 0)
    change(up.subscription, plan_of("solo", *items(5), **a_month_for(10)))
    run_until(FEB_28)
    # Seven are held of five: nothing is left, and two must be given back.
    assert figures(customer, FEB_28, "seats") == (5, 0, 7)
    assert_adds_up()


def test_a_flag_stays_when_another_plan_gives_it_too():
    sso, audit = (make_feature(feature_id=name, type="boolean") for name in ("sso", "audit"))
    switch = {"included": 0, "reset_interval": ""}
    customer = make_customer()
    subscription = attach(customer, plan_of("pro", (sso, switch), (audit, switch), **a_month_for(20)))
    attach(customer, plan_of("security", (sso, switch), add_on=True))
    change(subscription, plan_of("plain", **a_month_for(30)))
    assert dict(Flag.objects.values_list("feature__feature_id", "plan__plan_id")) == {"sso": "security"}


def test_a_flag_stays_the_same_when_the_plan_that_takes_over_gives_it_too():
    sso, audit = (make_feature(feature_id=name, type="boolean") for name in ("sso", "audit"))
    switch = {"included": 0, "reset_interval": ""}
    pro = plan_of("pro", (sso, switch), (audit, switch), **a_month_for(20))
    subscription = attach(make_customer(), pro)
    flag = Flag.objects.get(feature=sso)
    more = change(subscription, pro, quantity=Decimal(2)).subscription
    assert Flag.objects.count() == 2
    change(more, plan_of("max", (sso, switch), **a_month_for(90)))
    assert list(Flag.objects.values_list("pk", "plan__plan_id", "expires_at")) == [(flag.pk, "max", None)]


def test_less_of_the_same_plan_carries_over_what_was_left_when_it_begins(settings):
    settings.RESET_PAST_DUE = True
    calls, seats = metered("calls"), metered("seats", consumable=False)
    plan = plan_of(
        "pro",
        (
            calls,
            {
                "included": 100,
                "reset_interval": "month",
                "rollover_expiry_unit": "month",
                "rollover_expiry_length": 2,
            },
        ),
        (seats, {"included": 5, "reset_interval": ""}),
        **a_month_for(20),
    )
    customer = make_customer()
    subscription = attach(customer, plan, quantity=Decimal(3))
    use(customer, calls, 60, at("2026-02-01T00:00"))
    use(customer, seats, 4, at("2026-02-01T00:00"))
    change(subscription, plan, quantity=Decimal(1))
    now = at("2026-02-28T10:00")
    run_until(now)
    # Three hundred less sixty are carried over, beside the hundred of the new month; the seats stay taken.
    assert figures(customer, now, "calls") == (340, 340, 0)
    assert figures(customer, now, "seats") == (5, 1, 4)
    [rollover] = Rollover.objects.filter(ended_at=None)
    assert rollover.expires_at == at("2026-04-30T10:00")
    assert Grant.objects.get(pk=rollover.grant_id, subscription__quantity=1).ended_at is None
    assert document(customer, now)["balances"]["calls"]["next_reset_at"] == milliseconds(
        at("2026-03-31T10:00")
    )
    run_until(at("2026-04-30T10:00"))
    # The 240 have expired; a hundred of February and a hundred of March are left over.
    assert figures(customer, at("2026-04-30T10:00"), "calls") == (300, 300, 0)
    assert_adds_up()


def test_use_beyond_the_grant_is_billed_once_when_less_of_the_plan_begins(settings):
    settings.RESET_PAST_DUE = True
    calls = metered("calls")
    priced = {
        "included": 10,
        "reset_interval": "month",
        "billing_method": "usage_based",
        "price_amount": Decimal(1),
        "price_interval": "month",
        "billing_units": 1,
    }
    plan = plan_of("pro", (calls, priced), **a_month_for(20))
    customer = make_customer()
    subscription = attach(customer, plan, quantity=Decimal(3))
    use(customer, calls, 37, at("2026-02-01T00:00"))
    change(subscription, plan, quantity=Decimal(1))
    run_until(at("2026-02-28T10:00"))
    # Thirty-seven less three times ten, at a dollar.
    lines = InvoiceLine.objects.filter(kind="usage").values_list("amount", flat=True)
    assert list(lines) == [700]
    assert figures(customer, at("2026-02-28T10:00"), "calls") == (10, 10, 0)
    assert_adds_up()


def test_another_quantity_keeps_adjustments_and_what_was_carried_over():
    calls = metered("calls")
    item = {"included": 100, "rollover_expiry_unit": "forever"}
    plan = plan_of("free", (calls, item))
    customer = make_customer()
    subscription = attach(customer, plan)
    run_until(at("2026-02-28T10:00"))
    grant = Grant.objects.get(ended_at=None)
    add(grant, Decimal(7), reason="Goodwill", done_by="test", at=at("2026-02-28T11:00"))
    change_plan(subscription, plan, quantity=Decimal(3), at=at("2026-03-01T00:00"), done_by="test")
    moment = at("2026-03-01T00:00")
    # Three hundred, seven by goodwill, and the hundred left of January.
    assert figures(customer, moment, "calls") == (407, 407, 0)
    run_until(at("2026-03-31T10:00"))
    # The goodwill ends with the period; 307 of it are carried over, beside January's hundred.
    assert figures(customer, at("2026-03-31T10:00"), "calls") == (707, 707, 0)
    assert_adds_up()
