"""A balance is adjusted by hand: previewed, posted with its reason, and taken back by the next reset."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.balances import adjust
from billing.balances.adjust import BalanceChanged, CannotAdjust
from billing.balances.grant_preview import preview_grant, preview_reverse
from billing.ledger.entries import reverse
from billing.models import Balance, Grant, LedgerEntry, Posting
from billing.subscriptions import renew_customers
from customers import clock
from tests.factories import (
    make_balance,
    make_entity,
    make_grant,
    make_plan,
    make_plan_item,
    make_rollover,
    make_subscription,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2025, 3, 31, 12, tzinfo=UTC)
add: Any = adjust.add
set_remaining: Any = adjust.set_remaining
expire: Any = adjust.expire
WHY: dict[str, Any] = {"reason": "Goodwill", "done_by": "ada", "at": NOW}


@pytest.fixture
def balance() -> Balance:
    return make_balance()


def grant(balance: Balance, included: Any = 100, usage: Any = 30, **fields: Any) -> Grant:
    return make_grant(balance=balance, included_grant=Decimal(included), usage=Decimal(usage), **fields)


def figures(*rows: Grant) -> Any:
    for row in rows:
        row.refresh_from_db()
    return [(row.included_grant, row.usage, row.adjusted) for row in rows]


class TestAdd:
    def test_it_is_part_of_what_is_included_and_of_the_adjustments(self, balance):
        row = grant(balance)
        done = add(row, Decimal("20.5"), **WHY)
        assert figures(row) == [(Decimal("120.5"), 30, Decimal("20.5"))]
        assert (done.before.remaining, done.after.remaining) == (70, Decimal("90.5"))
        posting = Posting.objects.get(kind="adjustment")
        assert done.posting == posting
        assert (posting.reason, posting.done_by, posting.amount, posting.occurred_at) == (
            "Goodwill",
            "ada",
            Decimal("20.5"),
            NOW,
        )
        (entry,) = posting.entries.all()
        assert (entry.figure, entry.amount, entry.after) == (
            "included_grant",
            Decimal("20.5"),
            Decimal("120.5"),
        )

    def test_below_zero_takes_away_even_below_what_was_used(self, balance):
        row = grant(balance)
        done = add(row, Decimal(-90), **WHY)
        assert figures(row) == [(10, 30, -90)]
        assert (done.after.remaining, done.after.billable_overage) == (0, 20)

    def test_of_a_balance_the_first_limited_grant_in_drawing_order_takes_it(self, balance):
        late = grant(balance, created_at=NOW - timedelta(days=1))
        unlimited = grant(balance, unlimited=True, created_at=NOW - timedelta(days=9))
        early = grant(balance, created_at=NOW - timedelta(days=5))
        entitys = grant(
            balance, entity=make_entity(customer=balance.customer), created_at=NOW - timedelta(days=8)
        )
        add(balance, Decimal(1), **WHY)
        assert [each[2] for each in figures(late, unlimited, early, entitys)] == [0, 0, 1, 0]
        assert adjust.expirable_grants(balance, NOW) == [unlimited, early, late, entitys]

    def test_a_grant_that_is_chosen_takes_it(self, balance):
        first, second = grant(balance), grant(balance)
        add(second, Decimal(1), **WHY)
        assert [each[2] for each in figures(first, second)] == [0, 1]

    def test_the_next_reset_takes_it_back(self, balance):
        plan = make_plan()
        make_plan_item(plan=plan, feature=balance.feature, included=Decimal(100))
        subscription = make_subscription(
            customer=balance.customer,
            plan=plan,
            started_at=NOW - timedelta(days=10),
            current_period_start=NOW - timedelta(days=10),
            current_period_end=NOW + timedelta(days=20),
        )
        row = grant(
            balance,
            plan=plan,
            subscription=subscription,
            reset_interval="month",
            next_reset_at=NOW + timedelta(days=20),
        )
        lasting = grant(balance)
        add(row, Decimal(20), **WHY)
        add(lasting, Decimal(20), **WHY)
        renew_customers([balance.customer_id], NOW + timedelta(days=21))
        assert figures(row, lasting) == [(100, 0, 0), (120, 30, 20)]

    def test_a_reset_that_is_due_comes_first(self, balance):
        row = grant(balance, reset_interval="day", next_reset_at=NOW - timedelta(hours=1))
        add(row, Decimal(20), **WHY)
        assert figures(row) == [(120, 0, 20)]

    @pytest.mark.parametrize(
        "amount", ["0", "NaN", "Infinity", "1e15", "-1e15", "1e999", "1e-11", "1e-999999"]
    )
    def test_what_is_no_amount_is_refused(self, balance, amount):
        row = grant(balance)
        with pytest.raises(CannotAdjust):
            add(row, Decimal(amount), **WHY)
        assert figures(row) == [(100, 30, 0)]

    def test_what_would_be_out_of_range_is_refused(self, balance):
        row = grant(balance, 999_999_999_999_999)
        with pytest.raises(CannotAdjust, match="Enter a smaller amount"):
            add(row, Decimal(1), **WHY)

    def test_it_is_not_done_without_a_reason(self, balance):
        with pytest.raises(CannotAdjust, match="reason"):
            add(grant(balance), Decimal(1), reason="  ", done_by="ada")

    def test_what_no_longer_counts_or_is_unlimited_is_refused(self, balance):
        for fields, told in (
            ({"ended_at": NOW}, "has ended"),
            ({"expires_at": NOW}, "expired Mar 31, 2025"),
            ({"unlimited": True}, "unlimited"),
        ):
            with pytest.raises(CannotAdjust, match=told):
                add(grant(balance, **fields), Decimal(1), **WHY)
        with pytest.raises(CannotAdjust, match="Grant something first"):
            add(balance, Decimal(1), **WHY)


class TestSetRemaining:
    def test_more_is_added_to_one_grant(self, balance):
        first, second = grant(balance), grant(balance)
        done = set_remaining(balance, Decimal(200), **WHY)
        # 70 + 70 remain: 60 more.
        assert figures(first, second) == [(160, 30, 60), (100, 30, 0)]
        assert done.after.remaining == 200

    def test_one_that_is_overdrawn_is_healed_first(self, balance):
        row = grant(balance, 100, 130)
        done = set_remaining(row, Decimal(5), **WHY)
        assert figures(row) == [(135, 130, 35)]
        assert (done.after.remaining, done.after.billable_overage) == (5, 0)

    def test_what_is_too_much_is_taken_from_one_after_the_other(self, balance):
        first, second, over = grant(balance), grant(balance), grant(balance, 100, 110)
        set_remaining(balance, Decimal(10), **WHY)
        # 140 remain, 130 are too much: 70 and 60. The overdrawn one stays.
        assert figures(first, second, over) == [(30, 30, -70), (40, 30, -60), (100, 110, 0)]
        assert LedgerEntry.objects.filter(posting__kind="adjustment").count() == 2

    def test_one_grant_alone_cannot_give_more_than_it_holds(self, balance):
        row = grant(balance)
        grant(balance)
        with pytest.raises(CannotAdjust, match="Enter 70 or more"):
            set_remaining(row, Decimal(60), **WHY)
        set_remaining(row, Decimal(70), **WHY)
        assert figures(row) == [(30, 30, -70)]

    def test_what_was_carried_over_stays(self, balance):
        grant(balance)
        make_rollover(balance=balance, granted=Decimal(10), left=Decimal(4))
        with pytest.raises(
            CannotAdjust, match=r"Enter 4 or more, or let the rollovers expire first\. They hold 4\."
        ):
            set_remaining(balance, Decimal(0), **WHY)
        assert set_remaining(balance, Decimal(4), **WHY).after.remaining == 4

    @pytest.mark.parametrize(
        ("target", "told"), [("70", "already has 70 remaining"), ("-1", "never below 0")]
    )
    def test_what_cannot_be_set_is_refused(self, balance, target, told):
        with pytest.raises(CannotAdjust, match=told):
            set_remaining(grant(balance), Decimal(target), **WHY)

    def test_of_an_unlimited_balance_nothing_is_counted(self, balance):
        grant(balance, unlimited=True)
        with pytest.raises(CannotAdjust, match="unlimited"):
            set_remaining(grant(balance), Decimal(5), **WHY)


class TestExpire:
    def test_what_it_holds_is_lost_with_what_was_carried_over(self, balance):
        row, other = grant(balance), grant(balance)
        rollover = make_rollover(balance=balance, grant=row, granted=Decimal(10), left=Decimal(4))
        done = expire(row, **WHY)
        assert figures(row, other) == [(30, 30, 0), (100, 30, 0)]
        rollover.refresh_from_db()
        assert (row.ended_at, rollover.ended_at, rollover.left) == (NOW, NOW, 0)
        # 70 + 70 + 4 remained, and 70 do.
        assert (done.before.remaining, done.after.remaining) == (144, 70)
        assert [entry.amount for entry in Posting.objects.get(kind="expiry").entries.order_by("figure")] == [
            -70,
            -4,
        ]

    def test_it_is_remembered_even_if_nothing_was_left(self, balance):
        for fields in ({"usage": 100}, {"usage": 110}, {"unlimited": True}):
            row = grant(balance, **fields)
            expire(row, **WHY)
            row.refresh_from_db()
            assert row.ended_at == NOW
        assert {posting.reason for posting in Posting.objects.filter(kind="expiry")} == {"Goodwill"}
        assert Posting.objects.filter(kind="expiry").count() == 3

    def test_what_is_still_to_be_billed_is_not_dropped(self, balance):
        row = grant(balance, 100, 130, billing_method="usage_based")
        with pytest.raises(CannotAdjust, match="has 30 of overage"):
            expire(row, **WHY)
        row.refresh_from_db()
        assert row.ended_at is None

    def test_it_ends_once(self, balance):
        row = grant(balance)
        expire(row, **WHY)
        with pytest.raises(CannotAdjust, match="has ended"):
            expire(row, **WHY)


class TestPreviews:
    def test_they_write_nothing_and_say_what_the_verbs_do(self, balance):
        row = grant(balance)
        before = Posting.objects.count()
        previews: Any = [
            adjust.preview_add(row, Decimal(5), at=NOW),
            adjust.preview_set_remaining(balance, Decimal(5), at=NOW),
            adjust.preview_expire(row, at=NOW),
            preview_grant(balance.customer, balance.feature, Decimal(5), at=NOW, balance=balance),
        ]
        assert [(each.before.remaining, each.after.remaining) for each in previews] == [
            (70, 75),
            (70, 5),
            (70, 0),
            (70, 75),
        ]
        assert figures(row) == [(100, 30, 0)]
        assert row.ended_at is None
        assert (Posting.objects.count(), Grant.objects.count()) == (before, 1)

    def test_what_was_previewed_is_done_only_if_nobody_was_faster(self, balance):
        row = grant(balance)
        seen = adjust.preview_add(row, Decimal(5), at=NOW).version_token
        add(row, Decimal(1), **WHY)
        with pytest.raises(BalanceChanged) as told:
            add(row, Decimal(5), version_token=seen, **WHY)
        now: Any = told.value.now
        assert figures(row) == [(101, 30, 1)]
        assert (now.before.remaining, now.after.remaining) == (71, 76)
        add(row, Decimal(5), version_token=now.version_token, **WHY)
        assert figures(row) == [(106, 30, 6)]

    def test_of_a_reversal(self, balance):
        row = grant(balance)
        posting = add(row, Decimal(5), **WHY).posting
        assert posting is not None
        preview: Any = preview_reverse(posting, at=NOW)
        ((shown, before, after),) = preview.figures
        assert (shown, before.remaining, after.remaining) == (balance, 75, 70)
        assert [(entry.amount, entry.after) for entry in preview.entries] == [(-5, 100)]
        assert not Posting.objects.filter(reverses=posting).exists()
        reverse(posting, done_by="ada", reason="Mistake", at=NOW)
        assert figures(row) == [(100, 30, 0)]


@pytest.mark.parametrize("verb", [add, set_remaining, adjust.preview_add, adjust.preview_set_remaining])
def test_nothing_is_adjusted_ahead_of_the_clock(verb: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    row = grant(make_balance())
    monkeypatch.setattr(clock, "now", lambda: NOW)
    who = {} if verb.__name__.startswith("preview") else {"reason": "Goodwill", "done_by": "ada"}

    with pytest.raises(CannotAdjust, match=r"2025-03-31 12:05:01 UTC is more than 5 minutes ahead"):
        verb(row, Decimal(1), at=NOW + timedelta(minutes=5, seconds=1), **who)

    verb(row, Decimal(1), at=NOW + timedelta(minutes=5), **who)


def test_nothing_is_adjusted_in_a_period_that_was_closed() -> None:
    row = grant(make_balance(), last_reset_at=NOW)

    with pytest.raises(CannotAdjust, match=r"Enter 2025-03-31 12:00 UTC or a later time"):
        add(row, Decimal(1), **WHY | {"at": NOW - timedelta(seconds=1)})

    assert add(row, Decimal(1), **WHY).after.remaining == 71
