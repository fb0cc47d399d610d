from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.models import AutoTopup, BillingAccount, Entity, SpendLimit, UsageAlert
from tests.billing.import_documents import exported, only, row_counts, take_one
from tests.billing.payloads import JANUARY
from tests.factories import make_entity, make_usage_alert

pytestmark = pytest.mark.django_db

ENTITY = {
    "id": "team_a",
    "name": "Team A",
    "customer_id": "acme",
    "feature_id": "seats",
    "created_at": JANUARY,
    "env": "sandbox",
}


def test_an_account_keeps_its_history():
    take_one(metadata={"a": 1})
    take_one(metadata={"a": 2}, send_email_receipts=True)
    take_one(metadata={"a": 2}, name="A")
    account = only(BillingAccount)
    assert (account.metadata, account.send_email_receipts) == ({"a": 2}, True)
    assert [past.metadata for past in account.history.order_by("history_date")] == [{"a": 1}, {"a": 2}]


class TestEntities:
    def test_every_field_has_its_column(self):
        take_one(entities=[ENTITY])
        row = only(Entity)
        assert (row.entity_id, row.name, row.customer_external_id) == ("team_a", "Team A", "acme")
        assert (row.feature.feature_id, row.env) == ("seats", "sandbox")
        assert row.created_at == datetime(2025, 1, 1, tzinfo=UTC)
        assert exported()["entities"] == [ENTITY]

    def test_without_an_id_it_is_known_by_name_and_time(self):
        nameless = {**ENTITY, "id": None}
        take_one(entities=[nameless, {**nameless, "name": None}])
        before = set(Entity.objects.values_list("pk", flat=True))
        take_one(entities=[{**nameless, "name": None, "feature_id": None}, nameless])
        assert set(Entity.objects.values_list("pk", flat=True)) == before
        assert exported()["entities"] == [{**nameless, "name": None, "feature_id": None}, nameless]

    def test_one_that_disappears_is_removed_and_comes_back(self):
        take_one(entities=[ENTITY])
        take_one(entities=[])
        row = only(Entity)
        assert row.removed_at is not None
        assert exported()["entities"] == []
        take_one(entities=[ENTITY])
        assert only(Entity).pk == row.pk
        assert exported()["entities"] == [ENTITY]

    def test_one_that_a_person_added_becomes_the_documents_when_it_is_listed(self):
        ours = make_entity(customer=take_one(), entity_id="team_a", name="Ours")
        take_one(entities=[])
        ours.refresh_from_db()
        assert ours.removed_at is None
        take_one(entities=[ENTITY])
        ours.refresh_from_db()
        assert (ours.name, ours.imported) == ("Team A", True)


class TestControls:
    TOPUP = {
        "feature_id": "api_calls",
        "threshold": 100.5,
        "quantity": 500,
        "enabled": False,
        "purchase_limit": {"interval": "week", "interval_count": 2, "limit": 3},
    }
    LIMIT = {"feature_id": "api_calls", "enabled": True, "overage_limit": 20.25}
    ALERT = {
        "feature_id": "api_calls",
        "threshold": 80,
        "threshold_type": "usage_percentage",
        "enabled": True,
        "name": "Nearly used up",
    }

    def test_every_field_has_its_column(self):
        take_one(
            billing_controls={
                "auto_topups": [self.TOPUP],
                "spend_limits": [self.LIMIT],
                "usage_alerts": [self.ALERT],
            }
        )
        topup = only(AutoTopup)
        assert (topup.feature.feature_id, topup.enabled) == ("api_calls", False)
        assert (topup.threshold, topup.quantity) == (Decimal("100.5"), 500)
        assert (topup.limit_interval, topup.limit_interval_count, topup.limit) == ("week", 2, 3)
        limit = only(SpendLimit)
        assert (limit.feature.feature_id, limit.enabled) == ("api_calls", True)
        assert limit.overage_limit == Decimal("20.25")
        alert = only(UsageAlert)
        assert (alert.feature.feature_id, alert.threshold) == ("api_calls", 80)
        assert (alert.threshold_type, alert.enabled) == ("usage_percentage", True)
        assert alert.name == "Nearly used up"
        assert exported()["billing_controls"] == {
            "auto_topups": [{**self.TOPUP, "threshold": Decimal("100.5")}],
            "spend_limits": [{**self.LIMIT, "overage_limit": Decimal("20.25")}],
            "usage_alerts": [self.ALERT],
            "usage_limits": [],
            "overage_allowed": [],
        }

    def test_what_may_be_left_out_is_left_out(self):
        controls = {
            "auto_topups": [{"feature_id": "api_calls", "threshold": 1, "quantity": 2}],
            "spend_limits": [{}],
            "usage_limits": [{"feature_id": "api_calls", "limit": 5, "interval": "day"}],
            "usage_alerts": [{"threshold": 1, "threshold_type": "usage"}],
            "overage_allowed": [{"feature_id": "api_calls"}],
        }
        take_one(billing_controls=controls)
        assert exported()["billing_controls"] == controls

    def test_each_list_stands_for_itself(self):
        take_one(billing_controls={"auto_topups": [self.TOPUP], "spend_limits": [self.LIMIT]})
        take_one(billing_controls={"spend_limits": []})
        assert AutoTopup.objects.count() == 1
        assert not SpendLimit.objects.exists()
        take_one(billing_controls={})
        assert AutoTopup.objects.count() == 1

    def test_equal_ones_are_told_apart_and_keep_their_rows(self):
        take_one(billing_controls={"usage_alerts": [self.ALERT, {**self.ALERT, "threshold": 90}]})
        first, second = UsageAlert.objects.values_list("pk", flat=True)
        before = row_counts()
        take_one(billing_controls={"usage_alerts": [self.ALERT, {**self.ALERT, "threshold": 95}]})
        told = before["billing.HistoricalUsageAlert"] + 1
        assert row_counts() == {**before, "billing.HistoricalUsageAlert": told}
        assert list(UsageAlert.objects.values_list("pk", "threshold")) == [
            (first, Decimal(80)),
            (second, Decimal(95)),
        ]

    def test_one_that_a_person_added_stays_beside(self):
        make_usage_alert(customer=take_one(), name="Ours")
        take_one(billing_controls={"usage_alerts": [self.ALERT]})
        take_one(billing_controls={"usage_alerts": []})
        assert only(UsageAlert).name == "Ours"
