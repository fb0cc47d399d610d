"""Uses of what customers hold, worked out by hand."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Balance, LedgerEntry, Posting, Rollover
from billing.subscriptions import attach_plan
from billing.usage.deduct import UsageRefused, UsageRequest, UsageResult
from billing.usage.idempotency import KeyConflict
from billing.usage.record import record_usage
from billing.usage.record_many import record_usage_batch
from customers import clock
from customers.models import Customer
from tests.billing.subscriptions.timeline import plan_of
from tests.billing.uses import LAST, LATER, NOON, granted, usages, use
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_customer,
    make_entity,
    make_feature,
    make_plan,
    make_rollover,
    make_spend_limit,
    make_subscription,
)

pytestmark = pytest.mark.django_db


class Ways:
    """The ways in which a use is recorded, all of which come to the same."""

    @staticmethod
    def singly(use: UsageRequest) -> UsageResult:
        return record_usage(use)

    @staticmethod
    def in_bulk(use: UsageRequest) -> UsageResult:
        [outcome] = record_usage_batch([use])
        if isinstance(outcome, UsageResult):
            return outcome
        raise outcome


@pytest.fixture(params=[Ways.singly, Ways.in_bulk], ids=["singly", "in bulk"])
def record(request: pytest.FixtureRequest) -> Any:
    return request.param


class TestDrawing:
    def test_one_grant(self, record: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 100, 30)

        used = record(use(balance, "2.5", reason="Sent", done_by="somebody"))

        assert [(part.id, part.step, part.units, part.charged) for part in used.parts] == [
            (grant.pk, "granted", Decimal("2.5"), Decimal("2.5"))
        ]
        assert used.remaining == {balance.feature_id: Decimal("67.5")}
        assert usages(grant) == [Decimal("32.5")]
        posting = Posting.objects.get(done_by="somebody")
        assert (posting.kind, posting.amount, posting.reason) == ("usage", Decimal("2.5"), "Sent")
        assert (posting.customer_id, posting.feature_id) == (balance.customer_id, balance.feature_id)
        assert (posting.occurred_at, posting.key, posting.answer) == (NOON, None, None)
        entry = posting.entries.get()
        assert (entry.grant_id, entry.figure, entry.number) == (grant.pk, "usage", 3)
        assert (entry.amount, entry.after) == (Decimal("2.5"), Decimal("32.5"))

    def test_shorter_intervals_first_then_the_main_plan_then_the_add_on(self, record: Any) -> None:
        balance = make_balance()
        pro, extra = make_plan(), make_plan(add_on=True)
        subscribed = make_subscription(customer=balance.customer, plan=pro)
        added = make_subscription(customer=balance.customer, plan=extra, add_on=True)
        add_on = granted(
            balance, 5, plan=extra, subscription=added, reset_interval="month", next_reset_at=LATER
        )
        monthly = granted(
            balance, 10, plan=pro, subscription=subscribed, reset_interval="month", next_reset_at=LATER
        )
        for_life = granted(balance, 100)
        daily = granted(balance, 3, reset_interval="day", next_reset_at=NOON + timedelta(hours=12))

        used = record(use(balance, 16))

        # 3 of the day, 10 of the plan, 3 of the add-on's 5; nothing of what never resets.
        assert usages(daily, monthly, add_on, for_life) == [3, 10, 3, 0]
        assert [part.id for part in used.parts] == [daily.pk, monthly.pk, add_on.pk]
        assert used.remaining == {balance.feature_id: 102}

    def test_the_entity_s_own_grant_before_the_customer_s(self, record: Any) -> None:
        balance = make_balance()
        seat, other = (make_entity(customer=balance.customer) for _ in range(2))
        shared, own, others = (
            granted(balance, 10),
            granted(balance, 10, entity=seat),
            granted(balance, 10, entity=other),
        )

        used = record(use(balance, 12, entity=seat))

        assert usages(own, shared, others) == [10, 2, 0]
        assert used.remaining == {balance.feature_id: 8}

    def test_without_an_entity_only_what_is_the_customer_s(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 10, entity=make_entity(customer=balance.customer))

        with pytest.raises(UsageRefused, match="1 of 1"):
            record(use(balance, 1))

    def test_rollovers_first_the_soonest_to_expire_before_others(self, record: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 100)
        late = make_rollover(balance=balance, granted=Decimal(5), left=Decimal(5), expires_at=LAST)
        soon = make_rollover(balance=balance, granted=Decimal(4), left=Decimal(4), expires_at=LATER)

        record(use(balance, 7))

        lefts = [Rollover.objects.get(pk=each.pk).left for each in (soon, late)]
        assert lefts == [0, 2]
        assert usages(grant) == [0]

    def test_an_unlimited_grant_takes_it_all(self, record: Any) -> None:
        balance = make_balance()
        limited = granted(balance, 5)
        unlimited = granted(balance, 0, unlimited=True)

        used = record(use(balance, 1000))

        assert usages(limited, unlimited) == [0, 1000]
        assert used.remaining == {balance.feature_id: None}

    def test_credits_are_charged_at_their_cost_rounded_half_even(self, record: Any) -> None:
        cost = make_credit_cost(credit_cost=Decimal("0.3"))
        system = make_balance(feature=cost.credit_system)
        own = make_balance(customer=system.customer, feature=cost.metered_feature)
        messages, paid = granted(own, 10), granted(system, 1)

        used = record(use(own, 12))

        # 10 messages are granted; the other 2 cost 0.6 credits.
        assert usages(messages, paid) == [10, Decimal("0.6")]
        assert used.remaining == {own.feature_id: 0, system.feature_id: Decimal("0.4")}

        # 0.4 credits pay for 1.3333333333 messages.
        capped = record(use(own, 5, cap=True))
        assert capped.units == Decimal("1.3333333333")
        assert capped.dropped == Decimal("3.6666666667")
        assert usages(paid) == [1]

    def test_a_customer_without_a_balance_of_the_feature_itself(self, record: Any) -> None:
        cost = make_credit_cost(credit_cost=Decimal(2))
        system = make_balance(feature=cost.credit_system)
        paid = granted(system, 10)

        record(use(system, 3, feature=cost.metered_feature))

        assert usages(paid) == [6]

    def test_expired_grants_do_not_count(self, record: Any) -> None:
        balance = make_balance()
        # Who renews ends it first; what is left is too little.
        granted(balance, 10, expires_at=NOON)
        granted(balance, 1)

        with pytest.raises(UsageRefused, match="1 of 2"):
            record(use(balance, 2))


class TestOverage:
    def test_down_to_max_purchase(self, record: Any) -> None:
        balance = make_balance(overage_allowed=True, max_purchase=Decimal(20))
        grant = granted(balance, 10)

        used = record(use(balance, 30))

        assert [(part.step, part.units) for part in used.parts] == [("granted", 10), ("overage", 20)]
        assert usages(grant) == [30]
        assert used.remaining == {balance.feature_id: 0}

    def test_beyond_max_purchase_nothing_changes(self, record: Any) -> None:
        balance = make_balance(overage_allowed=True, max_purchase=Decimal(20))
        grant = granted(balance, 10)

        with pytest.raises(UsageRefused, match=r"^1 of 31 .* overage limit of 20") as refused:
            record(use(balance, 31))

        assert refused.value.missing == 1
        assert usages(grant) == [0]

    def test_beyond_the_spend_limit(self, record: Any) -> None:
        balance = make_balance(overage_allowed=True)
        make_spend_limit(customer=balance.customer, feature=balance.feature, overage_limit=Decimal(5))
        grant = granted(balance, 10)

        with pytest.raises(UsageRefused, match=r"2 of 17 .* spend limit of 5"):
            record(use(balance, 17))

        record(use(balance, 15))
        assert usages(grant) == [15]

    def test_without_overage_what_is_missing_is_told(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 10, 4)

        with pytest.raises(UsageRefused, match=r"4 of 10 .* can't be deducted: .*no grant allows overage"):
            record(use(balance, 10))

    def test_a_cap_takes_what_fits(self, record: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 10, 4)

        used = record(use(balance, 10, cap=True))

        assert (used.units, used.dropped) == (6, 4)
        assert "no grant allows overage" in used.why
        assert usages(grant) == [10]
        assert Posting.objects.latest("pk").amount == 10


class TestRefunds:
    def test_it_goes_back_and_no_further_than_the_grant(self, record: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 10, 4)

        used = record(use(balance, -7))

        assert (used.units, used.dropped) == (4, 3)
        assert usages(grant) == [0]
        assert Posting.objects.latest("pk").kind == "refund"
        assert LedgerEntry.objects.latest("pk").amount == -4

    def test_what_is_below_zero_is_healed_first(self, record: Any) -> None:
        balance = make_balance(overage_allowed=True)
        daily = granted(balance, 5, 5, reset_interval="day", next_reset_at=NOON + timedelta(hours=1))
        overdrawn = granted(balance, 5, 8)

        used = record(use(balance, -4))

        # 3 heal the second grant to zero, 1 refills the first.
        assert usages(daily, overdrawn) == [4, 5]
        assert [part.step for part in used.parts] == ["healed", "refilled"]

    def test_a_rollover_is_never_restored(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 5)
        make_rollover(balance=balance)

        used = record(use(balance, -3))

        assert (used.units, used.dropped) == (0, 3)


class TestNothing:
    @pytest.mark.parametrize("key", [None, "k"])
    def test_a_use_of_0_is_allowed(self, record: Any, key: str | None) -> None:
        balance = make_balance()
        grant = granted(balance, 10, 10)

        used = record(use(balance, 0, key=key))

        assert (used.units, used.dropped, used.parts) == (0, 0, ())
        assert used.remaining == {balance.feature_id: 0}
        assert usages(grant) == [10]
        kept = Posting.objects.exclude(kind="grant").values_list("kind", flat=True)
        assert list(kept) == (["usage"] if key else [])


class TestRefusals:
    def test_a_flag(self, record: Any) -> None:
        balance = make_balance(feature=make_feature(type="boolean", name="SSO"))

        with pytest.raises(UsageRefused, match="SSO is an on/off feature"):
            record(use(balance, 1))

    def test_what_the_customer_has_no_balance_of(self, record: Any) -> None:
        balance = make_balance()

        with pytest.raises(UsageRefused, match=r"no balance of Seats\. Attach a plan that includes it"):
            record(use(balance, 1, feature=make_feature(feature_id="seats", name="Seats")))

    def test_a_balance_of_which_nothing_is_granted(self, record: Any) -> None:
        with pytest.raises(UsageRefused, match="no grant that this usage may draw from"):
            record(use(make_balance(), 1))

    @pytest.mark.parametrize("amount", ["1e15", "NaN", "Infinity", "0.00000000001"])
    def test_amounts(self, record: Any, amount: str) -> None:
        balance = make_balance()
        granted(balance, 10)

        with pytest.raises(UsageRefused, match="Enter a"):
            record(use(balance, amount))

    def test_a_time_ahead_of_the_clock(self, record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        balance = make_balance()
        grant = granted(balance, 10, reset_interval="month", next_reset_at=LATER)
        monkeypatch.setattr(clock, "now", lambda: NOON)
        soon = NOON + timedelta(minutes=5)

        with pytest.raises(
            UsageRefused, match=r"Enter a time that has passed\. 2026-05-04 12:05:01 UTC is more"
        ):
            record(use(balance, 1, at=soon + timedelta(seconds=1)))
        assert usages(grant) == [0]
        record(use(balance, 1, at=soon))

        assert usages(grant) == [1]

    @pytest.mark.parametrize("key", ["", "a\0b", "\ud800", "k" * 256])
    def test_keys(self, record: Any, key: str) -> None:
        balance = make_balance()
        granted(balance, 10)

        with pytest.raises(UsageRefused, match="Enter a key"):
            record(use(balance, 1, key=key))

    def test_more_than_a_figure_holds(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 0, unlimited=True)
        record(use(balance, "999999999999999"))

        with pytest.raises(UsageRefused, match="more than 15 digits"):
            record(use(balance, 2))

    def test_another_customer_s_entity(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 10)

        with pytest.raises(UsageRefused, match="belongs to another customer"):
            record(use(balance, 1, entity=make_entity(name="Their seat")))

    def test_a_removed_entity(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 10)
        seat = make_entity(customer=balance.customer, removed_at=NOON)

        with pytest.raises(UsageRefused, match="was removed on May 4, 2026"):
            record(use(balance, 1, entity=seat))


class TestKeys:
    @pytest.mark.parametrize("again", [Ways.singly, Ways.in_bulk])
    def test_the_same_again_answers_as_the_first_time(self, record: Any, again: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 100)
        asked = use(balance, "7.50", key="k\t\\ñ\n")
        first = record(asked)
        record(use(balance, 1))

        second = again(use(balance, "7.5", key="k\t\\ñ\n"))

        assert second.is_replay
        assert (second.amount, second.units, second.remaining) == (first.amount, first.units, first.remaining)
        assert [part.id for part in second.parts] == [grant.pk]
        assert usages(grant) == [Decimal("8.5")]

    @pytest.mark.parametrize("what", ["amount", "at", "no time", "cap", "customer", "feature", "entity"])
    def test_with_anything_else_it_is_a_conflict(self, record: Any, what: str) -> None:
        balance, other = make_balance(), make_balance()
        grant = granted(balance, 100)
        granted(other, 100)
        record(use(balance, 7, key="k"))
        changes: dict[str, dict[str, Any]] = {
            "amount": {"amount": Decimal(8)},
            "at": {"at": LATER},
            "no time": {"at": None},
            "cap": {"cap": True},
            "customer": {"customer_id": str(other.customer_id)},
            "feature": {"feature": other.feature},
            "entity": {"entity": make_entity(customer=balance.customer)},
        }

        with pytest.raises(KeyConflict, match="'k' was used before"):
            record(replace(use(balance, 7, key="k"), **changes[what]))

        assert usages(grant) == [7]

    def test_a_key_whose_use_was_refused_is_free(self, record: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 10)
        with pytest.raises(UsageRefused):
            record(use(balance, 11, key="k"))

        assert not record(use(balance, 10, key="k")).is_replay
        assert usages(grant) == [10]

    def test_a_key_of_another_kind_of_posting(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 10)
        Posting.objects.create(
            customer=balance.customer, kind="adjustment", occurred_at=NOON, done_by="test", key="k"
        )

        with pytest.raises(KeyConflict):
            record(use(balance, 1, key="k"))

    def test_that_drops_everything_is_remembered(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 10, 10)
        record(use(balance, 1, key="k", cap=True))

        again = record(use(balance, 1, key="k", cap=True))

        assert (again.is_replay, again.dropped) == (True, 1)
        assert "used up" in again.why


class TestMergedCustomers:
    def test_the_survivor_s_balance_is_drawn(self, record: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 10)
        merged = make_customer(merged_into=balance.customer)

        record(use(balance, 4, customer_id=str(merged.pk)))

        assert usages(grant) == [4]
        assert Posting.objects.latest("pk").customer_id == balance.customer_id

    def test_a_key_from_before_the_merge(self, record: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 10)
        record(use(balance, 4, key="k"))
        survivor = make_customer()
        Balance.objects.update(customer=survivor)
        Customer.objects.filter(pk=balance.customer_id).update(merged_into=survivor)

        assert record(use(balance, 4, key="k")).is_replay
        assert record(use(balance, 4, key="k", customer_id=str(survivor.pk))).is_replay
        assert usages(grant) == [4]


class TestRenewal:
    def test_a_reset_that_is_due_comes_first(self, record: Any) -> None:
        balance = make_balance()
        grant = granted(balance, 10, 9, reset_interval="month", next_reset_at=NOON)

        used = record(use(balance, 4))

        assert usages(grant) == [4]
        assert used.remaining == {balance.feature_id: 6}
        kinds = Posting.objects.order_by("pk").values_list("kind", flat=True)
        assert list(kinds) == ["grant", "reset", "usage"]

    def test_not_before_it_is_due(self, record: Any) -> None:
        balance = make_balance()
        granted(balance, 10, 9, reset_interval="month", next_reset_at=NOON)

        with pytest.raises(UsageRefused, match="3 of 4"):
            record(use(balance, 4, at=NOON - timedelta(milliseconds=1)))

    @pytest.mark.parametrize(("asked", "cap"), [(8, False), (9, True)])
    def test_a_plan_that_is_due_to_begin_gives_what_is_missing(
        self, record: Any, monkeypatch: pytest.MonkeyPatch, asked: int, cap: bool
    ) -> None:
        balance = make_balance()
        granted(balance, 3)
        extra = plan_of("extra", (balance.feature, {"included": 5, "reset_interval": "month"}), add_on=True)
        begins = NOON.replace(year=2099)
        attach_plan(balance.customer, extra, at=begins, done_by="test")
        monkeypatch.setattr(clock, "now", lambda: begins)

        with pytest.raises(UsageRefused):
            record(use(balance, asked, at=begins - timedelta(milliseconds=1)))
        used = record(use(balance, asked, at=begins, cap=cap))

        assert (used.units, used.dropped) == (8, asked - 8)


def test_a_plain_use_is_one_statement_on_postgresql_and_a_fixed_number_elsewhere() -> None:
    balance = make_balance()
    granted(balance, 100)

    with CaptureQueriesContext(connection) as captured:
        record_usage(use(balance, 1, key="k"))

    assert len(captured) == 1 if connection.vendor == "postgresql" else len(captured) <= 13
