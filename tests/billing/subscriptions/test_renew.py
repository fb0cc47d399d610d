"""What time does: resets, rollovers, periods, trials, cancellations, invoices, and how often one looks."""

import json
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.ledger.entries import FigureChange, PostingDraft, locked_balances, post
from billing.models import Feature, Grant, Invoice, LedgerEntry, Plan, Posting, Subscription
from billing.subscriptions import attach_plan, cancel_subscription
from customers import clock
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
from tests.factories import make_billing_account, make_customer, make_grant

pytestmark = pytest.mark.django_db

JAN_31 = at("2026-01-31T10:00")
MONTHLY = {"price_amount": Decimal(20), "price_interval": "month"}


def attach(customer, plan, moment=JAN_31, **options):
    return attach_plan(customer, plan, at=moment, done_by="test", **options).subscription


def use(customer, amount, moment=JAN_31):
    """Draw on the customer's only grant that counts."""
    grant = Grant.objects.get(balance__customer=customer, ended_at=None)
    locked_balances([str(customer.pk)])
    post(
        PostingDraft(
            customer_id=str(customer.pk),
            kind=Posting.Kind.USAGE,
            occurred_at=moment,
            done_by="test",
            changes=[FigureChange(grant, "usage", Decimal(amount))],
            feature_id=grant.balance.feature_id,
        )
    )


def test_usage_begins_anew_after_missed_months_too():
    customer = make_customer()
    attach(customer, plan_of("free", (metered("calls"), {"included": 100})))
    use(customer, 40)
    assert figures(customer, JAN_31, "calls") == (100, 60, 40)
    may = at("2026-05-15T00:00")
    run_until(may)
    assert figures(customer, may, "calls") == (100, 100, 0)
    assert document(customer, may)["balances"]["calls"]["next_reset_at"] == (
        at("2026-05-31T10:00").timestamp() * 1000
    )
    assert LedgerEntry.objects.filter(posting__kind="reset").count() == 1
    before = Posting.objects.count()
    run_until(may)
    assert Posting.objects.count() == before


def test_a_leftover_rolls_over_up_to_its_maximum_and_expires():
    customer = make_customer()
    item = {
        "included": 100,
        "rollover_max": Decimal(120),
        "rollover_expiry_unit": "month",
        "rollover_expiry_length": 2,
    }
    attach(customer, plan_of("free", (metered("calls"), item)))
    use(customer, 30)
    run_until(at("2026-02-28T10:00"))
    # 70 left of January, good until 30 April: two months after the reset was due, by the anchor day.
    assert figures(customer, at("2026-02-28T10:00"), "calls") == (170, 170, 0)
    run_until(at("2026-03-31T10:00"))
    # 100 left of February: 70 + 100 is 50 over the maximum, which comes off the one that expires sooner.
    shown = document(customer, at("2026-03-31T10:00"))["balances"]["calls"]
    assert [(each["balance"], each["granted"]) for each in shown["rollovers"]] == [(20, 20), (100, 100)]
    assert (shown["granted"], shown["remaining"]) == (220, 220)
    run_until(at("2026-04-30T09:59"))
    assert figures(customer, at("2026-04-30T09:59"), "calls") == (220, 220, 0)
    run_until(at("2026-04-30T10:00"))
    assert figures(customer, at("2026-04-30T10:00"), "calls") == (220, 220, 0)
    assert_adds_up()


def test_adjustments_end_with_the_period():
    customer = make_customer()
    attach(customer, plan_of("free", (metered("calls"), {"included": 100})))
    grant = Grant.objects.get()
    grant.adjusted = Decimal(50)
    post(
        PostingDraft(
            customer_id=str(customer.pk),
            kind=Posting.Kind.ADJUSTMENT,
            occurred_at=JAN_31,
            done_by="test",
            changes=[FigureChange(grant, "included_grant", Decimal(50))],
            feature_id=grant.balance.feature_id,
        )
    )
    assert figures(customer, JAN_31, "calls")[0] == 150
    run_until(at("2026-02-28T10:00"))
    assert figures(customer, at("2026-02-28T10:00"), "calls") == (100, 100, 0)


def test_usage_beyond_the_grant_is_billed_and_then_reset():
    customer = make_customer()
    priced = {
        "included": 100,
        "billing_method": "usage_based",
        "price_amount": Decimal("0.5"),
        "price_interval": "month",
        "billing_units": Decimal(10),
    }
    attach(customer, plan_of("pro", (metered("calls"), priced), **MONTHLY))
    use(customer, 125)
    assert document(customer, JAN_31)["balances"]["calls"]["overage_allowed"] is True
    run_until(at("2026-02-28T10:00"))
    first, second = Invoice.objects.order_by("number")
    # 25 beyond are three packs of ten, at half a dollar; and the next month's base price.
    assert (first.total, second.total) == (2000, 2000 + 150)
    assert [line.kind for line in second.lines.all()] == ["usage", "base"]
    assert figures(customer, at("2026-02-28T10:00"), "calls") == (100, 100, 0)


def test_a_trial_becomes_a_paid_period_that_begins_anew():
    customer = make_customer()
    plan = plan_of(
        "pro", (metered("calls"), {"included": 100}), free_trial_length=14, free_trial_unit="day", **MONTHLY
    )
    attach(customer, plan)
    use(customer, 60)
    run_until(at("2026-02-14T09:59"))
    assert not Invoice.objects.exists()
    end = at("2026-02-14T10:00")
    run_until(end)
    assert Invoice.objects.get().total == 2000
    assert figures(customer, end, "calls") == (100, 100, 0)
    [shown] = document(customer, end)["subscriptions"]
    assert shown["current_period_end"] == at("2026-03-14T10:00").timestamp() * 1000
    assert document(customer, end)["balances"]["calls"]["next_reset_at"] == shown["current_period_end"]


def test_a_cancelled_trial_costs_nothing():
    customer = make_customer()
    plan = plan_of("pro", (metered("calls"), {}), free_trial_length=14, free_trial_unit="day", **MONTHLY)
    subscription = attach(customer, plan)
    cancel_subscription(subscription, at=at("2026-02-01T00:00"), done_by="test")
    run_until(at("2026-06-01T00:00"))
    assert not Invoice.objects.exists()
    assert document(customer, at("2026-06-01T00:00"))["subscriptions"] == []


def test_standalone_grants_reset_and_expire():
    grant = make_grant(
        reset_interval="month", next_reset_at=JAN_31, expires_at=at("2026-03-15T00:00"), created_at=JAN_31
    )
    customer = grant.balance.customer
    feature = grant.balance.feature.feature_id
    run_until(at("2026-02-01T00:00"))
    assert figures(customer, at("2026-02-01T00:00"), feature) == (100, 100, 0)
    run_until(at("2026-03-15T00:00"))
    assert figures(customer, at("2026-03-15T00:00"), feature) == (0, 0, 0)
    grant.refresh_from_db()
    assert grant.ended_at == at("2026-03-15T00:00")
    assert grant.held == 0
    assert_adds_up()


def test_an_unpaid_invoice_marks_its_subscription_whose_balances_then_wait(settings):
    customer = make_customer()
    make_billing_account(customer=customer, payment_terms_days=10)
    with clock_at(JAN_31):
        attach(customer, plan_of("pro", (metered("calls"), {"included": 100}), **MONTHLY))
    use(customer, 40)
    run_until(at("2026-02-10T09:59"))
    assert not Subscription.objects.get().past_due
    run_until(at("2026-02-10T10:00"))
    assert Subscription.objects.get().past_due
    run_until(at("2026-02-28T10:00"))
    assert figures(customer, at("2026-02-28T10:00"), "calls") == (100, 60, 40)
    settings.RESET_PAST_DUE = True
    run_until(at("2026-02-28T10:00"))
    assert figures(customer, at("2026-02-28T10:00"), "calls") == (100, 100, 0)


def everything(customer):
    """A customer with most of what time can change."""
    make_billing_account(customer=customer, payment_terms_days=45)
    calls, tokens = metered("calls"), metered("credits")
    attach(
        customer,
        plan_of(
            "pro",
            (
                calls,
                {
                    "included": 100,
                    "rollover_max": Decimal(250),
                    "rollover_expiry_unit": "month",
                    "rollover_expiry_length": 3,
                },
            ),
            (
                tokens,
                {
                    "included": 50,
                    "reset_interval": "week",
                    "billing_method": "usage_based",
                    "price_amount": Decimal(1),
                    "price_interval": "month",
                    "billing_units": Decimal(1),
                },
            ),
            free_trial_length=9,
            free_trial_unit="day",
            **MONTHLY,
        ),
    )
    attach(
        customer,
        plan_of(
            "extra",
            (metered("seats", consumable=False), {"included": 3, "reset_interval": "day"}),
            add_on=True,
            price_amount=Decimal(99),
            price_interval="quarter",
        ),
    )
    for grant in Grant.objects.filter(balance__customer=customer):
        locked_balances([str(customer.pk)])
        post(
            PostingDraft(
                customer_id=str(customer.pk),
                kind=Posting.Kind.USAGE,
                occurred_at=JAN_31,
                done_by="test",
                changes=[FigureChange(grant, "usage", Decimal(60))],
                feature_id=grant.balance.feature_id,
            )
        )


def life(customer, moment):
    """All that can be seen of a customer at a moment, but ids."""
    shown = document(customer, moment, "invoices", "trials_used")
    for invoice in shown["invoices"]:
        del invoice["stripe_id"]
    shown["invoices"].sort(key=lambda each: (each["created_at"], each["total"]))
    rows = [row for balance in shown["balances"].values() for row in balance["breakdown"]]
    for row in (*rows, *shown["subscriptions"]):
        del row["id"]
    del shown["id"], shown["created_at"], shown["name"], shown["email"]
    for trial in shown["trials_used"]:
        del trial["customer_id"]
    return shown


@pytest.mark.parametrize("days", [7, 100, pytest.param(1, marks=pytest.mark.soak)])
def test_running_often_comes_to_the_same_as_running_once(days):
    year = JAN_31 + timedelta(days=365)
    seldom = make_customer()
    everything(seldom)
    run_until(year)
    once = life(seldom, year)
    assert len(once["invoices"]) > 15
    often = make_customer()
    rename_catalog()
    everything(often)
    moment = JAN_31
    while moment < year:
        moment = min(year, moment + timedelta(days=days))
        run_until(moment)
    assert json.dumps(life(often, year), indent=1).splitlines() == json.dumps(once, indent=1).splitlines()
    assert_adds_up()


def rename_catalog():
    """Make room for the same plans again."""
    for feature in Feature.objects.all():
        feature.feature_id = f"old_{feature.feature_id}"
        feature.save()
    for plan in Plan.objects.all():
        plan.plan_id = f"old_{plan.plan_id}"
        plan.save()


def test_the_command_tells_what_happened(capsys, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: at("2026-03-01T00:00"))
    call_command("renew", "--now", "2026-02-01")
    assert "Nothing is due." in capsys.readouterr().out
    customer = make_customer()
    attach(customer, plan_of("pro", (metered("calls"), {"included": 100}), **MONTHLY))
    call_command("renew", "--now", "2026-03-01", "--dry-run")
    out = capsys.readouterr().out
    assert "1 customer: 0 started, 1 new period, 1 reset," in out
    assert "Dry run" in out
    assert Invoice.objects.count() == 1
    call_command("renew", "--now", "2026-03-01")
    assert Invoice.objects.count() == 2
    capsys.readouterr()
    call_command("renew", "--now", "2026-03-01")
    assert "Nothing is due." in capsys.readouterr().out


@pytest.mark.once
def test_the_command_looks_ahead_of_the_clock_in_a_dry_run_only(capsys, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: at("2026-01-31T10:00"))
    attach(make_customer(), plan_of("pro", (metered("calls"), {"included": 100}), **MONTHLY))
    with pytest.raises(CommandError, match="2036-01-10 00:00 UTC is more than 5 minutes ahead") as caught:
        call_command("renew", "--now", "2036-01-10")
    assert caught.value.returncode == 2
    assert "add --dry-run" in str(caught.value)
    assert Invoice.objects.count() == 1

    call_command("renew", "--now", "2026-01-31T10:05:00Z")
    call_command("renew", "--now", "2036-01-10", "--dry-run")

    assert "new periods" in capsys.readouterr().out
    assert Invoice.objects.count() == 1


def test_prorated_seats_of_many_take_as_many_queries_as_those_of_few():
    seats = metered("seats", consumable=False)
    item = {
        "included": 1,
        "billing_method": "usage_based",
        "price_amount": Decimal(10),
        "price_interval": "month",
        "on_increase": "prorate",
        "on_decrease": "prorate",
    }
    plan = plan_of("team", (seats, item), **MONTHLY)

    def queries(number: int, moment: datetime) -> int:
        customers = [make_customer() for _ in range(number)]
        for customer in customers:
            attach(customer, plan, moment)
            use(customer, 3, moment + timedelta(days=14))
        with CaptureQueriesContext(connection) as captured:
            run_until(moment + timedelta(days=28))
        # Half of the month's $20 for the 2 seats that aren't included.
        totals = Invoice.objects.filter(customer__in=customers).order_by("created_at").values_list("total")
        assert [total for (total,) in totals] == [20_00] * number + [30_00] * number
        return len(captured)

    assert queries(2, at("2026-02-01T00:00")) == queries(6, at("2025-02-01T00:00"))
