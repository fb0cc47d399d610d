"""How far below zero a balance may go, and in which row."""

import pytest

from tests.billing.scenarios.steps import (
    JAN_1,
    attach,
    balance,
    credit_system,
    customer,
    document,
    explained,
    feature,
    figures,
    given,
    holder,
    item,
    missing,
    monthly,
    ms,
    plan,
    row,
    run,
    taken,
    usage_price,
    usages,
    use,
    use_refused,
)
from tests.billing.subscriptions.timeline import assert_adds_up

pytestmark = pytest.mark.django_db


def paid(included, **price):
    """A plan of 20 a month, that sells more at 0.50 each."""
    return plan("pro", item("calls", included, price=usage_price(0.5, **price)), price=20)


def limits(*spend_limits):
    return {"spend_limits": list(spend_limits)}


def test_without_overage_a_use_is_refused_whole_and_nothing_changes():
    given(feature("calls"), plan("free", item("calls", 10)))
    customer()
    attach("free")
    use(8)
    told = use_refused(5)
    assert missing(told) == 3
    assert "allow" in told
    assert figures() == (10, 2, 8)
    assert "Dropped 3" in use(5, "--cap")
    assert figures() == (10, 0, 10)


def test_a_row_goes_below_zero_down_to_its_max_purchase():
    given(feature("calls"), paid(100, max_purchase=30))
    customer()
    attach("pro")
    use(120)
    assert figures() == (100, 0, 120)
    told = use_refused(11)
    assert missing(told) == 1
    assert "30" in told
    assert figures() == (100, 0, 120)
    assert "Dropped 90" in use(100, "--cap")
    assert figures() == (100, 0, 130)
    assert missing(use_refused("0.5")) * 2 == 1
    assert_adds_up()


def test_overage_fills_one_row_after_the_other_in_drawing_order():
    given(
        feature("calls"),
        paid(100, max_purchase=30),
        plan("extra", item("calls", 50, "week", price=usage_price(1, max_purchase=5)), add_on=True, price=1),
    )
    customer()
    attach("pro")
    attach("extra")
    # Rows: pro 100 a month, extra 50 a week. First the week's 50 and the month's 100, then 5 beyond the week's.
    use(157)
    assert usages() == [102, 55]
    # 150 are granted: nothing is left, 7 are beyond.
    assert figures() == (150, 0, 157)
    # 28 more fit beyond the month's.
    assert missing(use_refused(30)) == 2
    use(28)
    assert usages() == [130, 55]


def test_both_overages_differ_when_one_row_is_over_while_another_holds_something():
    """After a use beyond the plan, a grant is made: what is owed stays, though less is used than granted."""
    given(feature("calls"), paid(100))
    customer()
    attach("pro")
    use(130)
    run("grant", "acme", "calls", "50", "--at", JAN_1)
    # Rows: -30 and 50. Granted 150, remaining 50 (not 20), usage 130.
    assert figures() == (150, 50, 130)
    told = explained()["balances"][0]["figures"]
    assert (told["billable_overage"], told["displayed_overage"]) == ("30", "0")
    # The new row has no overage, so it is drawn before the plan's goes further: first by its interval the
    # plan's row, which holds nothing, then the 50.
    use(60)
    assert usages() == [140, 50]


def test_overage_that_a_document_allows_without_a_price_lets_every_row_go_below():
    taken(
        holder(
            balance(
                "calls", row(10, id="one", reset=monthly("2026-02-01")), overage_allowed=True, max_purchase=25
            )
        )
    )
    use(30)
    assert figures() == (10, 0, 30)
    assert missing(use_refused(6)) == 1
    use(5)
    assert usages() == [35]
    assert document()["balances"]["calls"]["overage_allowed"] is True


def test_overage_without_a_price_is_limited_for_all_rows_together():
    taken(
        holder(
            balance(
                "calls",
                row(10, id="one", reset=monthly("2026-02-01")),
                row(5, id="two"),
                overage_allowed=True,
                max_purchase=25,
            )
        )
    )
    # 10 + 5 are there, and 25 beyond them.
    assert missing(use_refused(41)) == 1
    use(40)
    assert usages() == [35, 5]
    assert missing(use_refused(1)) == 1


def test_overage_without_a_price_and_without_a_floor_has_no_end():
    taken(
        holder(
            balance(
                "calls",
                row(10, id="one", reset=monthly("2026-02-01")),
                row(5, id="two"),
                overage_allowed=True,
            )
        )
    )
    # 10 and 5, and the rest beyond the first in drawing order.
    use(100_015)
    assert usages() == [100_010, 5]


def test_the_features_own_spend_limit_holds_its_overage():
    given(feature("calls"), paid(100, max_purchase=50))
    customer(billing_controls=limits({"feature_id": "calls", "overage_limit": 20, "enabled": True}))
    attach("pro")
    told = use_refused(121)
    assert missing(told) == 1
    assert "20" in told
    use(120)
    assert figures() == (100, 0, 120)


def test_a_spend_limit_for_all_features_holds_each_of_them_and_the_own_one_wins():
    given(
        feature("calls"),
        feature("mails"),
        plan(
            "pro",
            item("calls", 10, price=usage_price(1)),
            item("mails", 10, price=usage_price(1)),
            price=20,
        ),
    )
    customer(
        billing_controls=limits(
            {"overage_limit": 5, "enabled": True},
            {"feature_id": "mails", "overage_limit": 8, "enabled": True},
        )
    )
    attach("pro")
    assert missing(use_refused(16)) == 1
    use(15)
    assert missing(use_refused(19, of="mails")) == 1
    use(18, of="mails")


def test_a_spend_limit_that_is_off_holds_nothing():
    given(feature("calls"), paid(100))
    customer(billing_controls=limits({"feature_id": "calls", "overage_limit": 20, "enabled": False}))
    attach("pro")
    use(500)
    assert figures() == (100, 0, 500)


def test_a_spend_limit_counts_what_was_used_beyond_before_it_was_set():
    """An imported row is 30 over; a limit of 40 leaves 10, also to a use that draws another row."""
    taken(
        holder(
            balance(
                "calls",
                row(100, 130, id="one", plan_id="pro", reset=monthly("2026-02-01"), price=usage_price(1)),
                row(20, 0, id="two", plan_id="pro", reset=monthly("2026-02-01"), price=usage_price(1)),
                overage_allowed=True,
            ),
            billing_controls=limits({"feature_id": "calls", "overage_limit": 40, "enabled": True}),
        )
    )
    assert missing(use_refused(31)) == 1
    use(30)
    assert usages() == [140, 20]


def test_prepaid_packs_are_granted_whole_and_multiply_by_what_a_pack_holds():
    prepaid = {
        "amount": 5,
        "interval": "month",
        "billing_units": 250,
        "billing_method": "prepaid",
        "max_purchase": None,
    }
    given(feature("calls"), plan("pro", item("calls", 100, price=prepaid), price=20))
    customer()
    told = attach("pro", "--quantity", "3", "--prepaid", "calls=600")
    # 600 are three packs of 250; three times 100 are included; three times 20 and three packs of 5 are billed.
    [shown] = document()["balances"]["calls"]["breakdown"]
    assert (shown["included_grant"], shown["prepaid_grant"]) == (300, 750)
    assert figures() == (1050, 1050, 0)
    assert "$75.00" in told
    assert missing(use_refused(1051)) == 1


def test_credits_are_drawn_at_their_cost_after_the_metered_rows():
    given(
        feature("calls"),
        feature("mails"),
        credit_system("credits", calls=3, mails=0.3),
        plan("pro", item("calls", 5), item("credits", 100, "week")),
    )
    customer()
    attach("pro")
    # Metered before credit system, though the credits' interval is shorter: 5 calls, then 2 at 3 credits.
    use(7)
    assert figures() == (5, 0, 5)
    assert figures("credits") == (100, 94, 6)
    # 10 mails at 0.3 are 3 credits.
    use(10, of="mails")
    assert figures("credits") == (100, 91, 9)
    # 91 credits are 30 calls, and one credit more: 31 do not fit, a third of one does.
    assert missing(use_refused(31)) * 10**10 == 6_666_666_667
    use(30)
    assert figures("credits") == (100, 1, 99)
    capped = use(1, "--cap")
    assert "0.3333333333" in capped
    assert figures("credits") == (100, 0, 100)
    assert_adds_up()


def test_a_third_of_a_credit_at_a_time():
    """A mail is 0.3 credits: 1 credit is 3 mails and a third; credits ÷ cost rounds half-even at 10 decimals."""
    given(
        feature("mails"),
        credit_system("credits", mails=0.3),
    )
    customer()
    run("grant", "acme", "credits", "1", "--at", JAN_1)
    assert missing(use_refused(4, of="mails")) * 10**10 == 6_666_666_667
    told = use(4, "--cap", of="mails")
    assert "Used 3.3333333333 mails" in told
    assert "Dropped 0.6666666667" in told
    assert [str(figure) for figure in figures("credits")] == ["1", "0", "1"]
    # A refund of mails gives credits back at the same cost.
    use(-2, of="mails")
    assert [str(figure) for figure in figures("credits")] == ["1", "0.6", "0.4"]


def test_credits_used_as_such_are_drawn_one_for_one():
    given(
        feature("mails"),
        credit_system("credits", mails=3),
    )
    customer(entities=[{"id": "a", "name": "a", "created_at": ms(JAN_1), "env": "live"}])
    run("grant", "acme", "credits", "10", "--at", JAN_1)
    run("grant", "acme", "credits", "3", "--entity", "a", "--at", JAN_1)
    use(4, of="credits")
    assert usages("credits") == [4, 0]
    # An entity's credits first: one mail of its own, one of the customer's.
    use(2, "--entity", "a", of="mails")
    assert usages("credits") == [7, 3]


def test_credits_that_allow_overage_go_below_zero_in_credits():
    given(
        feature("calls"),
        credit_system("credits", calls=3),
        plan("pro", item("credits", 10, price=usage_price(1, max_purchase=20)), price=20),
    )
    customer()
    attach("pro")
    # 10 credits and 20 beyond them are 10 calls.
    assert missing(use_refused(11)) == 1
    use(10)
    assert figures("credits") == (10, 0, 30)
