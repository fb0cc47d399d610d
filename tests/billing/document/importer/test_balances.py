from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.models import Balance, Flag, Grant, Rollover
from tests.billing.import_documents import exported, only, row_counts, take, take_one
from tests.billing.payloads import BALANCE, FEBRUARY, JANUARY, MARCH, PLAN, ROW, SUBSCRIPTION
from tests.factories import make_balance, make_feature, make_grant
from tests.strategies_catalog import Json

pytestmark = pytest.mark.django_db

FIRST_OF_FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
FIRST_OF_MARCH = datetime(2025, 3, 1, tzinfo=UTC)

#: 1000 + 300 granted, 600 used; 20 of 50 rolled over are left.
FULL: Json = {
    "feature_id": "api_calls",
    "granted": 1350,
    "remaining": 720,
    "usage": 630,
    "unlimited": False,
    "overage_allowed": True,
    "max_purchase": 99.5,
    "next_reset_at": FEBRUARY,
    "breakdown": [
        {
            "id": "row_1",
            "plan_id": "pro",
            "included_grant": 1000,
            "prepaid_grant": 300,
            "remaining": 700,
            "usage": 600,
            "unlimited": False,
            "reset": {"interval": "month", "interval_count": 2, "resets_at": FEBRUARY},
            "price": {
                "tiers": [{"to": 10.5, "amount": 0.0000001}, {"to": "inf", "amount": 2, "flat_amount": 0.1}],
                "tier_behavior": "volume",
                "billing_units": 100,
                "billing_method": "usage_based",
                "max_purchase": 5000,
            },
            "expires_at": MARCH,
        }
    ],
    "rollovers": [{"granted": 50, "balance": 20, "expires_at": MARCH}],
}


def test_every_field_has_its_column():
    take_one(balances={"api_calls": FULL})
    balance = only(Balance)
    assert balance.feature.feature_id == "api_calls"
    assert (balance.overage_allowed, balance.max_purchase) == (True, Decimal("99.5"))
    grant = only(Grant)
    assert (grant.balance, grant.grant_id, grant.plan.plan_id) == (balance, "row_1", "pro")
    assert (grant.included_grant, grant.prepaid_grant, grant.usage) == (1000, 300, 600)
    assert (grant.unlimited, grant.entity) == (False, None)
    assert (grant.reset_interval, grant.reset_interval_count) == ("month", 2)
    assert grant.next_reset_at == FIRST_OF_FEBRUARY
    assert grant.price_amount is None
    assert grant.price_tiers == [
        {"to": "10.5", "amount": "0.0000001"},
        {"to": "inf", "amount": "2", "flat_amount": "0.1"},
    ]
    assert (grant.price_tier_behavior, grant.billing_method) == ("volume", "usage_based")
    assert (grant.billing_units, grant.max_purchase) == (100, 5000)
    assert grant.expires_at == FIRST_OF_MARCH
    rollover = only(Rollover)
    assert (rollover.balance, rollover.granted, rollover.left) == (balance, 50, 20)
    assert rollover.expires_at == FIRST_OF_MARCH
    shown = exported()["balances"]["api_calls"]
    assert shown == {
        **FULL,
        "max_purchase": Decimal("99.5"),
        "breakdown": [
            {
                **FULL["breakdown"][0],
                "price": {
                    **FULL["breakdown"][0]["price"],
                    "tiers": [
                        {"to": Decimal("10.5"), "amount": Decimal("0.0000001")},
                        {"to": "inf", "amount": 2, "flat_amount": Decimal("0.1")},
                    ],
                },
            }
        ],
    }


def test_an_unlimited_balance():
    row = {**ROW, "unlimited": True, "included_grant": 0, "remaining": 0, "reset": None}
    sent = {**BALANCE, "unlimited": True, "granted": 0, "remaining": 0, "next_reset_at": None}
    [report] = take({"id": "acme", "balances": {"api_calls": {**sent, "breakdown": [row]}}})
    assert report.remarks == []
    assert only(Grant).unlimited is True
    shown = exported()["balances"]["api_calls"]
    assert [shown[key] for key in ("unlimited", "granted", "remaining", "usage")] == [True, 0, 0, 600]


def test_a_balance_without_breakdown_is_one_row_that_stands_alone():
    aggregate = {key: value for key, value in BALANCE.items() if key != "breakdown"}
    rolled = {"granted": 100, "balance": 30, "expires_at": 0}
    take_one(balances={"api_calls": {**aggregate, "rollovers": [rolled]}})
    grant = only(Grant)
    assert (grant.plan, grant.grant_id) == (None, "")
    assert (grant.included_grant, grant.prepaid_grant, grant.usage) == (900, 0, 530)
    assert (grant.reset_interval, grant.next_reset_at) == ("multiple", FIRST_OF_FEBRUARY)
    assert only(Rollover).expires_at is None
    shown = exported()["balances"]["api_calls"]
    assert (shown["granted"], shown["remaining"], shown["usage"]) == (1000, 400, 600)
    assert shown["rollovers"] == [rolled]


def test_the_rest_of_an_aggregate_that_no_column_holds_is_refused():
    nearly = 999_999_999_999_999
    aggregate = {key: value for key, value in BALANCE.items() if key != "breakdown"}
    sent = {
        **aggregate,
        "granted": -nearly,
        "usage": 0,
        "remaining": 0,
        "rollovers": [{"granted": nearly, "balance": 0, "expires_at": 0}],
    }
    [report, good] = take({"id": "acme", "balances": {"api_calls": sent}}, {"id": "good"})
    assert report.bad is not None
    assert report.bad.path.startswith("$.balances.api_calls")
    assert "more than 15 digits" in report.bad.reason
    assert good.bad is None


def test_a_rollover_without_granted_is_untouched():
    row = {**ROW, "included_grant": 0, "remaining": 0, "usage": 0}
    sent = {**BALANCE, "granted": 5, "remaining": 5, "usage": 0, "breakdown": [row]}
    take_one(balances={"api_calls": {**sent, "rollovers": [{"balance": 5, "expires_at": 0}]}})
    rollover = only(Rollover)
    assert (rollover.granted, rollover.left) == (5, 5)


def test_rows_are_known_by_their_ids():
    other = {**ROW, "id": "row_2", "included_grant": 50, "usage": 0, "remaining": 50}
    take_one(balances={"api_calls": {**BALANCE, "breakdown": [ROW, other]}})
    first, second = Grant.objects.all()
    take_one(balances={"api_calls": {**BALANCE, "breakdown": [{**other, "plan_id": None}, ROW]}})
    assert list(Grant.objects.values_list("pk", "grant_id", "position")) == [
        (second.pk, "row_2", 0),
        (first.pk, "row_1", 1),
    ]
    assert only(Grant, pk=second.pk).plan is None


def test_rows_without_ids_are_known_by_plan_interval_and_order():
    nameless = {key: value for key, value in ROW.items() if key != "id"}
    yearly = {**nameless, "reset": {"interval": "year", "resets_at": FEBRUARY}}
    rows = [nameless, {**nameless, "usage": 1, "remaining": 999}, yearly]
    take_one(balances={"api_calls": {**BALANCE, "breakdown": rows}})
    first, second, third = Grant.objects.all()
    take_one(balances={"api_calls": {**BALANCE, "breakdown": [yearly, rows[1]]}})
    counted = {grant.pk: grant for grant in Grant.objects.counted()}
    assert counted.keys() == {first.pk, third.pk}
    assert (counted[first.pk].usage, counted[third.pk].position) == (1, 0)
    take_one(balances={"api_calls": {**BALANCE, "breakdown": rows}})
    assert set(Grant.objects.counted()) == {first, second, third}


def test_an_absent_balance_ends_its_grants_and_comes_back():
    take_one(balances={"api_calls": FULL, "messages": {**BALANCE, "feature_id": "messages"}})
    take_one(balances={"messages": {**BALANCE, "feature_id": "messages"}})
    balance = only(Balance, feature__feature_id="api_calls")
    grant = balance.grants.get()
    assert grant.ended_at is not None
    assert not Rollover.objects.counted().filter(balance=balance).exists()
    assert list(exported()["balances"]) == ["messages"]
    take_one(balances={"api_calls": FULL})
    assert list(exported()["balances"]) == ["api_calls"]
    assert balance.grants.get() == grant


def test_a_balance_that_is_listed_without_rows_is_shown():
    empty = {**BALANCE, "granted": 0, "remaining": 0, "usage": 0, "next_reset_at": None, "breakdown": []}
    take_one(balances={"api_calls": empty})
    assert not Grant.objects.exists()
    shown = exported()["balances"]["api_calls"]
    assert {**empty, "rollovers": []} == shown


def test_what_a_person_granted_stays():
    customer = take_one(balances={"api_calls": BALANCE})
    ours = make_grant(balance=customer.balances.get(), plan=None, included_grant=5)
    own = make_balance(customer=customer, feature=make_feature(feature_id="own"))
    take_one(balances={})
    ours.refresh_from_db()
    assert ours.ended_at is None
    assert exported()["balances"]["api_calls"]["granted"] == 5
    assert own.grants.count() == 0
    assert only(Balance, pk=own.pk).removed_at is None


def test_the_same_again_writes_nothing():
    balances = {"api_calls": FULL, "messages": {**BALANCE, "feature_id": "messages"}}
    take_one(balances=balances, name="A")
    ids = set(Grant.objects.values_list("pk", flat=True)) | set(Rollover.objects.values_list("pk", flat=True))
    before = row_counts()
    take_one(balances=balances, metadata={})
    assert row_counts() == before
    assert ids == set(Grant.objects.values_list("pk", flat=True)) | set(
        Rollover.objects.values_list("pk", flat=True)
    )


def test_a_grant_follows_its_customer_to_another_version():
    take_one(
        subscriptions=[{**SUBSCRIPTION, "plan": {**PLAN, "version": 1}}], balances={"api_calls": BALANCE}
    )
    assert only(Grant).plan.version == 1
    take_one(
        subscriptions=[{**SUBSCRIPTION, "plan": {**PLAN, "version": 2}}], balances={"api_calls": BALANCE}
    )
    assert only(Grant).plan.version == 2


def test_flags_follow_the_document():
    sso = {"id": "flag_1", "feature_id": "sso", "plan_id": "pro", "expires_at": MARCH}
    take_one(flags={"sso": sso, "saml": {"id": "flag_2", "plan_id": None, "expires_at": None}})
    row = only(Flag, feature__feature_id="sso")
    assert (row.flag_id, row.plan.plan_id, row.expires_at) == ("flag_1", "pro", FIRST_OF_MARCH)
    assert list(exported()["flags"]) == ["sso", "saml"]
    take_one(flags={"sso": {**sso, "id": "flag_9", "plan_id": None, "expires_at": JANUARY}})
    assert only(Flag).pk == row.pk
    shown = exported()["flags"]["sso"]
    assert (shown["id"], shown["plan_id"], shown["expires_at"]) == ("flag_9", None, JANUARY)
    take_one(flags={})
    assert not Flag.objects.exists()
