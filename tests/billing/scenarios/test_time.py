"""What time does to a balance: resets, months missed, rollovers with caps, what is billed."""

import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from billing.balances.adjust import add
from billing.models import Grant, Invoice, LedgerEntry
from customers.lookup import find_customer
from tests.billing.scenarios.steps import (
    JAN_1,
    attach,
    balance,
    carried,
    clock_at,
    customer,
    document,
    feature,
    figures,
    given,
    holder,
    item,
    missing,
    moment,
    monthly,
    ms,
    pay,
    plan,
    renew,
    row,
    run,
    taken,
    usage_price,
    usages,
    use,
    use_refused,
)
from tests.billing.subscriptions.timeline import assert_adds_up, billed

pytestmark = pytest.mark.django_db


def next_reset(when, of="calls"):
    return document(when)["balances"][of]["next_reset_at"]


def test_a_reset_is_due_at_its_moment_and_not_before():
    given(feature("calls"), plan("free", item("calls", 100)))
    customer()
    attach("free")
    use(40)
    renew("2026-01-31T23:59:59Z")
    assert figures(when="2026-01-31T23:59:59Z") == (100, 60, 40)
    renew("2026-02-01")
    assert figures(when="2026-02-01") == (100, 100, 0)
    assert next_reset("2026-02-01") == ms("2026-03-01")


def test_missed_months_are_one_refill_and_the_day_of_the_month_is_kept():
    given(feature("calls"), plan("free", item("calls", 100)))
    customer()
    since = "2024-01-31T12:00:00Z"
    attach("free", since=since)
    use(40, when=since)
    # 29 February in a leap year, and 31 again in March.
    renew("2024-02-29T12:00:00Z")
    assert next_reset("2024-03-01") == ms("2024-03-31T12:00")
    use(10, when="2024-03-01")
    renew("2025-02-27T00:00:00Z")
    assert figures(when="2025-02-27") == (100, 100, 0)
    assert next_reset("2025-02-27") == ms("2025-02-28T12:00")
    renew("2025-02-28T12:00:00Z")
    assert next_reset("2025-02-28T12:00") == ms("2025-03-31T12:00")
    # One reset each time that something had been used: 40, then 10.
    assert [entry.amount for entry in LedgerEntry.objects.filter(posting__kind="reset").order_by("pk")] == [
        -40,
        -10,
    ]


@pytest.mark.parametrize(
    ("interval", "dates"),
    [
        ("month", ["2023-01-31", "2023-02-28", "2023-03-31"]),
        ("quarter", ["2022-08-31", "2022-11-30", "2023-02-28", "2023-05-31"]),
        ("year", ["2016-02-29", "2017-02-28", "2018-02-28", "2019-02-28", "2020-02-29"]),
    ],
)
def test_an_imported_row_keeps_the_day_it_came_with_over_short_months(interval, dates):
    reset = {"interval": interval, "resets_at": ms(dates[0])}
    taken(holder(balance("calls", row(10, 4, reset=reset))))
    for due, following in pairwise(dates):
        renew(due)
        assert next_reset(due) == ms(following)


def test_a_quarter_taken_over_on_another_day_keeps_the_day_of_the_first():
    """From 31 August, upgraded on 28 September, once paid to 30 November, once to 28 February."""
    given(
        feature("calls"),
        plan("basic", item("calls", 10, "quarter"), price=10, every="quarter", group="main"),
        plan("pro", item("calls", 20, "quarter"), price=30, every="quarter", group="main"),
    )
    customer()
    attach("basic", since="2022-08-31")
    attach("pro", since="2022-09-28")
    for due, following in pairwise(["2022-11-30", "2023-02-28", "2023-05-31", "2023-08-31"]):
        pay(due)
        renew(due)
        [shown] = document(due)["subscriptions"]
        assert shown["current_period_end"] == next_reset(due) == ms(following)


def test_a_trial_that_ends_on_another_day_begins_the_months_anew():
    """Reset on 28 February for 31 March, within the trial, which ends on 30 April."""
    trial = {"duration_length": 89, "duration_type": "day", "card_required": False}
    given(feature("calls"), plan("pro", item("calls", 10), price=20, free_trial=trial))
    customer()
    attach("pro", since="2023-01-31")
    for due, following in pairwise(["2023-02-28", "2023-03-31", "2023-04-30", "2023-05-30", "2023-06-30"]):
        renew(due)
        pay(due)
        assert next_reset(due) == ms(following)


@pytest.mark.parametrize(
    ("interval", "count", "following"),
    [
        ("minute", 90, "2026-08-30T01:30"),
        ("hour", 36, "2026-08-31T12:00"),
        ("day", 10, "2026-09-09T00:00"),
        ("week", 2, "2026-09-13T00:00"),
        ("month", 1, "2026-09-30T00:00"),
        ("quarter", 1, "2026-11-30T00:00"),
        ("semi_annual", 1, "2027-02-28T00:00"),
        ("month", 6, "2027-02-28T00:00"),
        ("year", 1, "2027-08-30T00:00"),
    ],
)
def test_each_interval_by_its_length(interval, count, following):
    since = "2026-08-30T00:00:00Z"
    given(feature("calls"))
    customer()
    run(
        *["grant", "acme", "calls", "10", "--at", since],
        *["--interval", interval, "--interval-count", str(count)],
    )
    assert next_reset(since) == ms(following)
    use(4, when=since)
    renew(following + ":00Z")
    assert figures(when=following) == (10, 10, 0)


def test_a_use_after_a_missed_reset_finds_the_balance_renewed():
    given(feature("calls"), plan("free", item("calls", 10)))
    customer()
    attach("free")
    use(10)
    assert missing(use_refused(1, when="2026-01-31")) == 1
    use(7, when="2026-04-15")
    assert figures(when="2026-04-15") == (10, 3, 7)
    assert next_reset("2026-04-15") == ms("2026-05-01")


def test_one_off_never_resets():
    given(feature("calls"), plan("free", item("calls", 10, "one_off")))
    customer()
    attach("free")
    use(4)
    renew("2036-01-01")
    assert figures(when="2036-01-01") == (10, 6, 4)
    assert next_reset("2036-01-01") is None


def test_an_adjustment_ends_with_the_period():
    given(feature("calls"), plan("free", item("calls", 100)))
    customer()
    attach("free", "--quantity", "2")
    add(Grant.objects.get(), Decimal(30), reason="For the outage", done_by="test", at=moment(JAN_1))
    add(Grant.objects.get(), Decimal(-10), reason="Too much", done_by="test", at=moment(JAN_1))
    assert figures() == (220, 220, 0)
    use(50)
    renew("2026-02-01")
    assert figures(when="2026-02-01") == (200, 200, 0)


def capped(maximum, length, included=100):
    rule = {"max": maximum, "expiry_duration_type": "month", "expiry_duration_length": length}
    return plan("free", item("calls", included, rollover=rule))


def test_leftovers_are_carried_over_up_to_a_cap_the_soonest_to_expire_trimmed_first():
    given(feature("calls"), capped(150, 3))
    customer()
    attach("free")
    use(20)
    # January leaves 80, good until 1 May (three months after the reset was due).
    renew("2026-02-01")
    assert carried(when="2026-02-01") == [(80, 80, ms("2026-05-01"))]
    # 30 in February come off what was carried over; February leaves 100: 50 + 100 fit.
    use(30, when="2026-02-10")
    renew("2026-03-01")
    assert carried(when="2026-03-01") == [(50, 80, ms("2026-05-01")), (100, 100, ms("2026-06-01"))]
    # Granted 100 + 80 + 100, of which 30 are used.
    assert figures(when="2026-03-01") == (280, 250, 30)
    # 60 in March: 50 of the first, 10 of the second. March leaves 100: 90 + 100 are 40 too many. The first is
    # empty, by use, and stays; the 40 come off the second: 50 are left of 60.
    use(60, when="2026-03-10")
    renew("2026-04-01")
    assert carried(when="2026-04-01") == [
        (0, 80, ms("2026-05-01")),
        (50, 60, ms("2026-06-01")),
        (100, 100, ms("2026-07-01")),
    ]
    # 100 + 240, of which 80 + 10 are used.
    assert figures(when="2026-04-01") == (340, 250, 90)
    # April leaves 100 and the first expires on 1 May; 150 + 100 are 100 too many: 50 empty the second, which is
    # gone, and 50 come off the third.
    renew("2026-05-01")
    assert carried(when="2026-05-01") == [(50, 50, ms("2026-07-01")), (100, 100, ms("2026-08-01"))]
    assert figures(when="2026-05-01") == (250, 250, 0)
    assert_adds_up()


def test_a_leftover_larger_than_the_cap_is_cut_to_it():
    given(feature("calls"), capped(30, 1))
    customer()
    attach("free")
    renew("2026-02-01")
    assert carried(when="2026-02-01") == [(30, 30, ms("2026-03-01"))]
    # A month later it expires, and 30 of the next leftover take its place.
    renew("2026-03-01")
    assert carried(when="2026-03-01") == [(30, 30, ms("2026-04-01"))]


def test_what_is_carried_over_for_ever_has_no_end():
    rule = {"max": None, "expiry_duration_type": "forever"}
    given(feature("calls"), plan("free", item("calls", 10, rollover=rule)))
    customer()
    attach("free")
    use(4)
    renew("2026-03-01")
    assert [left for left, _, _ in carried(when="2026-03-01")] == [6, 10]
    assert {expires for _, _, expires in carried(when="2026-03-01")} == {0}
    assert figures(when="2026-03-01") == (26, 26, 0)


def test_months_missed_carry_over_month_by_month():
    """Renewing once for half a year comes to what renewing every month does."""
    given(feature("calls"), capped(250, 2))
    customer()
    attach("free")
    use(20)
    # On 1 Feb 80 until 1 Apr; 1 Mar 100 until 1 May; 1 Apr the 80 expire, 100 until 1 Jun; and so on: always two.
    renew("2026-07-01")
    assert carried(when="2026-07-01") == [(100, 100, ms("2026-08-01")), (100, 100, ms("2026-09-01"))]
    assert figures(when="2026-07-01") == (300, 300, 0)


def test_nothing_is_carried_over_of_an_overdrawn_row():
    rule = {"max": 50, "expiry_duration_type": "month", "expiry_duration_length": 1}
    given(feature("calls"), plan("pro", item("calls", 10, rollover=rule, price=usage_price(1)), price=5))
    customer()
    attach("pro")
    pay(JAN_1)
    use(15)
    renew("2026-02-01")
    assert carried(when="2026-02-01") == []
    assert figures(when="2026-02-01") == (10, 10, 0)


def test_usage_beyond_the_grant_is_billed_in_started_packs_and_then_reset():
    given(feature("calls"), plan("pro", item("calls", 100, price=usage_price(0.5, 10)), price=20))
    customer()
    attach("pro")
    pay(JAN_1)
    use(125)
    assert figures() == (100, 0, 125)
    renew("2026-02-01")
    # 25 beyond are three packs of ten: 1.50, with February's 20.
    assert sorted(Invoice.objects.values_list("total", flat=True)) == [2000, 2150]
    assert figures(when="2026-02-01") == (100, 100, 0)
    renew("2026-02-01")
    assert Invoice.objects.count() == 2


def test_overage_that_has_no_price_is_forgiven():
    taken(
        holder(
            balance("calls", row(10, 25, id="one", reset=monthly("2026-02-01")), overage_allowed=True),
        )
    )
    assert figures() == (10, 0, 25)
    renew("2026-02-01")
    assert figures(when="2026-02-01") == (10, 10, 0)
    assert not Invoice.objects.exists()


def test_a_past_due_subscription_does_not_reset_unless_a_setting_says_so(settings):
    subscription = {
        "id": "sub_1",
        "plan_id": "pro",
        "auto_enable": False,
        "add_on": False,
        "status": "active",
        "past_due": True,
        "canceled_at": None,
        "expires_at": None,
        "trial_ends_at": None,
        "started_at": ms(JAN_1),
        "current_period_start": ms(JAN_1),
        "current_period_end": ms("2026-02-01"),
        "quantity": 1,
    }
    taken(
        holder(
            balance("calls", row(10, 6, id="one", plan_id="pro", reset=monthly("2026-02-01"))),
            subscriptions=[subscription],
        )
    )
    renew("2026-02-02")
    assert figures(when="2026-02-02") == (10, 4, 6)
    settings.RESET_PAST_DUE = True
    renew("2026-02-02")
    assert figures(when="2026-02-02") == (10, 10, 0)


def test_an_invoice_of_a_long_month_is_not_overdue_when_the_next_begins():
    given(feature("calls"), plan("pro", item("calls", 100), price=20))
    customer()
    attach("pro")
    use(30)
    renew("2026-02-01")
    assert figures(when="2026-02-01") == (100, 100, 0)
    [shown] = document("2026-02-01")["subscriptions"]
    assert shown["past_due"] is False


def test_an_unpaid_invoice_stops_the_refill_once_it_is_due_and_what_was_used_is_not_lost(settings):
    """Due in 30 days, which end before a January does."""
    settings.INVOICE_DUE_DAYS = 30
    given(feature("calls"), plan("pro", item("calls", 100, price=usage_price(1)), price=20))
    customer()
    attach("pro")
    use(110)
    renew("2026-02-01")
    [shown] = document("2026-02-01")["subscriptions"]
    assert shown["past_due"] is True
    assert figures(when="2026-02-01") == (100, 0, 110)
    pay("2026-02-03")
    renew("2026-02-03")
    assert figures(when="2026-02-03") == (100, 100, 0)
    # January's 20, February's 20, and the 10 beyond January's 100, for which nobody had asked yet.
    assert sorted(Invoice.objects.values_list("total", flat=True)) == [1000, 2000, 2000]
    assert_adds_up()


def test_rows_of_different_intervals_reset_each_at_its_time():
    given(feature("calls"), plan("pro", item("calls", 100), item("calls", 10, "week"), price=20))
    customer()
    attach("pro")
    use(50)
    assert usages() == [40, 10]
    assert next_reset(JAN_1) == ms("2026-01-08")
    renew("2026-01-08")
    assert usages(when="2026-01-08") == [40, 0]
    pay("2026-01-09")
    renew("2026-02-01")
    assert usages(when="2026-02-01") == [0, 0]
    # 8, 15, 22, 29 January, 5 February.
    assert next_reset("2026-02-01") == ms("2026-02-05")


def test_an_upgrade_begins_at_once_and_a_downgrade_with_the_next_period():
    given(
        feature("calls"),
        plan("basic", item("calls", 10), price=10, group="main"),
        plan("pro", item("calls", 100), price=30, group="main"),
    )
    customer()
    attach("basic")
    use(4)
    # After 15.5 of 31 days: half of 10 back, half of 30 to pay.
    attach("pro", since="2026-01-16T12:00:00Z")
    assert figures(when="2026-01-16T12:00:00Z") == (100, 100, 0)
    assert sorted(Invoice.objects.values_list("total", flat=True)) == [1000, 1000]
    attach("basic", since="2026-01-20")
    assert figures(when="2026-01-20") == (100, 100, 0)
    use(30, when="2026-01-21")
    renew("2026-02-01")
    shown = document("2026-02-01")
    assert [each["plan_id"] for each in shown["subscriptions"]] == ["basic"]
    assert figures(when="2026-02-01") == (10, 10, 0)


def test_a_cancelled_subscription_grants_until_its_period_ends():
    given(feature("calls"), plan("pro", item("calls", 100), price=20))
    customer()
    attach("pro")
    run("cancel_subscription", "acme", "pro", "--at", "2026-01-10")
    [shown] = document("2026-01-10")["subscriptions"]
    assert (shown["status"], shown["canceled_at"], shown["expires_at"]) == (
        "active",
        ms("2026-01-10"),
        ms("2026-02-01"),
    )
    use(5, when="2026-01-31")
    renew("2026-02-01")
    assert document("2026-02-01")["subscriptions"] == []
    assert "calls" not in document("2026-02-01")["balances"] or figures(when="2026-02-01") == (0, 0, 0)
    use_refused(1, when="2026-02-02")
    assert Invoice.objects.count() == 1


def test_what_has_ended_can_be_attached_again_though_nothing_was_renewed_since():
    given(feature("calls"), plan("pro", item("calls", 100), price=20))
    customer()
    attach("pro")
    run("cancel_subscription", "acme", "pro", "--at", "2026-01-10")
    attach("pro", since="2026-03-01")
    [shown] = document("2026-03-01")["subscriptions"]
    assert shown["started_at"] == ms("2026-03-01")
    assert figures(when="2026-03-01") == (100, 100, 0)


def test_uncancelled_it_goes_on():
    given(feature("calls"), plan("pro", item("calls", 100), price=20))
    customer()
    attach("pro")
    run("cancel_subscription", "acme", "pro", "--at", "2026-01-10")
    run("uncancel_subscription", "acme", "pro", "--at", "2026-01-11")
    pay("2026-01-12")
    use(5, when="2026-01-12")
    renew("2026-02-01")
    assert figures(when="2026-02-01") == (100, 100, 0)
    assert Invoice.objects.count() == 2


def test_a_file_bills_the_same_in_any_order_of_its_lines(tmp_path: Path) -> None:
    given(feature("calls"), plan("p", item("calls", 10, price=usage_price(1)), price=5))
    taken(holder(), holder(id="other"))
    uses = [("2026-02-03", 2), ("2026-01-20", 15), ("2026-01-31T23:59:59Z", 0.5), ("2026-01-02", 1.5)]
    for who, lines in (("acme", uses), ("other", uses[::-1])):
        attach("p", who=who)
        file = tmp_path / who
        file.write_text(
            "\n".join(
                json.dumps({"customer": who, "feature": "calls", "amount": amount, "at": when})
                for when, amount in lines
            )
        )
        with clock_at("2026-02-05"):
            run("record_usage", "--file", str(file))
    renew("2026-03-01")

    for who in ("acme", "other"):
        # 7 of January's 17 are beyond what is included, and none of February's 2.
        invoices = Invoice.objects.filter(customer=find_customer(who)).order_by("created_at")
        assert [billed(invoice) for invoice in invoices] == [
            [("base", 500)],
            [("usage", 700), ("base", 500)],
            [("base", 500)],
        ]
