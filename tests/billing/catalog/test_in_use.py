from collections.abc import Callable
from typing import Any

import pytest

from billing.catalog.in_use import is_in_use, uses_of
from billing.catalog.rules import FeatureInUse
from billing.models import Feature, Plan
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_feature,
    make_flag,
    make_grant,
    make_license,
    make_plan,
    make_plan_item,
    make_purchase,
    make_subscription,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "attach",
    [
        lambda plan: make_subscription(plan=plan),
        lambda plan: make_subscription(plan=plan, status="ended"),
        lambda plan: make_purchase(plan=plan),
        lambda plan: make_license(license_plan=plan),
        lambda plan: make_license(parent_plan=plan),
        lambda plan: make_grant(plan=plan),
        lambda plan: make_flag(plan=plan),
    ],
)
def test_a_version_is_in_use_from_the_first_customer_on(attach: Callable[[Plan], Any]) -> None:
    plan, other = make_plan(plan_id="pro"), make_plan(plan_id="pro", version=2)
    make_plan_item(plan=plan)
    assert not is_in_use(plan)
    attach(plan)
    assert is_in_use(plan)
    assert not is_in_use(other)


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda feature: make_balance(feature=feature), FeatureInUse(has_balances=True)),
        (lambda feature: make_flag(feature=feature), FeatureInUse(has_flags=True)),
        (lambda feature: make_plan_item(feature=feature), FeatureInUse(is_counted_in_plans=True)),
        (lambda feature: make_plan_item(feature=feature, included=0, reset_interval=""), FeatureInUse()),
        (
            lambda feature: make_plan_item(
                feature=feature, included=0, reset_interval="", billing_method="prepaid"
            ),
            FeatureInUse(is_counted_in_plans=True),
        ),
        (lambda feature: make_credit_cost(metered_feature=feature), FeatureInUse(is_drawn=True)),
        (lambda feature: make_credit_cost(credit_system=feature), FeatureInUse()),
    ],
)
def test_what_there_is_of_a_feature(use: Callable[[Feature], Any], expected: FeatureInUse) -> None:
    feature, other = make_feature(), make_feature()
    use(feature)
    assert uses_of([feature, other]) == {feature.pk: expected, other.pk: FeatureInUse()}
