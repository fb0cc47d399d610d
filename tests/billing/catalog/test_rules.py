from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from billing.catalog.rules import (
    CatalogProblem,
    FeatureInUse,
    cost_problems,
    feature_problems,
    item_problems,
    plan_problems,
)
from billing.models import CreditCost, Feature, Plan, PlanItem

METERED = Feature(feature_id="api_calls", type="metered")
SWITCH = Feature(feature_id="sso", type="boolean")
CREDITS = Feature(feature_id="credits", type="credit_system")

PRICE: dict[str, Any] = {
    "price_amount": Decimal("0.5"),
    "price_interval": "month",
    "billing_units": Decimal(1),
    "billing_method": "usage_based",
}
TIERS: dict[str, Any] = {
    **PRICE,
    "price_amount": None,
    "price_tiers": [{"to": "100", "amount": "0.5"}, {"to": "inf", "amount": "0.25"}],
}


def fields(problems: Any) -> list[str]:
    found: list[CatalogProblem] = list(problems)
    for problem in found:
        assert problem.message.endswith(".")
    return [problem.field for problem in found]


def of_item(feature: Feature = METERED, **columns: Any) -> list[str]:
    return fields(item_problems(PlanItem(feature=feature, **columns)))


def of_plan(**columns: Any) -> list[str]:
    return fields(plan_problems(Plan(**{"currency": "USD", **columns})))


class TestItems:
    @pytest.mark.parametrize(
        "columns",
        [
            {},
            {"included": Decimal(100), "reset_interval": "month"},
            {"unlimited": True},
            {"reset_interval": "minute", "reset_interval_count": 5},
            PRICE,
            {**PRICE, "price_amount": Decimal(0)},
            TIERS,
            {**TIERS, "price_tiers": [{"to": 10, "amount": 1}, {"to": 20, "amount": 0.5, "flat_amount": 3}]},
            {**PRICE, "billing_method": "prepaid", "price_interval": "one_off", "max_purchase": Decimal(5)},
            {"reset_interval": "month", "rollover_expiry_unit": "forever"},
            {"reset_interval": "month", "rollover_expiry_unit": "month", "rollover_max": Decimal(0)},
            {"reset_interval": "day", "rollover_expiry_unit": "month", "rollover_expiry_length": 1},
        ],
    )
    def test_what_is_right(self, columns: dict[str, Any]) -> None:
        assert of_item(**columns) == []

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            ({"included": Decimal(1)}, ["included"]),
            ({"reset_interval": "month"}, ["reset_interval"]),
            (PRICE, ["billing_method"]),
            ({"rollover_expiry_unit": "forever"}, ["rollover_expiry_unit"]),
            ({}, []),
        ],
    )
    def test_what_is_on_or_off_is_not_counted(self, columns: dict[str, Any], expected: list[str]) -> None:
        assert of_item(SWITCH, **columns) == expected

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            ({**TIERS, "price_amount": Decimal(1)}, ["price_tiers"]),
            ({**PRICE, "price_amount": None}, ["price_amount"]),
            ({**PRICE, "price_amount": None, "price_tiers": []}, ["price_amount"]),
            ({**PRICE, "billing_units": None}, ["billing_units"]),
            ({**PRICE, "billing_units": Decimal(0)}, ["billing_units"]),
            ({**PRICE, "billing_units": Decimal(-1)}, ["billing_units"]),
            ({**PRICE, "billing_method": ""}, ["billing_method"]),
            ({**PRICE, "price_interval": ""}, ["price_interval"]),
            ({**PRICE, "price_interval": "day"}, ["price_interval"]),
            ({**PRICE, "price_interval": "one_off"}, ["price_interval"]),
            ({**PRICE, "price_interval_count": 0}, ["price_interval_count"]),
            (
                {"max_purchase": Decimal(5)},
                ["billing_method", "price_amount", "billing_units", "price_interval"],
            ),
        ],
    )
    def test_a_price_is_whole(self, columns: dict[str, Any], expected: list[str]) -> None:
        assert of_item(**columns) == expected

    @pytest.mark.parametrize(
        "tiers",
        [
            [{"to": "100", "amount": "1"}, {"to": "100", "amount": "2"}],
            [{"to": "100", "amount": "1"}, {"to": "50", "amount": "2"}],
            [{"to": "inf", "amount": "1"}, {"to": "50", "amount": "2"}],
            [{"to": "-1", "amount": "1"}],
        ],
    )
    def test_tiers_ascend(self, tiers: Any) -> None:
        assert of_item(**{**TIERS, "price_tiers": tiers}) == ["price_tiers"]

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            ({"reset_interval": "multiple"}, ["reset_interval"]),
            ({"reset_interval": "month", "reset_interval_count": 0}, ["reset_interval_count"]),
            ({"reset_interval_count": 2}, ["reset_interval"]),
            ({"rollover_expiry_unit": "forever"}, ["rollover_expiry_unit"]),
            ({"rollover_expiry_unit": "forever", "reset_interval": "one_off"}, ["rollover_expiry_unit"]),
            ({"rollover_max": Decimal(5), "reset_interval": "month"}, ["rollover_expiry_unit"]),
            ({"rollover_expiry_length": 5, "reset_interval": "month"}, ["rollover_expiry_unit"]),
            (
                {"rollover_expiry_unit": "month", "rollover_expiry_length": 0, "reset_interval": "month"},
                ["rollover_expiry_length"],
            ),
        ],
    )
    def test_what_resets_and_is_carried_over(self, columns: dict[str, Any], expected: list[str]) -> None:
        assert of_item(**columns) == expected


class TestPlans:
    @pytest.mark.parametrize(
        "columns",
        [
            {},
            {"price_amount": Decimal(0), "price_interval": "one_off"},
            {"price_amount": Decimal(20), "price_interval": "month", "price_interval_count": 3},
            {"free_trial_length": 1, "free_trial_unit": "day"},
        ],
    )
    def test_what_is_right(self, columns: dict[str, Any]) -> None:
        assert of_plan(**columns) == []

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            ({"price_amount": Decimal(20)}, ["price_interval"]),
            ({"price_amount": Decimal(20), "price_interval": "hour"}, ["price_interval"]),
            ({"price_amount": Decimal(20), "price_interval": "multiple"}, ["price_interval"]),
            ({"price_interval_count": 0}, ["price_interval_count"]),
            ({"free_trial_length": 0, "free_trial_unit": "day"}, ["free_trial_length"]),
            ({"free_trial_length": 7}, ["free_trial_unit"]),
            ({"free_trial_unit": "month"}, ["free_trial_length"]),
            ({"currency": "XXX"}, ["currency"]),
            ({"currency": "QQQ"}, ["currency"]),
        ],
    )
    def test_what_is_wrong(self, columns: dict[str, Any], expected: list[str]) -> None:
        assert of_plan(**columns) == expected


class TestCosts:
    def test_credits_are_spent_on_metered_features(self) -> None:
        def problems(system: Feature, metered: Feature, cost: str = "0.5") -> list[str]:
            row = CreditCost(credit_system=system, metered_feature=metered, credit_cost=Decimal(cost))
            return fields(cost_problems(row))

        assert problems(CREDITS, METERED) == []
        assert problems(CREDITS, SWITCH) == ["metered_feature"]
        assert problems(CREDITS, CREDITS) == ["metered_feature"]
        assert problems(CREDITS, Feature(feature_id="more", type="credit_system")) == ["metered_feature"]
        assert problems(METERED, Feature(feature_id="other", type="metered")) == ["credit_system"]
        assert problems(CREDITS, METERED, "0") == ["credit_cost"]


class TestTypes:
    @pytest.mark.parametrize(
        ("was", "now", "use", "is_refused"),
        [
            ("metered", "metered", {"has_balances": True}, False),
            ("metered", "boolean", {}, False),
            ("metered", "boolean", {"has_balances": True}, True),
            ("metered", "credit_system", {"has_balances": True}, True),
            ("credit_system", "metered", {"has_balances": True}, True),
            ("boolean", "metered", {"has_flags": True}, True),
            ("metered", "boolean", {"is_counted_in_plans": True}, True),
            ("metered", "credit_system", {"is_counted_in_plans": True}, False),
            ("metered", "boolean", {"is_drawn": True}, True),
            ("metered", "credit_system", {"is_drawn": True}, True),
            # A stub's type is a guess.
            ("", "credit_system", {"has_balances": True}, False),
            ("", "boolean", {"has_flags": True}, False),
            ("", "boolean", {"has_balances": True}, True),
            ("", "metered", {"has_flags": True}, True),
        ],
    )
    def test_what_is_there_forbids_some(
        self, was: str, now: str, use: dict[str, bool], is_refused: bool
    ) -> None:
        feature = Feature(feature_id="thing", type=now)
        found = fields(feature_problems(feature, was, replace(FeatureInUse(), **use)))
        assert found == (["type"] if is_refused else [])


@pytest.mark.parametrize("amount", [Decimal(0), Decimal(20)])
def test_a_price_without_an_interval_is_none(amount: Decimal) -> None:
    assert "price_interval" in fields(plan_problems(Plan(plan_id="pro", price_amount=amount)))


def test_other_currencies_are_beside_an_amount_and_each_is_there_once() -> None:
    euros = [{"currency": "eur", "amount": "1"}]
    price = {"price_amount": Decimal(1), "price_interval": "month"}
    assert of_plan(**price, additional_currencies=euros) == []
    assert of_plan(**price, additional_currencies=[*euros, {"currency": "EUR", "amount": "2"}]) == [
        "additional_currencies"
    ]
    assert of_plan(additional_currencies=euros) == ["additional_currencies"]
    assert of_item(**PRICE, additional_currencies=euros) == []
    assert of_item(**TIERS, additional_currencies=euros) == ["additional_currencies"]
