from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing.document.importer.catalog import upsert_features, upsert_plans
from billing.document.schema import ItemFeature, parse_feature, parse_plan
from billing.models import CreditCost, Feature, Plan, PlanItem, Subscription
from tests.billing.import_documents import only, take, take_one
from tests.billing.payloads import BALANCE, FEATURE, JANUARY, PLAN, SUBSCRIPTION
from tests.factories import make_feature, make_plan
from tests.strategies_billing import as_read
from tests.strategies_catalog import Json

pytestmark = pytest.mark.django_db


def features(*payloads: Json) -> dict[str, Feature]:
    return upsert_features([parse_feature(as_read(payload)) for payload in payloads], "Test")


def plans(*payloads: Json) -> dict[tuple[str, str, int], Plan]:
    read = [parse_plan(as_read(payload)) for payload in payloads]
    known = upsert_features([], "Test", [item.feature_id for plan in read for item in plan.items])
    return upsert_plans(read, known, "Test")


class TestFeatures:
    def test_every_field_has_its_column(self):
        features(
            {
                "id": "credits",
                "name": "Credits",
                "type": "credit_system",
                "consumable": False,
                "archived": True,
                "event_names": ["spent"],
                "credit_schema": [
                    {"metered_feature_id": "api_calls", "credit_cost": 0.0001},
                    {"metered_feature_id": "messages", "credit_cost": 2},
                ],
                "display": {"singular": "credit", "plural": None},
            }
        )
        row = only(Feature, feature_id="credits")
        assert (row.name, row.type) == ("Credits", "credit_system")
        assert (row.consumable, row.archived, row.is_stub) == (False, True, False)
        assert row.event_names == ["spent"]
        assert (row.display_singular, row.display_plural) == ("credit", None)
        costs = [(cost.metered_feature.feature_id, cost.credit_cost) for cost in row.credit_costs.all()]
        assert costs == [("api_calls", Decimal("0.0001")), ("messages", 2)]
        assert set(Feature.objects.filter(is_stub=True).values_list("feature_id", flat=True)) == {
            "api_calls",
            "messages",
        }

    def test_costs_follow_the_schema_and_stay_where_none_is_sent(self):
        system = {**FEATURE, "id": "credits", "type": "credit_system"}
        costs = [{"metered_feature_id": name, "credit_cost": 2} for name in ("a", "b")]
        features({**system, "credit_schema": costs})
        kept = only(CreditCost, metered_feature__feature_id="b")
        features({**system, "credit_schema": [{"metered_feature_id": "b", "credit_cost": 3}]})
        assert only(CreditCost).pk == kept.pk
        assert only(CreditCost).credit_cost == 3
        features(system)
        assert CreditCost.objects.count() == 1
        features({**system, "credit_schema": []})
        assert not CreditCost.objects.exists()

    def test_what_is_no_longer_a_credit_system_costs_nothing(self):
        costs = [{"metered_feature_id": "messages", "credit_cost": 2}]
        features({**FEATURE, "type": "credit_system", "credit_schema": costs})
        features(FEATURE)
        assert not CreditCost.objects.exists()

    def test_a_stub_is_completed_once(self):
        take_one(balances={"api_calls": BALANCE})
        stub = only(Feature)
        assert (stub.name, stub.is_stub) == ("api_calls", True)
        take_one(balances={"api_calls": {**BALANCE, "feature": FEATURE}})
        row = only(Feature)
        assert (row.pk, row.name, row.is_stub) == (stub.pk, "API calls", False)
        take_one(balances={"api_calls": {**BALANCE, "feature": FEATURE}}, metadata={"a": 1})
        assert [past.name for past in row.history.order_by("history_date")] == ["api_calls", "API calls"]
        assert row.history.first().history_change_reason == "Imported from billing"

    def test_what_a_description_leaves_out_stays(self):
        features({**FEATURE, "event_names": ["call"], "display": {"singular": "call", "plural": "calls"}})
        features({**FEATURE, "archived": True})
        row = only(Feature)
        assert (row.event_names, row.display_singular, row.archived) == (["call"], "call", True)

    def test_the_short_form_of_a_plan_item_says_what_it_says(self):
        features({**FEATURE, "consumable": True, "archived": True})
        upsert_features([ItemFeature(id="api_calls", type="continuous_use")], "Test")
        row = only(Feature)
        assert (row.name, row.type, row.consumable, row.archived) == ("API calls", "metered", False, True)
        upsert_features([ItemFeature(id="sso", type="static")], "Test")
        stub = only(Feature, feature_id="sso")
        assert (stub.name, stub.type, stub.is_stub) == ("sso", "boolean", True)

    def test_of_two_descriptions_the_later_counts(self):
        features(FEATURE, {**FEATURE, "name": "Calls"})
        assert only(Feature).name == "Calls"
        assert only(Feature).history.count() == 1


class TestPlans:
    def test_every_field_has_its_column(self, settings):
        settings.DEFAULT_CURRENCY = "EUR"
        plans(
            {
                **PLAN,
                "description": "For teams",
                "group": "main",
                "add_on": True,
                "auto_enable": True,
                "price": {"amount": 19.99, "interval": "semi_annual", "interval_count": 2},
                "free_trial": {"duration_length": 14, "duration_type": "day", "card_required": True},
                "archived": True,
                "base_variant_id": "base",
                "config": {"a": True},
                "metadata": {"b": 1.5},
            }
        )
        row = only(Plan)
        assert (row.env, row.plan_id, row.version, row.name) == ("live", "pro", 2, "Pro")
        assert (row.description, row.group, row.add_on, row.auto_enable) == ("For teams", "main", True, True)
        assert (row.price_amount, row.currency) == (Decimal("19.99"), "EUR")
        assert (row.price_interval, row.price_interval_count) == ("semi_annual", 2)
        assert (row.free_trial_length, row.free_trial_unit) == (14, "day")
        assert (row.free_trial_card_required, row.archived) == (True, True)
        assert (row.base_variant_id, row.config, row.metadata) == ("base", {"a": True}, {"b": 1.5})
        assert row.created_at == datetime(2025, 1, 1, tzinfo=UTC)
        assert row.is_stub is False

    def test_every_field_of_an_item_has_its_column(self):
        item = {
            **PLAN["items"][0],
            "included": 10.5,
            "unlimited": True,
            "reset": {"interval": "quarter", "interval_count": 3},
            "rollover": {"max": 7, "expiry_duration_type": "month", "expiry_duration_length": 2},
        }
        item["price"] = {
            **item["price"],
            "tier_behavior": "graduated",
            "interval_count": 6,
            "billing_units": 100,
            "max_purchase": 9,
        }
        plans({**PLAN, "items": [item]})
        row = only(PlanItem)
        assert (row.feature.feature_id, row.included, row.unlimited) == ("api_calls", Decimal("10.5"), True)
        assert (row.reset_interval, row.reset_interval_count) == ("quarter", 3)
        assert (row.price_amount, row.price_tier_behavior) == (None, "graduated")
        assert row.price_tiers == [
            {"to": "100", "amount": "0.5"},
            {"to": "inf", "amount": "0.25", "flat_amount": "1"},
        ]
        assert (row.price_interval, row.price_interval_count) == ("month", 6)
        assert (row.billing_units, row.billing_method, row.max_purchase) == (100, "usage_based", 9)
        assert (row.rollover_max, row.rollover_expiry_unit, row.rollover_expiry_length) == (7, "month", 2)

    def test_items_follow_the_plan(self):
        call = {**PLAN["items"][0], "price": None}
        plans({**PLAN, "items": [call, {**call, "included": 5}]})
        first, second = PlanItem.objects.all()
        plans({**PLAN, "items": [{**call, "feature_id": "messages"}, call]})
        assert set(PlanItem.objects.values_list("feature__feature_id", "position")) == {
            ("messages", 0),
            ("api_calls", 1),
        }
        assert PlanItem.objects.filter(pk=first.pk).exists()
        assert not PlanItem.objects.filter(pk=second.pk).exists()

    def test_the_first_described_version_completes_a_stub(self):
        take_one(subscriptions=[SUBSCRIPTION])
        stub = only(Plan)
        assert (stub.name, stub.version, stub.currency, stub.is_stub) == ("pro", 1, "USD", True)
        plans({**PLAN, "version": 3}, {**PLAN, "version": 4})
        assert set(Plan.objects.values_list("version", "is_stub")) == {(3, False), (4, False)}
        assert only(Subscription).plan.version == 4
        assert only(Plan, version=4).pk == stub.pk

    def test_a_stub_of_the_described_version_is_that_version(self):
        make_plan(plan_id="pro", version=1, is_stub=True)
        plans({**PLAN, "version": 1}, {**PLAN, "version": 2})
        assert set(Plan.objects.values_list("version", "is_stub")) == {(1, False), (2, False)}

    def test_a_new_version_is_a_plan_of_its_own_and_a_known_one_is_updated(self):
        plans({**PLAN, "version": 1})
        plans({**PLAN, "version": 2, "name": "Pro 2"})
        plans({**PLAN, "version": 1, "name": "Pro 1", "price": None})
        names = dict(Plan.objects.values_list("version", "name"))
        assert names == {1: "Pro 1", 2: "Pro 2"}
        first = only(Plan, version=1)
        assert (first.price_amount, first.price_interval) == (None, "")
        assert [past.name for past in first.history.order_by("history_date")] == ["Pro", "Pro 1"]

    def test_the_same_plan_again_writes_nothing(self):
        plans(PLAN)
        items = list(PlanItem.objects.values_list("pk", flat=True))
        plans(PLAN)
        assert only(Plan).history.count() == 1
        assert list(PlanItem.objects.values_list("pk", flat=True)) == items

    def test_environments_are_apart(self):
        take({"id": "a", "subscriptions": [SUBSCRIPTION]})
        take({"id": "a", "env": "sandbox", "subscriptions": [SUBSCRIPTION]})
        assert set(Plan.objects.values_list("env", "plan_id", "version")) == {
            ("live", "pro", 1),
            ("sandbox", "pro", 1),
        }

    def test_a_persons_currency_stays(self):
        make_plan(plan_id="pro", version=2, currency="KWD")
        plans(PLAN)
        assert only(Plan).currency == "KWD"


def test_stubs_are_made_for_everything_that_is_only_named():
    make_feature(feature_id="known")
    take_one(
        trials_used=[{"plan_id": "trialled", "customer_id": "acme"}],
        licenses=[
            {
                "license_plan_id": "seat",
                "parent_plan_id": "team",
                "license_plan_name": "",
                "granted": 0,
                "usage": 0,
                "remaining": 0,
                "paid_quantity": 0,
            }
        ],
        balances={"api_calls": BALANCE},
        flags={"sso": {"id": "f", "plan_id": "flagged", "expires_at": None}},
        entities=[{"created_at": JANUARY, "env": "live", "feature_id": "seats"}],
        billing_controls={"spend_limits": [{"feature_id": "known"}]},
    )
    assert set(Plan.objects.values_list("plan_id", flat=True)) == {
        "trialled",
        "seat",
        "team",
        "pro",
        "flagged",
    }
    assert set(Feature.objects.filter(is_stub=True).values_list("feature_id", flat=True)) == {
        "api_calls",
        "sso",
        "seats",
    }
