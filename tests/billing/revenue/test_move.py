"""The subscriptions of a plan are moved to its newest version, with the MRR before and after."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from billing.models import Subscription
from billing.revenue.move import move_subscriptions, revenue_of_move
from billing.subscriptions import attach_plan, change_plan
from tests.billing.subscriptions.timeline import a_month_for, at, plan_of, run_until
from tests.clocks import clock_at
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

JANUARY = at("2026-01-01T00:00")
FEBRUARY = at("2026-02-01T00:00")


def attached(plan, quantity=1):
    return attach_plan(make_customer(), plan, quantity=Decimal(quantity), done_by="test").subscription


def said(*words):
    out = io.StringIO()
    call_command("move_subscriptions", *words, stdout=out, stderr=out)
    return out.getvalue()


def test_each_moves_at_period_end_and_the_mrr_is_known_before():
    with clock_at(JANUARY):
        first = plan_of("pro", **a_month_for(20))
        one, three = attached(first), attached(first, 3)
        theirs = attached(first)
        Subscription.objects.filter(pk=theirs.pk).update(billed_here=False)
        leaving = attached(first)
        change_plan(leaving, plan_of("small", **a_month_for(5)), done_by="test")
        second = plan_of("pro", version=2, **a_month_for(25))
        assert revenue_of_move(second) == ({"USD": 8000}, {"USD": 10000})
        assert (
            said("pro", "--dry-run")
            == "2 subscriptions to move to pro v2\nMRR: $80.00 before, $100.00 after\n"
        )
        assert not Subscription.objects.filter(plan=second).exists()
        assert said("pro").endswith("2 moved, 0 refused\n")
    with clock_at(FEBRUARY):
        run_until(FEBRUARY)
    for subscription, plan in ((one, second), (three, second), (theirs, first)):
        subscription.refresh_from_db()
        assert subscription.plan == plan
    leaving.refresh_from_db()
    assert leaving.plan.plan_id == "small"


def test_at_once_is_prorated():
    with clock_at(JANUARY):
        subscription = attached(plan_of("pro", **a_month_for(31)))
        second = plan_of("pro", version=2, **a_month_for(62))
    with clock_at(at("2026-01-11T00:00")):
        [moved] = move_subscriptions(second, at_once=True, done_by="test")
    assert not moved.refusal
    # 21 of 31 days.
    assert subscription.invoices.latest("number").total == 2100


def test_one_that_cannot_move_is_named_and_the_others_move():
    with clock_at(JANUARY):
        first = plan_of("pro", **a_month_for(20))
        one = attached(first)
        second = plan_of("pro", version=2, archived=True, **a_month_for(25))
        with pytest.raises(CommandError, match="Some subscriptions stay"):
            said("pro", "--plan-version", "2")
    one.refresh_from_db()
    assert one.plan == first
    assert revenue_of_move(second)[0] == {"USD": 2000}
