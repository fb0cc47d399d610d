"""What becomes of a catalog's features and plans; `test_import_catalog` has the command around it."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.document.importer.catalog_file import read_catalog
from billing.document.importer.catalog_importer import CatalogReport, import_catalog
from billing.models import CreditCost, Feature, Plan, PlanItem, Subscription
from tests.billing.import_documents import only, row_counts, take_one
from tests.billing.payloads import FEATURE, PLAN, SUBSCRIPTION, changed
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_feature,
    make_flag,
    make_plan,
    make_subscription,
)
from tests.strategies_catalog import Json

pytestmark = pytest.mark.django_db

ITEM: Json = {"feature_id": "api_calls", "included": 1000, "unlimited": False, "reset": {"interval": "month"}}
#: Version 1, for 20 USD a month.
PRO: Json = {**PLAN, "version": 1, "items": [ITEM]}
SSO: Json = {**FEATURE, "id": "sso", "name": "SSO", "type": "boolean"}
CREDITS: Json = {
    **FEATURE,
    "id": "credits",
    "type": "credit_system",
    "credit_schema": [{"metered_feature_id": "api_calls", "credit_cost": 2}],
}


def at(amount: int, **changes: Any) -> Json:
    """The plan at another price."""
    return {**PRO, "price": {"amount": amount, "interval": "month"}, **changes}


def take(
    *plans: Json, features: list[Json] | None = None, currency: str | None = None
) -> list[CatalogReport]:
    catalog = {"features": [FEATURE] if features is None else features, "plans": list(plans)}
    entries, _ = read_catalog(io.BytesIO(json.dumps(catalog).encode()))
    return import_catalog(entries, currency=currency, origin="catalog.json")


def outcomes(reports: list[CatalogReport], kind: str = "plan") -> list[str]:
    return [report.outcome.value for report in reports if report.entry.kind == kind]


def refusals(reports: list[CatalogReport]) -> list[str]:
    return [each.path for report in reports for each in report.refused]


def prices() -> dict[int, Decimal | None]:
    return dict(Plan.objects.order_by("version").values_list("version", "price_amount"))


class TestFeatures:
    def test_they_are_created_updated_and_left(self) -> None:
        assert outcomes(take(features=[FEATURE, SSO]), "feature") == ["created", "created"]
        again = take(features=[{**FEATURE, "name": "Calls"}, SSO])
        assert outcomes(again, "feature") == ["updated", "unchanged"]
        row = only(Feature, feature_id="api_calls")
        assert (row.name, row.is_stub) == ("Calls", False)
        assert row.history.first().history_change_reason == "Imported from a catalog: catalog.json"

    def test_a_stub_is_completed(self) -> None:
        stub = make_feature(feature_id="api_calls", is_stub=True)
        assert outcomes(take(), "feature") == ["updated"]
        row = only(Feature)
        assert (row.pk, row.name, row.is_stub) == (stub.pk, "API calls", False)

    def test_a_credit_system_may_come_before_what_it_draws_on(self) -> None:
        assert outcomes(take(features=[CREDITS, FEATURE]), "feature") == ["created", "created"]
        assert only(CreditCost).metered_feature.feature_id == "api_calls"

    def test_a_changed_cost_is_a_change(self) -> None:
        take(features=[FEATURE, CREDITS])
        dearer = changed(CREDITS, "credit_schema", 0, "credit_cost", to=3)
        assert outcomes(take(features=[dearer]), "feature") == ["updated"]
        assert outcomes(take(features=[dearer]), "feature") == ["unchanged"]

    def test_a_credit_system_draws_on_metered_features_that_are_there(self) -> None:
        costs = [
            {"metered_feature_id": name, "credit_cost": 1} for name in ("api_calls", "nope", "sso", "credits")
        ]
        reports = take(features=[FEATURE, SSO, {**CREDITS, "credit_schema": costs}])
        assert refusals(reports) == [
            f"$.features[2].credit_schema[{index}].metered_feature_id" for index in (1, 2, 3)
        ]
        assert set(Feature.objects.values_list("feature_id", flat=True)) == {"api_calls", "sso"}

    def test_only_a_credit_system_has_costs(self) -> None:
        reports = take(features=[FEATURE, {**CREDITS, "type": "metered"}])
        assert refusals(reports) == ["$.features[1].credit_schema[0]"]

    def test_a_type_stays_while_something_of_it_is_there(self) -> None:
        make_balance(feature=make_feature(feature_id="api_calls"))
        make_flag(feature=make_feature(feature_id="sso", type="boolean"))
        make_credit_cost(metered_feature=make_feature(feature_id="drawn"))
        reports = take(
            features=[
                {**FEATURE, "type": "boolean"},
                {**SSO, "type": "metered"},
                {**FEATURE, "id": "drawn", "type": "boolean"},
            ]
        )
        assert refusals(reports) == [f"$.features[{index}].type" for index in range(3)]
        assert set(Feature.objects.values_list("feature_id", "type")) >= {
            ("api_calls", "metered"),
            ("sso", "boolean"),
            ("drawn", "metered"),
        }

    def test_a_type_may_change_while_nothing_of_it_is_there(self) -> None:
        take()
        take(features=[{**FEATURE, "type": "boolean"}])
        assert only(Feature).type == "boolean"

    def test_of_two_neither_is_taken(self) -> None:
        reports = take(features=[FEATURE, SSO, {**FEATURE, "name": "Calls"}])
        assert refusals(reports) == ["$.features[0]", "$.features[2]"]
        assert "$.features[2]" in reports[0].refused[0].reason
        assert only(Feature).feature_id == "sso"


class TestRefusedPlans:
    def test_good_ones_beside_bad_ones_are_taken(self) -> None:
        reports = take({**PRO, "version": "two"}, 7, {**PRO, "id": "team"})  # type: ignore[arg-type]
        assert outcomes(reports) == ["refused", "refused", "created"]
        assert refusals(reports) == ["$.plans[0].version", "$.plans[1]"]
        assert only(Plan).plan_id == "team"

    def test_everything_that_is_wrong_is_told_at_its_place(self) -> None:
        price = {"amount": 1, "interval": "month", "billing_units": 1, "billing_method": "usage_based"}
        reports = take(
            {
                **PRO,
                "items": [
                    {**ITEM, "feature_id": "sso"},
                    {**ITEM, "feature_id": "nope"},
                    {
                        **ITEM,
                        "reset": None,
                        "price": {**price, "interval": "one_off", "tiers": [{"to": 5, "amount": 1}]},
                        "rollover": {"max": 5, "expiry_duration_type": "forever"},
                    },
                ],
            },
            features=[FEATURE, SSO],
        )
        assert refusals(reports) == [
            "$.plans[0].items[0].included",
            "$.plans[0].items[0].reset.interval",
            "$.plans[0].items[1].feature_id",
            "$.plans[0].items[2].price.tiers",
            "$.plans[0].items[2].price.interval",
            "$.plans[0].items[2].rollover.expiry_duration_type",
        ]
        bad = reports[2].bad
        assert (bad.number, bad.path) == (3, "$.plans[0].items[0].included")
        assert "Also $.plans[0].items[1].feature_id: Add the feature 'nope'" in bad.reason
        assert json.loads(bad.text)["items"][1]["feature_id"] == "nope"
        assert not Plan.objects.exists()

    def test_a_feature_that_is_only_known_here_will_do(self) -> None:
        make_feature(feature_id="api_calls")
        assert outcomes(take(PRO, features=[])) == ["created"]

    def test_no_stub_is_made_of_a_feature_that_was_refused(self) -> None:
        reports = take(PRO, features=[{**FEATURE, "type": "strange"}])
        assert refusals(reports) == ["$.features[0].type", "$.plans[0].items[0].feature_id"]
        assert "It was refused at $.features[0]" in reports[1].refused[0].reason
        assert not Feature.objects.exists()

    def test_a_feature_that_an_item_carries_is_not_read(self) -> None:
        reports = take({**PRO, "items": [{**ITEM, "feature": FEATURE}]}, features=[])
        assert refusals(reports) == ["$.plans[0].items[0].feature_id"]

    def test_of_one_version_described_twice_neither_is_taken(self) -> None:
        reports = take(PRO, at(30), {**PRO, "env": "sandbox"}, {**PRO, "version": 2})
        assert outcomes(reports) == ["refused", "refused", "created", "created"]
        assert refusals(reports) == ["$.plans[0]", "$.plans[1]"]


class TestVersions:
    def test_a_plan_and_its_items(self) -> None:
        assert outcomes(take(PRO)) == ["created"]
        row = only(Plan)
        assert (row.version, row.price_amount, row.is_stub) == (1, 20, False)
        assert only(PlanItem).included == 1000

    def test_the_same_again_changes_nothing(self) -> None:
        catalog = [PRO, at(30, version=2, items=[ITEM, {**ITEM, "included": 5}]), {**PRO, "env": "sandbox"}]
        assert outcomes(take(*catalog)) == ["created", "new version", "created"]
        before = row_counts(), list(PlanItem.objects.order_by("pk").values())
        assert outcomes(take(*catalog)) == ["unchanged"] * 3
        assert (row_counts(), list(PlanItem.objects.order_by("pk").values())) == before

    def test_another_price_is_a_new_version_whatever_number_it_states(self) -> None:
        take(PRO)
        customer = make_subscription(plan=only(Plan))
        reports = take(at(30))
        assert outcomes(reports) == ["new version"]
        assert [remark.path for remark in reports[1].remarks] == ["$.plans[0].version"]
        assert "Created version 2 of pro" in reports[1].remarks[0].text
        assert prices() == {1: 20, 2: 30}
        assert only(Subscription, pk=customer.pk).plan.version == 1
        assert outcomes(take(at(30))) == ["unchanged"]
        assert prices() == {1: 20, 2: 30}
        assert outcomes(take(at(40))) == ["new version"]
        assert prices() == {1: 20, 2: 30, 3: 40}

    @pytest.mark.parametrize(
        "change",
        [
            {"group": "main"},
            {"add_on": True},
            {"free_trial": {"duration_length": 7, "duration_type": "day", "card_required": False}},
            {"config": {"ignore_past_due": True}},
            {"items": [{**ITEM, "included": 1001}]},
            {"items": [{**ITEM, "reset": {"interval": "week"}}]},
            {"items": []},
        ],
    )
    def test_so_is_anything_else_that_it_grants_or_costs(self, change: Json) -> None:
        take(PRO)
        before = list(PlanItem.objects.values())
        assert outcomes(take({**PRO, **change})) == ["new version"]
        assert list(PlanItem.objects.filter(plan__version=1).values()) == before
        assert outcomes(take({**PRO, **change})) == ["unchanged"]

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "Professional"},
            {"description": "For teams"},
            {"archived": True},
            {"metadata": {"rank": 2}},
            {"auto_enable": True},
        ],
    )
    def test_words_change_in_place(self, change: Json) -> None:
        take(PRO)
        make_subscription(plan=only(Plan))
        assert outcomes(take({**PRO, **change})) == ["updated"]
        [(name, value)] = change.items()
        assert getattr(only(Plan), name) == value
        assert outcomes(take({**PRO, **change})) == ["unchanged"]

    def test_items_in_another_order_are_the_same_plan(self) -> None:
        other = {**ITEM, "feature_id": "sso", "included": 0, "reset": None}
        take({**PRO, "items": [ITEM, other]}, features=[FEATURE, SSO])
        assert outcomes(take({**PRO, "items": [other, ITEM]})) == ["updated"]
        order = PlanItem.objects.order_by("position").values_list("feature__feature_id", flat=True)
        assert list(order) == ["sso", "api_calls"]

    def test_a_higher_number_is_kept(self) -> None:
        take(PRO)
        reports = take(at(30, version=5))
        assert outcomes(reports) == ["new version"]
        assert reports[1].remarks == []
        assert prices() == {1: 20, 5: 30}

    def test_a_file_with_its_history(self) -> None:
        history = [PRO, at(30, version=2), at(40, version=3)]
        take(*history)
        assert outcomes(take(*history)) == ["unchanged"] * 3
        # The newest changed: it is a new version, whatever number it states.
        assert outcomes(take(*history[:2], at(50, version=3))) == ["unchanged", "unchanged", "new version"]
        assert prices() == {1: 20, 2: 30, 3: 40, 4: 50}
        # History does not change.
        reports = take(PRO, at(31, version=2), at(50, version=3))
        assert outcomes(reports) == ["unchanged", "refused", "unchanged"]
        assert refusals(reports) == ["$.plans[1].version"]
        assert prices() == {1: 20, 2: 30, 3: 40, 4: 50}

    def test_history_that_is_missing_here_is_added(self) -> None:
        take(at(40, version=3))
        assert outcomes(take(PRO, at(40, version=3))) == ["created", "unchanged"]
        assert prices() == {1: 20, 3: 40}

    def test_what_is_older_than_ours_changes_nothing_and_says_so(self) -> None:
        take(PRO, at(30, version=2))
        reports = take(PRO)
        assert outcomes(reports) == ["unchanged"]
        assert "use version 3" in reports[1].remarks[0].text
        assert take(PRO, at(30, version=2))[1].remarks == []

    def test_a_stub_is_completed_in_place(self) -> None:
        take_one(subscriptions=[SUBSCRIPTION])
        stub = only(Plan)
        assert stub.is_stub
        assert outcomes(take({**PRO, "version": 3})) == ["updated"]
        row = only(Plan)
        assert (row.pk, row.version, row.is_stub, row.price_amount) == (stub.pk, 3, False, 20)
        assert only(Subscription).plan == row
        assert outcomes(take({**PRO, "version": 3})) == ["unchanged"]

    def test_environments_are_apart(self) -> None:
        take(PRO, {**PRO, "env": "sandbox"})
        assert outcomes(take(at(30, env="sandbox"))) == ["new version"]
        assert set(Plan.objects.values_list("env", "version")) == {
            ("live", 1),
            ("sandbox", 1),
            ("sandbox", 2),
        }

    def test_what_a_document_leaves_out_is_as_before(self) -> None:
        take({**PRO, "config": {"a": 1}, "metadata": {"b": 2}})
        Plan.objects.update(currency="KWD", trial_once_per_fingerprint=True)
        silent = {key: value for key, value in PRO.items() if key not in {"config", "metadata"}}
        assert outcomes(take(silent)) == ["unchanged"]
        take({**silent, "price": None})
        made = only(Plan, version=2)
        assert (made.config, made.metadata) == ({"a": 1}, {"b": 2})
        assert (made.currency, made.trial_once_per_fingerprint) == ("KWD", True)

    def test_what_an_admin_has_written_otherwise_is_the_same(self) -> None:
        price = {
            "tiers": [{"to": 100, "amount": 0.5}, {"to": "inf", "amount": 0.25}],
            "interval": "month",
            "billing_units": 1,
            "billing_method": "usage_based",
        }
        sent = {**PRO, "items": [{**ITEM, "price": price}]}
        take(sent)
        PlanItem.objects.update(price_tiers=price["tiers"], price_interval_count=1, reset_interval_count=1)
        assert outcomes(take(sent)) == ["updated"]
        assert prices() == {1: 20}


class TestCurrency:
    def test_a_new_plan_has_the_one_that_was_asked_for(self, settings: Any) -> None:
        settings.DEFAULT_CURRENCY = "EUR"
        take(PRO, {**PRO, "id": "team"}, currency="JPY")
        take({**PRO, "id": "other"})
        assert set(Plan.objects.values_list("plan_id", "currency")) == {
            ("pro", "JPY"),
            ("team", "JPY"),
            ("other", "EUR"),
        }

    def test_a_known_one_keeps_its_own_and_says_so(self) -> None:
        take(PRO, currency="JPY")
        reports = take(at(30), currency="EUR")
        assert set(Plan.objects.values_list("version", "currency")) == {(1, "JPY"), (2, "JPY")}
        assert any("The plan pro stays in JPY" in remark.text for remark in reports[1].remarks)
        assert take(at(30), currency="JPY")[1].remarks == []

    def test_prices_in_others_are_terms_of_a_version(self) -> None:
        euros = [{"currency": "eur", "amount": 18}]
        tier = {"to": "inf", "amount": 0.5, "additional_currencies": [{"currency": "eur", "amount": 0.45}]}
        usage = {
            "tiers": [tier],
            "interval": "month",
            "billing_units": 1,
            "billing_method": "usage_based",
        }
        plan = at(20, items=[{**ITEM, "price": usage}])
        plan["price"]["additional_currencies"] = euros
        assert outcomes(take(plan)) == ["created"]
        assert only(Plan).additional_currencies == [{"currency": "eur", "amount": "18"}]
        assert only(PlanItem).price_tiers[0]["additional_currencies"] == [
            {"currency": "eur", "amount": "0.45"}
        ]
        assert outcomes(take(plan)) == ["unchanged"]
        # Listed otherwise, it is the same.
        Plan.objects.update(additional_currencies=[{"currency": "EUR", "amount": 18.0}])
        take(plan)
        assert Plan.objects.count() == 1
        plan["price"]["additional_currencies"] = [{"currency": "eur", "amount": 19}]
        assert outcomes(take(plan)) == ["new version"]
        plan["price"]["additional_currencies"] = [*euros, *euros]
        assert refusals(take(plan)) == ["$.plans[0].price.additional_currencies"]

    def test_a_stub_has_none_yet(self) -> None:
        make_plan(plan_id="pro", version=1, is_stub=True, currency="USD")
        make_plan(plan_id="team", version=1, is_stub=True, currency="GBP")
        take(PRO, currency="JPY")
        take({**PRO, "id": "team"})
        assert set(Plan.objects.values_list("plan_id", "currency")) == {("pro", "JPY"), ("team", "GBP")}


def test_the_number_of_queries_does_not_depend_on_the_catalog() -> None:
    def queries(count: int) -> int:
        names = [f"f{count}_{index}" for index in range(count)]
        plans = [{**PRO, "id": name, "items": [{**ITEM, "feature_id": name}]} for name in names]
        with CaptureQueriesContext(connection) as captured:
            assert set(outcomes(take(*plans, features=[{**FEATURE, "id": name} for name in names]))) == {
                "created"
            }
        return len(captured)

    assert queries(1) == queries(20)
