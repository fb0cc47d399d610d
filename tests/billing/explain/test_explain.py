"""An explanation says where every figure comes from, in what order a use draws, and how long it lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.explain.balance import CannotExplain, explain
from billing.explain.burn_rate import Supply, wasted
from billing.explain.types import BalanceExplained, Explanation
from billing.ledger.entries import FigureChange, PostingDraft, post, reverse
from billing.models import Balance, Feature, Grant, Posting
from customers.models import Customer
from tests.examples import examples
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_customer,
    make_entity,
    make_feature,
    make_flag,
    make_grant,
    make_plan,
    make_plan_item,
    make_rollover,
    make_spend_limit,
    make_subscription,
)

NOW = datetime(2025, 3, 31, 12, tzinfo=UTC)
JANUARY = datetime(2025, 1, 1, tzinfo=UTC)


def days(count: float) -> timedelta:
    return timedelta(days=count)


@pytest.fixture
def customer(db: None) -> Customer:
    return make_customer(name="Acme")


@pytest.fixture
def feature(db: None) -> Feature:
    return make_feature(feature_id="api_calls", name="API calls")


@pytest.fixture
def balance(customer: Customer, feature: Feature) -> Balance:
    return make_balance(customer=customer, feature=feature)


def grant(balance: Balance, included: Any = 100, usage: Any = 0, **fields: Any) -> Grant:
    return make_grant(
        balance=balance,
        included_grant=Decimal(included),
        usage=Decimal(usage),
        **{"created_at": JANUARY, **fields},
    )


def use(row: Grant, amount: Any, at: datetime) -> Posting:
    kind = Posting.Kind.USAGE if amount > 0 else Posting.Kind.REFUND
    draft = PostingDraft(
        customer_id=row.balance.customer_id,
        kind=kind,
        feature_id=row.balance.feature_id,
        occurred_at=at,
        done_by="record_usage",
        changes=[FigureChange(row, "usage", Decimal(amount))],
    )
    return post(draft)[0]


def explained(balance: Balance, **options: Any) -> Any:
    return explain(balance.customer, balance.feature, **{"at": NOW, "with_entries": True, **options})


def only(explanation: Explanation) -> Any:
    (balance,) = explanation.balances
    return balance


def terms(balance: BalanceExplained) -> Any:
    return [(term.words, term.amount) for row in balance.rows for term in row.terms]


class TestTerms:
    def test_a_plan_grants_its_item_times_the_quantity_adjustments_and_packs(self, balance):
        plan = make_plan(name="Pro", version=3)
        make_plan_item(plan=plan, feature=balance.feature, included=Decimal(1000))
        subscription = make_subscription(
            customer=balance.customer, plan=plan, quantity=Decimal(2), started_at=JANUARY
        )
        # 2 x 1,000 + 50 = 2,050 included, 3 packs of 100.
        row = grant(
            balance,
            2050,
            30,
            plan=plan,
            subscription=subscription,
            adjusted=Decimal(50),
            prepaid_grant=Decimal(300),
            billing_units=Decimal(100),
            reset_interval="month",
            next_reset_at=NOW + days(10),
        )
        found = only(explained(balance))
        assert terms(found) == [
            ("Pro v3 includes 1,000 \N{MULTIPLICATION SIGN} quantity 2", Decimal(2000)),
            ("adjustments, until the next reset", Decimal(50)),
            ("prepaid, 3 packs \N{MULTIPLICATION SIGN} 100", Decimal(300)),
        ]
        (shown,) = found.rows
        assert (shown.id, shown.name, shown.granted, shown.remaining, shown.usage, shown.held) == (
            row.pk,
            "Pro v3",
            2350,
            2320,
            30,
            2320,
        )
        assert (found.figures.granted, found.figures.remaining, found.figures.usage) == (2350, 2320, 30)

    def test_what_differs_from_the_plan_is_a_term_of_its_own(self, balance):
        plan = make_plan(name="Pro")
        make_plan_item(plan=plan, feature=balance.feature, included=Decimal(1000))
        grant(balance, 900, plan=plan)
        assert terms(only(explained(balance))) == [
            ("Pro v1 includes 1,000", Decimal(1000)),
            ("difference from the plan, imported or granted", Decimal(-100)),
        ]

    def test_a_plan_known_by_its_id_alone(self, balance):
        grant(balance, 900, plan=make_plan(name="Pro"))
        assert terms(only(explained(balance))) == [("included with Pro v1", Decimal(900))]

    def test_a_standalone_grant_keeps_its_adjustments_unless_it_resets(self, balance):
        grant(balance, 120, adjusted=Decimal(20))
        grant(balance, 70, adjusted=Decimal(-30), reset_interval="day", next_reset_at=NOW + days(1))
        assert terms(only(explained(balance))) == [
            ("standalone grant of Jan 1, 2025", Decimal(100)),
            ("adjustments, permanent", Decimal(20)),
            ("standalone grant of Jan 1, 2025", Decimal(100)),
            ("adjustments, until the next reset", Decimal(-30)),
        ]

    def test_a_rollover_says_from_what_and_how_much_is_left(self, balance):
        row = grant(balance, plan=make_plan(name="Pro"))
        make_rollover(balance=balance, grant=row, granted=Decimal(100), left=Decimal(40))
        found = only(explained(balance))
        rollover = found.rows[0]
        assert (rollover.kind, rollover.granted, rollover.remaining, rollover.usage) == (
            "rollover",
            100,
            40,
            60,
        )
        assert [term.words for term in rollover.terms] == ["carried over from Pro v1, 40 of it left"]
        assert rollover.name.endswith("from Pro v1")
        assert (found.figures.granted, found.figures.remaining, found.figures.usage) == (200, 140, 60)

    def test_beside_an_unlimited_grant_limited_ones_add_nothing(self, balance):
        grant(balance, 100, 130)
        grant(balance, 0, 7, unlimited=True)
        found = only(explained(balance))
        assert [(row.granted, row.remaining, row.usage, row.overage) for row in found.rows] == [
            (0, 0, 0, 30),
            (0, 0, 7, 0),
        ]
        assert (found.figures.unlimited, found.figures.usage, found.figures.billable_overage) == (True, 7, 30)
        assert "an unlimited grant takes all usage now" in found.overage_words

    @settings(max_examples=examples(5), deadline=None)
    @given(
        rows=st.lists(
            st.tuples(st.integers(-50, 500), st.integers(-50, 500), st.booleans()), min_size=1, max_size=4
        )
    )
    @pytest.mark.django_db
    def test_what_the_rows_add_is_what_the_figures_are(self, rows):
        balance = make_balance()
        for included, usage, unlimited in rows:
            grant(balance, included, usage, unlimited=unlimited)
        found = only(explained(balance))
        for name in ("granted", "remaining", "usage"):
            assert sum(getattr(row, name) for row in found.rows) == getattr(found.figures, name)
        assert sum(row.overage for row in found.rows) == found.figures.billable_overage


class TestWhatDoesNotCount:
    def test_it_is_told_why(self, customer, balance):
        entities = [make_entity(customer=customer, name=name) for name in ("East", "West")]
        grant(balance, 1, ended_at=NOW - days(2))
        grant(balance, 2, expires_at=NOW - days(1))
        grant(balance, 4, entity=entities[0])
        grant(balance, 8, entity=entities[1])
        make_rollover(balance=balance, expires_at=NOW)
        found = only(explained(balance, entity=entities[0]))
        assert {(row.held, row.reason) for row in found.left_out} == {
            (1, "ended Mar 29, 2025, 12:00"),
            (2, "expired Mar 30, 2025, 12:00"),
            (4, "expired Mar 31, 2025, 12:00"),
            (8, "belongs to another entity, West"),
        }
        assert found.figures.granted == 4
        assert only(explained(balance)).figures.granted == 4 + 8

    def test_of_many_that_ended_the_last_are_told(self, balance):
        for ago in range(12):
            grant(balance, ago, ended_at=NOW - days(ago))
        found = only(explained(balance))
        assert [row.held for row in found.left_out] == list(range(10))
        assert found.left_out_more


class TestOrder:
    def test_each_place_has_its_reason(self, customer, balance):
        east = make_entity(customer=customer, name="East")
        plan = make_plan(name="Extra", add_on=True)
        grant(balance, entity=east)
        grant(balance, reset_interval="day", next_reset_at=NOW + days(1))
        grant(balance, reset_interval="month", next_reset_at=NOW + days(1))
        grant(balance, expires_at=NOW + days(4))
        grant(balance, expires_at=NOW + days(5))
        grant(balance)
        grant(balance, created_at=JANUARY + days(1))
        grant(balance, plan=plan)
        grant(balance, plan=plan, billing_method="usage_based", max_purchase=Decimal(50))
        make_rollover(balance=balance, expires_at=NOW + days(1))
        make_rollover(balance=balance)
        found = explained(balance, entity=east)
        assert [(place.number, place.reason) for place in found.order] == [
            (1, "rollovers come before grants"),
            (2, "never expires, so it comes after what expires"),
            (3, "first grant"),
            (4, "the customer's grants come after the entity's"),
            (5, "resets every month, so it comes after grants that reset more often"),
            (6, "never resets, so it comes after grants that reset"),
            (7, "expires Apr 5, 2025, 12:00, so it comes after what expires sooner"),
            (8, "never expires, so it comes after what expires"),
            (9, "started Jan 2, 2025, so it comes after older grants"),
            (10, "add-ons come after main plans and standalone grants"),
            (11, "allows overage, so it comes after grants that don't"),
        ]
        assert [place.beyond for place in found.order[-2:]] == ["no overage", "overage up to 50"]
        assert found.order[2].owner == "East"

    def test_an_unlimited_grant_comes_first_and_the_others_are_idle(self, balance):
        grant(balance)
        grant(balance, unlimited=True, plan=make_plan(name="All"), reset_interval="year")
        found = explained(balance)
        assert found.order[0].name == "All v1"
        assert found.order[0].available is None
        assert found.order[1].reason == "first grant, but not used while All v1 is unlimited"

    def test_what_an_entity_owns_is_out_of_reach_of_others(self, customer, balance):
        grant(balance, entity=make_entity(customer=customer, name="East"))
        found = explained(balance, use=Decimal(1))
        assert found.order == ()
        assert found.unreachable == ("Standalone grant of Jan 1, 2025 (East)",)
        assert found.use is not None
        assert found.use.reasons == (
            "the customer has no grant that this usage may draw from",
            (
                "usage without an entity can't use these grants and rollovers of entities:"
                " Standalone grant of Jan 1, 2025 (East)"
            ),
        )


class TestUse:
    @pytest.fixture
    def credit_balance(self, customer: Customer, feature: Feature) -> Balance:
        cost = make_credit_cost(
            credit_system=make_feature(type="credit_system", feature_id="credits", name="Credits"),
            metered_feature=feature,
            credit_cost=Decimal("0.3"),
        )
        return make_balance(customer=customer, feature=cost.credit_system)

    def test_it_is_told_part_by_part_with_credits(self, balance, credit_balance):
        grant(balance, 10)
        make_rollover(balance=balance, granted=Decimal(10), left=Decimal(4))
        grant(credit_balance, 3)
        found = explained(balance, use=Decimal(20))
        assert found.use is not None
        # 4 carried over, 10 granted, and 6 units at 0.3 credits: 1.8 of 3.
        assert [(part.step, part.units, part.charged, part.charged_in) for part in found.use.parts] == [
            ("rollover", 4, 4, "API calls"),
            ("granted", 10, 10, "API calls"),
            ("granted", 6, Decimal("1.8"), "Credits"),
        ]
        assert found.use.outcome == "drawn"
        assert found.use.remaining == {"api_calls": 0, "credits": Decimal("1.2")}
        assert [(each.feature, each.credit_cost) for each in found.balances] == [
            ("API calls", None),
            ("Credits", Decimal("0.3")),
        ]

    def test_a_credit_system_says_what_draws_it(self, credit_balance):
        grant(credit_balance, 3)
        assert explained(credit_balance).drawn_by == (("API calls", Decimal("0.3")),)

    def test_credits_alone_are_a_balance_too(self, customer, feature, credit_balance):
        grant(credit_balance, 3)
        found = explain(customer, feature, at=NOW, use=Decimal(10))
        assert found.notes == (
            "API calls has no balance of its own. Its usage is deducted from credits only.",
        )
        assert found.use is not None
        assert found.use.remaining == {"credits": 0}

    def test_what_does_not_fit_says_which_limit_and_how_much_is_missing(self, balance):
        grant(balance, 10)
        found = explained(balance, use=Decimal(11)).use
        assert found is not None
        assert (found.outcome, found.missing, found.parts) == ("refused", 1, ())
        assert found.reasons == ("the balance is used up, and no grant allows overage",)

    def test_a_limit_on_overage_is_named(self, balance):
        grant(balance, 10, billing_method="usage_based", max_purchase=Decimal(5))
        found = explained(balance, use=Decimal(20)).use
        assert found is not None
        assert (found.missing, found.reasons) == (
            5,
            ("Standalone grant of Jan 1, 2025 has reached its overage limit of 5",),
        )

    def test_a_spend_limit_is_named(self, balance):
        grant(balance, 10, billing_method="usage_based")
        make_spend_limit(customer=balance.customer, feature=balance.feature, overage_limit=Decimal(2))
        found = explained(balance, use=Decimal(20)).use
        assert found is not None
        assert (found.missing, found.reasons) == (
            8,
            ("Standalone grant of Jan 1, 2025 has reached the spend limit of 2 on API calls",),
        )

    def test_a_refund_heals_then_refills_and_drops_the_rest(self, balance):
        grant(balance, 10, 12)
        found = explained(balance, use=Decimal(-15)).use
        assert found is not None
        assert [(part.step, part.units) for part in found.parts] == [("healed", 2), ("refilled", 10)]
        assert (found.outcome, found.dropped, found.remaining) == ("refunded", 3, {"api_calls": 10})

    @pytest.mark.parametrize("amount", ["0", "NaN", "Infinity", "-Infinity", "1e-11", "1e-999"])
    def test_what_is_no_amount_cannot_be_tried(self, balance, amount):
        with pytest.raises(CannotExplain):
            explained(balance, use=Decimal(amount))


class TestOverages:
    def test_both_are_named_and_the_difference_told(self, balance):
        grant(balance, 100, 130, billing_method="usage_based")
        grant(balance, 100, 40)
        found = only(explained(balance))
        # Row by row 30 are owed; all usage, 170, is within all grants, 200.
        assert (found.figures.billable_overage, found.figures.displayed_overage) == (30, 0)
        assert found.overage_words == (
            "Billable overage is 30, the sum of each grant's own overage. Displayed overage is 0, all"
            " usage above all that is granted. They differ because one grant is in overage while another grant or a"
            " rollover has units left. All billable overage is on usage-based grants."
        )

    def test_without_any_it_says_so(self, balance):
        grant(balance)
        assert only(explained(balance)).overage_words == "No overage."

    def test_what_no_price_bills_is_told(self, balance):
        grant(balance, 100, 110)
        words = only(explained(balance)).overage_words
        assert "They differ" not in words
        assert words.endswith("because no usage-based grant has overage. A reset clears it.")


class TestPace:
    def test_it_runs_out_before_the_next_reset(self, balance):
        row = grant(balance, 1000, reset_interval="month", next_reset_at=NOW + days(20))
        use(row, 700, NOW - days(40))
        use(row, 170, NOW - days(10))
        use(row, -20, NOW - days(9))
        pace = only(explained(balance)).pace
        # 150 in the last 30 days are 5 a day; 150 of 1,000 remain, and last 30 days: to 30 April, 10 after the reset.
        assert (pace.used, pace.since, pace.per_day) == (150, NOW - days(30), 5)
        assert pace.runs_out_at == NOW + days(30)
        assert pace.words == (
            "150 used in the 30 days since Mar 1, 2025, 12:00, 5 per day. At this rate it lasts until"
            " Apr 30, 2025, after the next reset on Apr 20, 2025."
        )

    def test_minutes_tell_no_rate(self, balance):
        row = grant(balance, 1000, created_at=NOW - timedelta(minutes=59))
        use(row, 900, NOW - timedelta(minutes=59))
        pace = only(explained(balance)).pace
        assert (pace.used, pace.per_day, pace.runs_out_at) == (900, 0, None)
        assert pace.words.endswith("which is too short a time for a burn rate.")

    def test_what_was_taken_back_was_not_used(self, balance):
        row = grant(balance, 100)
        posting = use(row, 60, NOW - days(3))
        use(row, 30, NOW - days(2))
        reverse(posting, done_by="ada", reason="Twice", at=NOW - days(1))
        assert only(explained(balance)).pace.used == 30

    def test_one_that_was_used_before_it_was_imported_is_measured_from_that_use(self, balance):
        row = grant(balance, 100, created_at=NOW - days(2))
        use(row, 30, NOW - days(10))
        use(row, 10, NOW - days(1))
        pace = only(explained(balance)).pace
        assert (pace.used, pace.since, pace.per_day) == (40, NOW - days(10), 4)

    def test_a_balance_that_is_younger_is_measured_from_its_beginning(self, balance):
        row = grant(
            balance, 100, created_at=NOW - days(5), reset_interval="month", next_reset_at=NOW + days(25)
        )
        use(row, 50, NOW - days(1))
        pace = only(explained(balance)).pace
        assert (pace.per_day, pace.runs_out_at) == (10, NOW + days(5))
        assert pace.words.endswith(
            "it runs out on Apr 5, 2025, 20 days before the next reset on Apr 25, 2025."
        )

    def test_adjustments_are_no_use_and_nothing_used_never_runs_out(self, balance):
        grant(balance, 100, 30)
        pace = only(explained(balance)).pace
        assert (pace.used, pace.runs_out_at) == (0, None)
        assert pace.words.endswith("At this rate it never runs out.")

    def test_what_was_drawn_from_rollovers_is_used(self, balance):
        rollover = make_rollover(balance=balance, granted=Decimal(10), left=Decimal(10))
        post(
            PostingDraft(
                customer_id=balance.customer_id,
                kind=Posting.Kind.USAGE,
                occurred_at=NOW - days(1),
                done_by="record_usage",
                changes=[FigureChange(rollover, "left", Decimal(-6))],
            )
        )
        assert only(explained(balance)).pace.used == 6

    def test_what_expires_or_is_reset_unused_is_told(self, balance):
        # 1 a day: 10 of 25 are left after 15 days, when it is reset; the other, drawn after it, is untouched.
        row = grant(balance, 55, reset_interval="month", next_reset_at=NOW + days(15))
        use(row, 30, NOW - days(3))
        grant(balance, 7, expires_at=NOW + days(10))
        pace = only(explained(balance)).pace
        assert [(lost.how, lost.amount) for lost in pace.wasted] == [("expires", 7), ("is reset", 10)]


class TestWasted:
    def source(self, name: str, left: Any, ends: float | None, **fields: Any) -> Supply:
        ends_at = None if ends is None else NOW + days(ends)
        return Supply(id=name, name=name, left=Decimal(left), ends_at=ends_at, **fields)

    A_DAY = Decimal(1) / 86400

    def lost(self, *sources: Supply, rate: Decimal = A_DAY) -> Any:
        return [(each.name, each.amount, each.carried_over) for each in wasted(sources, rate, NOW)]

    def test_the_first_is_drawn_before_the_second(self):
        assert self.lost(self.source("a", 5, 10), self.source("b", 5, 8)) == [("b", 2, 0)]

    def test_one_that_is_reset_is_drawn_again_before_the_others(self):
        # Reset every day to 1, it serves everything: nothing is ever drawn of the other.
        daily = self.source("a", 1, 1, how="is reset", refill=Decimal(1), interval="day")
        assert self.lost(daily, self.source("b", 5, 9)) == [("b", 5, 0)]

    def test_what_is_carried_over_is_not_lost(self):
        kept = {"how": "is reset", "interval": "month", "carries": Decimal(30)}
        assert self.lost(self.source("a", 50, 10, **kept)) == [("a", 10, 30)]
        assert self.lost(self.source("a", 50, 10, **{**kept, "carries": None})) == []

    def test_at_no_rate_all_of_it_is_lost(self):
        assert self.lost(self.source("a", 5, 10), self.source("b", 5, None), rate=Decimal(0)) == [("a", 5, 0)]


class TestEntries:
    def test_the_last_twenty_the_newest_first_with_what_takes_them_back(self, balance):
        row = grant(balance, 100)
        postings = [use(row, 1, NOW - days(30 - number)) for number in range(25)]
        taken = reverse(postings[-1], done_by="ada", reason="Mistake", at=NOW)
        entries = only(explained(balance)).entries
        assert len(entries) == 20
        assert [(each.kind, each.amount, each.after) for each in entries[:3]] == [
            ("Usage", -1, 24),
            ("Usage", 1, 25),
            ("Usage", 1, 24),
        ]
        assert (entries[0].reverses, entries[0].reason, entries[0].done_by) == (
            postings[-1].pk,
            "Mistake",
            "ada",
        )
        assert (entries[1].reversed_by, entries[2].reversed_by) == (taken.pk, None)


class TestFlags:
    def test_a_boolean_feature_is_a_flag(self, customer):
        feature = make_feature(type="boolean", name="Single sign-on")
        found = explain(customer, feature, at=NOW).flag
        assert found is not None
        assert not found.is_on
        make_flag(customer=customer, feature=feature, plan=make_plan(name="Pro"), expires_at=NOW + days(1))
        found = explain(customer, feature, at=NOW).flag
        assert found is not None
        assert found.is_on
        assert found.words == "Single sign-on is on, through Pro v1, until Apr 1, 2025, 12:00."
        found = explain(customer, feature, at=NOW + days(1)).flag
        assert found is not None
        assert not found.is_on

    def test_it_cannot_be_used(self, customer):
        with pytest.raises(CannotExplain, match="is an on/off feature"):
            explain(customer, make_feature(type="boolean"), at=NOW, use=Decimal(1))


def test_what_is_due_is_noted(balance: Balance) -> None:
    grant(balance, reset_interval="month", next_reset_at=NOW - days(1))
    (note,) = explained(balance).notes
    assert note.startswith("An event has been due since Mar 30, 2025, 12:00")


def test_more_rows_take_no_more_queries(customer: Customer, balance: Balance) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            explained(balance, use=Decimal(5))
        return len(queries)

    def fill() -> None:
        plan = make_plan()
        make_plan_item(plan=plan, feature=balance.feature)
        subscription = make_subscription(customer=customer, plan=plan)
        row = grant(balance, plan=plan, subscription=subscription)
        grant(balance, entity=make_entity(customer=customer))
        ended = grant(balance, ended_at=NOW, plan=plan)
        make_rollover(balance=balance, grant=row)
        make_rollover(balance=balance, grant=ended)
        make_rollover(balance=balance, grant=ended, ended_at=NOW)
        use(row, 1, NOW - days(1))

    fill()
    one = count()
    fill()
    fill()
    assert count() == one
    assert one <= 25
