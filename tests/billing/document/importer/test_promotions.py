from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.models import Discount, Referral, TrialUsed
from tests.billing.import_documents import exported, only, take_one
from tests.billing.payloads import FEBRUARY, JANUARY, MARCH

pytestmark = pytest.mark.django_db

FIRST_OF_JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
TRIAL = {"plan_id": "pro", "customer_id": "acme", "fingerprint": "device"}
DISCOUNT = {
    "id": "launch",
    "name": "Launch",
    "type": "fixed_discount",
    "discount_value": 12.5,
    "duration_type": "months",
    "duration_value": 3,
    "currency": "EUR",
    "start": JANUARY,
    "end": FEBRUARY,
    "subscription_id": "sub_1",
    "total_discount_amount": 37.5,
}
REFERRAL = {
    "program_id": "friends",
    "customer": {"id": "other", "name": "Other Example", "email": "other@example.com"},
    "reward_applied": True,
    "created_at": JANUARY,
}


def test_trials_follow_the_list():
    take_one(trials_used=[TRIAL])
    row = only(TrialUsed)
    assert (row.plan.plan_id, row.customer_external_id, row.fingerprint) == ("pro", "acme", "device")
    take_one(trials_used=[{**TRIAL, "fingerprint": None}])
    assert only(TrialUsed).pk == row.pk
    assert exported()["trials_used"] == [{**TRIAL, "fingerprint": None}]
    take_one(trials_used=[])
    assert exported()["trials_used"] == []


def test_discounts_follow_the_rewards():
    take_one(rewards={"discounts": [DISCOUNT]})
    row = only(Discount)
    assert (row.discount_id, row.name, row.type) == ("launch", "Launch", "fixed_discount")
    assert (row.discount_value, row.currency) == (Decimal("12.5"), "EUR")
    assert (row.duration_type, row.duration_value) == ("months", 3)
    assert (row.start, row.end) == (FIRST_OF_JANUARY, datetime(2025, 2, 1, tzinfo=UTC))
    assert (row.subscription_id, row.total_discount_amount) == ("sub_1", Decimal("37.5"))
    [shown] = exported()["rewards"]["discounts"]
    assert shown == {
        **DISCOUNT,
        "discount_value": Decimal("12.5"),
        "total_discount_amount": Decimal("37.5"),
    }
    take_one(rewards={"discounts": [{**DISCOUNT, "end": MARCH}]})
    assert only(Discount).pk == row.pk
    assert exported()["rewards"]["discounts"][0]["end"] == MARCH


@pytest.mark.parametrize("nothing", [None, {"discounts": []}])
def test_no_rewards_are_null(nothing):
    take_one(rewards={"discounts": [DISCOUNT]})
    take_one(rewards=nothing)
    assert not Discount.objects.exists()
    assert exported()["rewards"] is None


def test_referrals_follow_the_list():
    take_one(referrals=[REFERRAL])
    row = only(Referral)
    assert (row.program_id, row.referred_id, row.referred_name) == ("friends", "other", "Other Example")
    assert (row.referred_email, row.reward_applied) == ("other@example.com", True)
    assert row.created_at == FIRST_OF_JANUARY
    less = {**REFERRAL, "customer": {"id": "other", "name": None, "email": None}, "reward_applied": False}
    take_one(referrals=[less, REFERRAL])
    assert exported()["referrals"] == [less, REFERRAL]
    assert only(Referral, position=0).pk == row.pk
