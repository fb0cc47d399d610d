import pytest

from billing.document.schema import Feature, FeatureDisplay, parse_feature, parse_plan
from customers.json_types import Refused
from tests.billing.payloads import FEATURE, PLAN, changed, sent
from tests.strategies_billing import as_read

SYSTEM = FEATURE | {"type": "credit_system"}


def test_a_feature_alone():
    assert parse_feature(FEATURE) == Feature(
        id="api_calls", name="API calls", type="metered", consumable=True, archived=False
    )


def test_a_credit_cost_of_zero_is_refused():
    schema = [{"metered_feature_id": "api_calls", "credit_cost": 0}]
    with pytest.raises(Refused) as caught:
        parse_feature(SYSTEM | {"credit_schema": schema})
    assert caught.value.path == "$.credit_schema[0].credit_cost"


def test_graduated_credit_tiers_are_refused_with_the_reason():
    schema = [
        {"metered_feature_id": "a", "credit_cost": 1},
        {"metered_feature_id": "b", "tier_behavior": "graduated", "tiers": [{"to": "inf", "credit_cost": 2}]},
    ]
    with pytest.raises(Refused) as caught:
        parse_feature(SYSTEM | {"credit_schema": schema})
    assert caught.value.path == "$.credit_schema[1]"
    assert "Graduated tiers of credits aren't supported" in caught.value.reason


def test_two_costs_of_one_feature_are_refused():
    cost = {"metered_feature_id": "a", "credit_cost": 1}
    with pytest.raises(Refused) as caught:
        parse_feature(SYSTEM | {"credit_schema": [cost, cost]})
    assert caught.value.path == "$.credit_schema[1].metered_feature_id"


@pytest.mark.parametrize(
    ("tiers", "path"),
    [
        ([{"to": "inf", "amount": 1}, {"to": 5, "amount": 1}], "$.items[0].price.tiers[1].to"),
        ([{"to": "inf", "amount": 1}, {"to": "inf", "amount": 1}], "$.items[0].price.tiers[1].to"),
        ([{"to": 5, "amount": 1}, {"to": 3, "amount": 1}], "$.items[0].price.tiers[1].to"),
        ([{"to": 5, "amount": -1}], "$.items[0].price.tiers[0].amount"),
    ],
)
def test_tiers_must_ascend(tiers, path):
    with pytest.raises(Refused) as caught:
        parse_plan(as_read(changed(PLAN, "items", 0, "price", "tiers", to=tiers)))
    assert caught.value.path == path


def test_the_last_tier_may_have_an_end():
    plan = changed(PLAN, "items", 0, "price", "tiers", to=[{"to": 5, "amount": 1}, {"to": 9, "amount": 2}])
    assert sent(parse_plan(as_read(plan))) == as_read(plan)


def test_a_rollover_of_no_months_is_refused():
    rollover = {"max": None, "expiry_duration_type": "month", "expiry_duration_length": 0}
    with pytest.raises(Refused) as caught:
        parse_plan(as_read(changed(PLAN, "items", 0, "rollover", to=rollover)))
    assert caught.value.path == "$.items[0].rollover.expiry_duration_length"
    for_ever = rollover | {"expiry_duration_type": "forever"}
    assert parse_plan(as_read(changed(PLAN, "items", 0, "rollover", to=for_ever)))


def test_whole_numbers_may_come_as_fractions():
    plan = parse_plan(as_read(changed(PLAN, "version", to=2.0)))
    assert sent(plan)["version"] == 2
    assert "." not in str(sent(plan)["version"])


@pytest.mark.parametrize(
    ("kind", "taken", "consumable"),
    [
        ("static", "boolean", False),
        ("boolean", "boolean", False),
        ("single_use", "metered", True),
        ("continuous_use", "metered", False),
        ("credit_system", "credit_system", True),
    ],
)
def test_the_short_form_of_a_plan_items_feature(kind, taken, consumable):
    short = {
        "id": "api_calls",
        "type": kind,
        "name": None,
        "display": {"singular": "call", "plural": "calls"},
    }
    plan = parse_plan(as_read(changed(PLAN, "items", 0, "feature", to=short)))
    assert sent(plan)["items"][0]["feature"] == short
    assert plan.items[0].feature
    assert plan.items[0].feature.whole() == Feature(
        id="api_calls",
        name="api_calls",
        type=taken,
        consumable=consumable,
        archived=False,
        display=FeatureDisplay(singular="call", plural="calls"),
    )
