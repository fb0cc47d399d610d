"""Usage alerts: what they are measured by, and that each fires once per threshold and period."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.balances.alerts import fire_alerts
from billing.models import AlertFired
from tests.billing.subscriptions.timeline import set_figures
from tests.factories import (
    make_balance,
    make_customer,
    make_entity,
    make_feature,
    make_grant,
    make_plan,
    make_usage_alert,
    make_usage_limit,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 1, 15, tzinfo=UTC)
FEB_1, MAR_1 = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def calls():
    return make_feature(feature_id="calls", name="calls")


@pytest.fixture
def acme():
    return make_customer(external_id="acme")


def granted(customer, feature, included, used, **fields):
    """A grant, in the customer's balance of the feature."""
    balance = customer.balances.filter(feature=feature).first()
    balance = balance or make_balance(customer=customer, feature=feature)
    monthly = {"reset_interval": "month", "next_reset_at": FEB_1}
    figures = {"included_grant": Decimal(included), "usage": Decimal(used)}
    return make_grant(balance=balance, **{**monthly, **figures, **fields})


def fire(customer, at=AT):
    return [str(row) for row in fire_alerts([str(customer.pk)], at)]


def test_it_fires_once_per_period_and_threshold(acme, calls):
    grant = granted(acme, calls, 1000, 800)
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(80))
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(90))
    assert fire(acme) == ["calls past 80%"]
    assert fire(acme) == []
    set_figures(grant, AT, usage=900)
    assert fire(acme) == ["calls past 90%"]
    row = AlertFired.objects.get(threshold=90)
    assert (row.used, row.granted, row.remaining, row.period_ends_at) == (900, 1000, 100, FEB_1)
    assert row.figures == "900 of 1,000 used"
    # It doesn't fire again when usage falls and rises, but does in the next period.
    set_figures(grant, AT, usage=0)
    assert fire(acme) == []
    grant.next_reset_at = MAR_1
    grant.save()
    set_figures(grant, FEB_1, usage=850)
    assert fire(acme, FEB_1) == ["calls past 80%"]


@pytest.mark.parametrize(
    ("kind", "threshold", "used", "fires"),
    [
        ("usage", 500, 499, False),
        ("usage", 500, 500, True),
        ("usage_percentage", 50, 499, False),
        ("usage_percentage", 50, 500, True),
        ("usage_percentage", 120, 1200, True),
        ("remaining", 100, 899, False),
        ("remaining", 100, 900, True),
        ("remaining", 0, 1300, True),
        ("remaining_percentage", 10, 899, False),
        ("remaining_percentage", 10, 900, True),
    ],
)
def test_each_type_of_threshold(acme, calls, kind, threshold, used, fires):
    granted(acme, calls, 1000, used)
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(threshold), threshold_type=kind)
    assert bool(fire(acme)) is fires


@pytest.mark.parametrize(
    ("basis", "fires"), [("", False), ("balance", False), ("included", True), ("recurring", True)]
)
def test_what_100_percent_is(acme, calls, basis, fires):
    """80 of 100 of the plan, and 1,000 that were granted beside it and never reset."""
    granted(acme, calls, 100, 80, plan=make_plan())
    granted(acme, calls, 1000, 0, reset_interval="", next_reset_at=None)
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(80), basis=basis)
    assert bool(fire(acme)) is fires


def test_the_cap_of_a_usage_limit_can_be_100_percent(acme, calls):
    granted(acme, calls, 1000, 0)
    make_usage_limit(
        customer=acme, feature=calls, limit=Decimal(50), reported=Decimal(40), reported_at=AT, anchor="utc"
    )
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(80), basis="usage_limit")
    make_usage_alert(
        customer=acme,
        feature=calls,
        threshold=Decimal(1),
        basis="usage_limit",
        filter={"properties": {"a": "b"}},
    )
    assert fire(acme) == ["calls past 80%"]
    assert AlertFired.objects.get().period_ends_at == datetime(2026, 1, 16, tzinfo=UTC)


def test_one_of_an_entity_sees_what_the_entity_may_use(acme, calls):
    seat, other = make_entity(customer=acme), make_entity(customer=acme)
    granted(acme, calls, 100, 90, entity=seat)
    granted(acme, calls, 900, 0, entity=other)
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(80), entity=seat)
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(80))
    assert len(fire(acme)) == 1
    assert AlertFired.objects.get().entity == seat


def test_one_without_a_feature_watches_each(acme, calls):
    mails = make_feature(feature_id="mails", name="mails")
    granted(acme, calls, 100, 90)
    granted(acme, mails, 100, 85)
    make_usage_alert(customer=acme, feature=None, threshold=Decimal(80))
    assert sorted(fire(acme)) == ["calls past 80%", "mails past 80%"]


def test_without_resets_it_fires_again_once_more_is_granted(acme, calls):
    grant = granted(acme, calls, 100, 90, reset_interval="", next_reset_at=None)
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(20), threshold_type="remaining")
    assert fire(acme) == ["calls below 20 remaining"]
    assert fire(acme) == []
    set_figures(grant, AT, included_grant=200, usage=190)
    assert fire(acme) == ["calls below 20 remaining"]


def test_nothing_fires_for_what_is_off_or_unlimited_or_missing(acme, calls):
    granted(acme, calls, 0, 500, unlimited=True)
    make_usage_alert(
        customer=acme, feature=calls, threshold=Decimal(1), enabled=False, threshold_type="usage"
    )
    make_usage_alert(customer=acme, feature=calls, threshold=Decimal(1))
    make_usage_alert(customer=acme, threshold=Decimal(0), threshold_type="remaining")
    assert fire(acme) == []


def test_customers_without_alerts_take_one_query(acme, calls):
    granted(acme, calls, 100, 90)
    with CaptureQueriesContext(connection) as queries:
        assert fire(acme) == []
    assert len(queries) == 1
