"""Plans are attached: items become grants and flags, prices become invoices."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from billing.models import Invoice, Purchase, Subscription
from billing.subscriptions import CannotSubscribe, attach_plan
from tests.billing.subscriptions.timeline import (
    assert_adds_up,
    at,
    document,
    figures,
    metered,
    plan_of,
    run_until,
)
from tests.clocks import clock_at
from tests.factories import make_customer, make_entity, make_feature, make_plan

pytestmark = pytest.mark.django_db

JAN_31 = at("2026-01-31T10:00")


def attach(customer, plan, **options):
    return attach_plan(customer, plan, **{"at": JAN_31, "done_by": "test", **options})


def test_items_become_grants_and_flags():
    calls, seats = metered("calls"), metered("seats", consumable=False)
    sso = make_feature(feature_id="sso", type="boolean")
    plan = plan_of(
        "pro",
        (calls, {"included": 1000}),
        (seats, {"included": 5, "reset_interval": ""}),
        (sso, {"included": 0, "reset_interval": ""}),
        price_amount=Decimal(20),
        price_interval="month",
    )
    customer = make_customer()
    result = attach(customer, plan, quantity=Decimal(2))
    shown = document(customer, JAN_31)
    [subscription] = shown["subscriptions"]
    assert subscription["status"] == "active"
    assert subscription["quantity"] == 2
    assert subscription["current_period_end"] == at("2026-02-28T10:00").timestamp() * 1000
    assert shown["balances"]["calls"]["granted"] == 2000
    [row] = shown["balances"]["calls"]["breakdown"]
    assert row["plan_id"] == "pro"
    assert row["reset"]["resets_at"] == at("2026-02-28T10:00").timestamp() * 1000
    assert shown["balances"]["seats"]["remaining"] == 10
    assert shown["flags"]["sso"]["plan_id"] == "pro"
    [invoice] = result.invoices
    assert (invoice.total, invoice.currency, invoice.status) == (4000, "USD", "open")
    assert invoice.number
    assert_adds_up()


def test_the_anchor_day_is_kept_over_short_months():
    customer = make_customer()
    attach(customer, plan_of("free", (metered("calls"), {"included": 10})))
    for moment, following in (
        ("2026-02-28T10:00", "2026-03-31T10:00"),
        ("2026-03-31T10:00", "2026-04-30T10:00"),
        ("2026-04-30T10:00", "2026-05-31T10:00"),
    ):
        run_until(at(moment))
        shown = document(customer, at(moment))
        assert shown["balances"]["calls"]["next_reset_at"] == at(following).timestamp() * 1000


def test_a_one_off_plan_is_a_purchase():
    plan = plan_of(
        "pack",
        (metered("credits"), {"included": 500, "reset_interval": ""}),
        price_amount=Decimal("9.99"),
        price_interval="one_off",
    )
    customer = make_customer()
    result = attach(customer, plan, quantity=Decimal(3))
    assert not Subscription.objects.exists()
    assert Purchase.objects.get().quantity == 3
    assert figures(customer, JAN_31, "credits") == (1500, 1500, 0)
    assert result.invoices[0].total == 2997


def test_what_lies_ahead_is_scheduled_and_begins_in_time():
    customer = make_customer()
    plan = plan_of(
        "pro", (metered("calls"), {"included": 10}), price_amount=Decimal(20), price_interval="month"
    )
    start = at("2999-01-31T00:00")
    result = attach(customer, plan, at=start)
    assert result.subscription.status == "scheduled"
    assert not Invoice.objects.exists()
    run_until(at("2999-01-30T23:59"))
    assert document(customer, JAN_31)["balances"] == {}
    run_until(start)
    assert figures(customer, start, "calls") == (10, 10, 0)
    assert Invoice.objects.get().created_at == start


def test_prepaid_units_come_in_whole_packs():
    plan = plan_of(
        "pro",
        (
            metered("credits"),
            {
                "included": 100,
                "billing_method": "prepaid",
                "price_amount": Decimal(5),
                "price_interval": "month",
                "billing_units": Decimal(250),
            },
        ),
        price_amount=Decimal(20),
        price_interval="month",
    )
    customer = make_customer()
    result = attach(customer, plan, prepaid={"credits": Decimal(600)})
    assert figures(customer, JAN_31, "credits") == (850, 850, 0)
    assert result.invoices[0].total == 2000 + 3 * 500
    with pytest.raises(CannotSubscribe, match="doesn't sell prepaid seats"):
        attach(make_customer(), plan, prepaid={"seats": Decimal(1)})


def test_an_entity_has_its_own():
    customer = make_customer()
    entity = make_entity(customer=customer)
    attach(customer, plan_of("pro", (metered("calls"), {"included": 10})), entity=entity)
    assert customer.balances.get().grants.get().entity == entity
    with pytest.raises(CannotSubscribe, match="has no entity"):
        attach(make_customer(), make_plan(), entity=entity)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"archived": True}, "archived"),
        ({"is_stub": True}, "Only its ID is known"),
        ({"env": "sandbox"}, "sandbox"),
    ],
)
def test_plans_that_cannot_be_had(fields, message):
    with pytest.raises(CannotSubscribe, match=message):
        attach(make_customer(), make_plan(**fields))
    assert not Subscription.objects.exists()


def test_the_same_plan_is_not_had_twice_but_an_add_on_may_be():
    customer = make_customer()
    plan, add_on = make_plan(), make_plan(add_on=True)
    attach(customer, plan)
    with pytest.raises(CannotSubscribe, match="already"):
        attach(customer, plan)
    attach(customer, add_on)
    attach(customer, add_on)
    assert Subscription.objects.count() == 3


def test_a_trial_is_had_once_for_all_versions():
    customer = make_customer()
    trial = {"free_trial_length": 14, "free_trial_unit": "day"}
    plan = plan_of("pro", (metered("calls"), {}), price_amount=Decimal(20), price_interval="month", **trial)
    result = attach(customer, plan)
    assert not result.invoices
    shown = document(customer, JAN_31, "trials_used")
    assert shown["subscriptions"][0]["trial_ends_at"] == at("2026-02-14T10:00").timestamp() * 1000
    assert [each["plan_id"] for each in shown["trials_used"]] == ["pro"]
    newer = make_plan(plan_id="pro", version=2, add_on=True, **trial)
    again = attach(customer, newer, at=at("2026-02-01T00:00"))
    assert "already had a trial of it" in again.messages[-1]
    assert len(again.invoices) == 1


def test_a_trial_is_refused_by_fingerprint_where_the_plan_asks():
    plan = make_plan(free_trial_length=7, free_trial_unit="day", trial_once_per_fingerprint=True)
    attach(make_customer(fingerprint="device-1"), plan)
    result = attach(make_customer(fingerprint="device-1"), plan)
    assert "fingerprint" in result.messages[-1]
    assert result.subscription.trial_ends_at is None
    other = attach(make_customer(fingerprint="device-2"), plan)
    assert other.subscription.trial_ends_at is not None


def test_customers_on_one_device_have_a_trial_each_where_the_plan_does_not_ask():
    plan = make_plan(free_trial_length=7, free_trial_unit="day")
    for _ in range(2):
        assert attach(make_customer(fingerprint="device-1"), plan).subscription.trial_ends_at is not None


def test_the_command_attaches_and_tells(capsys):
    customer = make_customer(external_id="acme")
    plan_of("pro", (metered("calls"), {"included": 10}), price_amount=Decimal(20), price_interval="month")
    call_command("attach_plan", "acme", "pro", "--quantity", "2", "--at", "2026-01-31T10:00:00Z")
    out = capsys.readouterr().out
    assert "pro v1 is active." in out
    assert "$40.00, open" in out
    assert figures(customer, JAN_31, "calls") == (20, 20, 0)
    with pytest.raises(CommandError, match=r"No live plan “gold”\. Known plans: pro\."):
        call_command("attach_plan", "acme", "gold")
    with pytest.raises(CommandError, match="already"):
        call_command("attach_plan", "acme", "pro", "--at", "2026-02-01")


def test_a_plan_begins_at_most_five_years_back():
    with clock_at(at("2026-12-01T00:00")):
        for plan in (make_plan(), make_plan(price_interval="one_off")):
            with pytest.raises(CannotSubscribe, match=r"^Enter 2021-12-02 00:00 UTC or a later time\."):
                attach(make_customer(), plan, at=at("2021-12-01T23:59"))
            assert attach(make_customer(), plan, at=at("2021-12-02T00:00")).invoices
