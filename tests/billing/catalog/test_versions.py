from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.catalog.versions import NoNewVersion, VersionTerms, choose_version, new_version
from billing.models import Feature, Plan, PlanItem, Subscription
from billing.rules.figures import LARGEST_WHOLE
from customers import clock
from customers.json_types import Refused
from tests.factories import make_plan, make_plan_item, make_subscription

CALLS = Feature(feature_id="api_calls")
SEATS = Feature(feature_id="seats")


def terms(amount: int = 20, *, says_config: bool = True, **columns: Any) -> VersionTerms:
    plan = Plan(price_amount=Decimal(amount), price_interval="month", **columns)
    return VersionTerms.of(plan, [], says_config=says_config)


def with_items(*items: PlanItem) -> VersionTerms:
    return VersionTerms.of(Plan(), items)


def item(feature: Feature = CALLS, **columns: Any) -> PlanItem:
    return PlanItem(feature=feature, **{"included": Decimal(5), **columns})


class TestTerms:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({}, {"name": "Pro", "description": "x", "archived": True, "metadata": {"a": 1}, "version": 7}),
            ({"group": None}, {"group": ""}),
            ({"price_interval_count": None}, {"price_interval_count": 1}),
            ({"free_trial_unit": ""}, {"free_trial_card_required": True}),
        ],
    )
    def test_words_are_no_terms(self, one: dict[str, Any], other: dict[str, Any]) -> None:
        assert terms(**one).agree(terms(**other))

    @pytest.mark.parametrize(
        "columns",
        [
            {"amount": 21},
            {"group": "main"},
            {"add_on": True},
            {"price_interval_count": 2},
            {"free_trial_length": 7, "free_trial_unit": "day"},
            {"config": {"ignore_past_due": True}},
        ],
    )
    def test_what_a_plan_grants_and_costs(self, columns: dict[str, Any]) -> None:
        assert not terms().agree(terms(**columns))

    def test_a_configuration_that_is_not_mentioned_goes_with_any(self) -> None:
        ours = terms(config={"ignore_past_due": True})
        assert terms(says_config=False).agree(ours)
        assert not terms().agree(ours)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ([item(), item(SEATS)], [item(SEATS), item()]),
            ([item()], [item(included=Decimal("5.00"), position=3)]),
            (
                [item(reset_interval="month")],
                [item(reset_interval="month", reset_interval_count=1)],
            ),
            (
                [item(billing_method="prepaid", price_tiers=[{"to": "100", "amount": "0.5"}])],
                [
                    item(
                        billing_method="prepaid",
                        price_tiers=[{"to": 100, "amount": 0.50, "flat_amount": 0}],
                        price_tier_behavior="graduated",
                        billing_units=Decimal(1),
                    )
                ],
            ),
            (
                [item(rollover_expiry_unit="month")],
                [item(rollover_expiry_unit="month", rollover_expiry_length=1)],
            ),
        ],
    )
    def test_items_that_mean_the_same(self, one: list[PlanItem], other: list[PlanItem]) -> None:
        assert with_items(*one).agree(with_items(*other))

    @pytest.mark.parametrize(
        "other",
        [
            [],
            [item(), item()],
            [item(SEATS)],
            [item(included=Decimal(6))],
            [item(unlimited=True)],
            [item(reset_interval="month")],
            [item(billing_method="prepaid", price_amount=Decimal(1))],
            [item(rollover_expiry_unit="forever")],
        ],
    )
    def test_items_that_differ(self, other: list[PlanItem]) -> None:
        assert not with_items(item()).agree(with_items(*other))

    def test_prices_that_differ(self) -> None:
        def tiered(**tier: Any) -> VersionTerms:
            return with_items(
                item(billing_method="prepaid", price_tiers=[{"to": "inf", "amount": "1", **tier}])
            )

        assert tiered(to="inf").agree(tiered())
        assert not tiered(to="10").agree(tiered())
        assert not tiered(amount="2").agree(tiered())
        assert not tiered(flat_amount="1").agree(tiered())


class TestChoosing:
    OURS = {1: terms(10), 2: terms(20)}

    @pytest.mark.parametrize(
        ("stated", "amount", "expected"),
        [
            (2, 20, 2),
            (1, 10, 1),
            # It was 20, it is 30.
            (2, 30, 3),
            # A file that never counts up: the first import of 20 made the second version.
            (1, 20, 2),
            (1, 30, 3),
            # Numbers that we do not have are kept.
            (3, 30, 3),
            (7, 20, 7),
            (0, 5, 0),
        ],
    )
    def test_of_the_newest(self, stated: int, amount: int, expected: int) -> None:
        assert choose_version(stated, terms(amount), self.OURS, is_newest=True) == expected

    def test_the_first_version_keeps_its_number(self) -> None:
        assert choose_version(4, terms(), {}, is_newest=True) == 4

    def test_of_an_older_one(self) -> None:
        assert choose_version(1, terms(10), self.OURS, is_newest=False) == 1
        assert choose_version(0, terms(5), self.OURS, is_newest=False) == 0
        for amount in (20, 30):
            with pytest.raises(Refused) as caught:
                choose_version(1, terms(amount), self.OURS, is_newest=False)
            assert caught.value.path == "$.version"
            assert "number it 3 or higher" in caught.value.reason

    def test_there_is_a_last_version(self) -> None:
        with pytest.raises(Refused, match="another ID"):
            choose_version(LARGEST_WHOLE, terms(1), {LARGEST_WHOLE: terms(2)}, is_newest=True)


@pytest.mark.django_db
class TestNewVersion:
    def test_it_is_a_copy_that_nobody_has(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = make_plan(
            plan_id="pro",
            version=1,
            name="Pro",
            currency="KWD",
            config={"a": 1},
            free_trial_length=7,
            free_trial_unit="day",
            trial_once_per_fingerprint=True,
        )
        make_plan(plan_id="pro", version=4)
        make_plan(plan_id="pro", version=9, env="sandbox")
        first = make_plan_item(plan=plan, price_tiers=[{"to": "inf", "amount": "1"}], position=0)
        make_plan_item(plan=plan, included=Decimal("0.5"), position=1)
        make_subscription(plan=plan)
        now = datetime(2025, 6, 1, tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda: now)

        made = new_version(plan)

        made.refresh_from_db()
        assert (made.env, made.plan_id, made.version, made.created_at) == ("live", "pro", 5, now)
        kept = [
            field.attname
            for field in Plan._meta.fields
            if field.attname not in {"id", "version", "created_at"}
        ]
        plan.refresh_from_db()
        assert {name: getattr(made, name) for name in kept} == {name: getattr(plan, name) for name in kept}
        copied, second = made.items.order_by("position")
        assert (copied.feature, copied.price_tiers) == (first.feature, [{"to": "inf", "amount": "1"}])
        assert second.included == Decimal("0.5")
        assert plan.items.count() == 2
        assert Subscription.objects.get().plan == plan
        assert made.history.get().history_type == "+"

    def test_a_stub_has_nothing_to_copy(self) -> None:
        with pytest.raises(NoNewVersion, match="Only its ID is known"):
            new_version(make_plan(is_stub=True))
        assert Plan.objects.count() == 1

    def test_there_is_a_last_version(self) -> None:
        with pytest.raises(NoNewVersion, match="another ID"):
            new_version(make_plan(version=LARGEST_WHOLE))
