"""How much may be used per interval, whatever a balance holds, and whether a balance may be exceeded at all."""

from decimal import Decimal

import pytest

from billing.document.lists.entities import render_entities
from billing.ledger.entries import reverse
from billing.models import Feature, Posting, UsageLimit
from billing.usage.deduct import UsageRequest
from billing.usage.record_many import record_usage_batch
from tests.billing.payloads import sent
from tests.billing.scenarios.steps import (
    JAN_1,
    attach,
    clock_at,
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
    moment,
    ms,
    plan,
    renew,
    run,
    taken,
    usage_price,
    use,
    use_refused,
)

pytestmark = pytest.mark.django_db


def limit(most, interval="day", of="calls", **fields):
    return {"feature_id": of, "limit": most, "interval": interval, **fields}


def limits(*usage_limits, **others):
    return {"billing_controls": {"usage_limits": list(usage_limits), **others}}


def entities(*names):
    return [{"id": name, "name": name, "created_at": ms(JAN_1), "env": "live"} for name in names]


def counts(when=JAN_1):
    """What the document says is used of each limit; None where it says nothing."""
    return [each.get("usage") for each in document(when)["billing_controls"]["usage_limits"]]


def test_a_day_holds_no_more_than_its_limit_though_the_balance_has_more():
    given(feature("calls"), plan("pro", item("calls", 300)))
    customer(**limits(limit(50)))
    attach("pro")
    use(45, when="2026-01-01T08:00Z")
    told = use_refused(10, when="2026-01-01T23:59Z")
    assert missing(told) == 5
    assert "the usage limit on calls is 50 per day, and 45 are used" in told
    assert counts("2026-01-01T23:59Z") == [45]
    assert "Dropped 5" in use(10, "--cap", when="2026-01-01T23:59Z")
    # 50 of 300 are used. What was dropped does not count.
    assert figures() == (300, 250, 50)
    assert counts("2026-01-01T23:59Z") == [50]
    # The next day begins anew.
    use(50, when="2026-01-02T00:00Z")
    assert counts("2026-01-02T01:00Z") == [50]
    assert missing(use_refused(1, when="2026-01-02T23:59:59Z")) == 1


def test_a_refund_and_a_reversal_give_the_room_back():
    given(feature("calls"), plan("pro", item("calls", 300)))
    customer(**limits(limit(50)))
    attach("pro")
    use(50)
    use(-20)
    use(20)
    assert missing(use_refused(1)) == 1
    assert counts() == [50]
    first = Posting.objects.order_by("pk").filter(kind="usage", amount=50).get()
    reverse(first, done_by="test", reason="a mistake", at=moment("2026-01-02"))
    # The day of the usage is given back, not the day of the reversal.
    assert counts() == counts("2026-01-02T00:00Z") == [None]


def test_intervals_follow_the_billing_cycle_or_the_calendar():
    """Attached on the 10th at noon: the month is the 10th to the 10th, the day noon to noon, the week from Saturdays."""
    given(feature("calls"), plan("pro", item("calls", 1000)))
    customer(**limits(limit(10, "month"), limit(7, "day"), limit(8, "month", anchor="utc")))
    attach("pro", since="2026-01-10T12:00Z")
    use(7, when="2026-01-10T13:00Z")
    # The day is full until noon of the 11th, the calendar's month until February, the billing month until the 10th.
    assert "7 per day" in use_refused(1, when="2026-01-11T11:59Z")
    use(1, when="2026-01-11T12:00Z")
    assert "8 per month" in use_refused(1, when="2026-01-31T23:59Z")
    use(2, when="2026-02-01T00:00Z")
    assert "10 per month" in use_refused(1, when="2026-02-10T11:59Z")
    use(1, when="2026-02-10T12:00Z")


def test_weeks_and_years_stay_the_same_from_reset_to_reset():
    given(feature("calls"), plan("pro", item("calls", 1000)))
    customer(**limits(limit(10, "week"), limit(25, "year")))
    attach("pro", since="2026-01-01T00:00Z")
    # Thursdays: Jan 29 to Feb 5. The reset of February 1 moves neither week nor year.
    use(10, when="2026-01-29T00:00Z")
    assert "10 per week" in use_refused(1, when="2026-02-04T23:59Z")
    use(10, when="2026-02-05T00:00Z")
    use(5, when="2026-12-31T00:00Z")
    assert "25 per year" in use_refused(1, when="2026-12-31T23:59Z")
    use(5, when="2027-01-01T00:00Z")


def test_the_tightest_of_several_limits_decides_and_an_unlimited_grant_is_no_way_around():
    given(feature("calls"), plan("all", item("calls", 0, unlimited=True)))
    customer(**limits(limit(100, "month"), limit(30, "day")))
    attach("all")
    assert missing(use_refused(31)) == 1
    for day in (1, 2, 3):
        use(30, when=f"2026-01-0{day}T00:00Z")
    told = use_refused(30, when="2026-01-04T00:00Z")
    assert missing(told) == 20
    assert "100 per month" in told


def test_credits_are_limited_for_all_features_together_and_a_feature_by_itself():
    """A mail costs 3 credits, a call 1. At most 20 credits a day, and at most 4 mails."""
    given(feature("calls"), feature("mails"), credit_system("credits", calls=1, mails=3))
    customer(**limits(limit(20, of="credits"), limit(4, of="mails")))
    run("grant", "acme", "credits", "1000", "--at", JAN_1)
    assert missing(use_refused(5, of="mails")) == 1
    use(4, of="mails")
    # 12 credits are used, so 8 calls fit.
    told = use_refused(9)
    assert missing(told) == 1
    assert "the usage limit on credits is 20 per day, and 12 are used" in told
    use(8)
    assert counts() == [20, 4]
    assert missing(use_refused(1, of="credits")) == 1
    assert figures("credits") == (1000, 980, 20)


def test_an_entitys_own_limit_replaces_the_customers_and_counts_its_usage_alone():
    given(feature("calls"), plan("pro", item("calls", 1000)))
    customer(entities=entities("a", "b"), **limits(limit(50), limit(80, entity_id="a")))
    attach("pro")
    use(80, "--entity", "a")
    assert missing(use_refused(1, "--entity", "a")) == 1
    # The customer's 50 are for all others together.
    use(30, "--entity", "b")
    assert missing(use_refused(21)) == 1
    use(20)
    assert counts() == [50, 80]
    [listed] = render_entities([UsageLimit.objects.exclude(entity=None).get().entity], moment(JAN_1))
    assert sent(listed)["billing_controls"] == {"usage_limits": [limit(80, usage=80)]}


def test_a_limit_that_is_off_or_counts_certain_properties_is_kept_and_stops_nothing():
    only = {"properties": {"model": "large"}}
    given(feature("calls"), plan("pro", item("calls", 1000)))
    customer(**limits(limit(5, enabled=False), limit(6, "week", filter=only, usage=4)))
    attach("pro")
    use(100)
    assert document()["billing_controls"]["usage_limits"] == [
        {**limit(5, enabled=False), "usage": 100},
        limit(6, "week", filter=only, usage=4),
    ]


def test_what_the_platform_counted_goes_on_here_until_its_interval_ends():
    today, tomorrow = "2026-01-05T12:00Z", "2026-01-06T00:00Z"
    given(feature("calls"))
    with clock_at("2026-01-05T11:00Z"):
        customer(**limits(limit(50, usage=45, anchor="utc")))
    run("grant", "acme", "calls", "1000", "--at", JAN_1)
    assert missing(use_refused(6, when=today)) == 1
    use(5, when=today)
    assert counts(today) == [50]
    assert counts(tomorrow) == [0]
    # Our own export says 50: what was counted from stays. The platform's next count replaces ours.
    with clock_at("2026-01-05T13:00Z"):
        taken(holder(**limits(limit(50, usage=50, anchor="utc"))))
    assert UsageLimit.objects.get().reported == 45
    with clock_at("2026-01-05T14:00Z"):
        taken(holder(**limits(limit(50, usage=10, anchor="utc"))))
    assert counts(today) == [10]
    use(40, when="2026-01-05T15:00Z")
    assert missing(use_refused(1, when="2026-01-05T16:00Z")) == 1


def test_a_batch_counts_what_it_has_not_written_yet():
    given(feature("calls"), feature("mails"), credit_system("credits", calls=1, mails=3))
    customer(entities=entities("a"), **limits(limit(10, of="credits"), limit(2, of="mails", entity_id="a")))
    run("grant", "acme", "credits", "100", "--at", JAN_1)
    of = {each.feature_id: each for each in Feature.objects.all()}
    owner = UsageLimit.objects.filter(entity=None).get()
    seat = owner.customer.entities.get()

    def asked(name, amount, **fields):
        return UsageRequest(
            customer_id=str(owner.customer_id),
            feature=of[name],
            amount=Decimal(amount),
            done_by="test",
            at=moment(JAN_1),
            **fields,
        )

    answers = record_usage_batch(
        [
            asked("mails", 2, entity=seat),
            asked("mails", 1, entity=seat),
            asked("calls", 3),
            asked("calls", 2),
            asked("calls", -1),
            asked("calls", 2),
        ]
    )
    # 6 credits, refused, 9 credits, refused, 8 credits, 10 credits.
    assert [str(each)[:8] if isinstance(each, Exception) else each.units for each in answers] == [
        2,
        "1 of 1 m",
        3,
        "1 of 2 c",
        1,
        2,
    ]
    assert figures("credits") == (100, 90, 10)


def test_an_explanation_names_the_limits():
    given(feature("calls"), plan("pro", item("calls", 300)))
    customer(**limits(limit(50)))
    attach("pro")
    use(45)
    told = explained("--use", "10")
    assert any("At most 50 calls may be used per day. 45 are used" in note for note in told["notes"])
    assert told["use"]["outcome"] == "refused"
    assert told["use"]["reasons"] == ["the usage limit on calls is 50 per day, and 45 are used"]


class TestOverageAllowed:
    def test_it_lets_usage_exceed_a_balance_that_has_no_price_for_it(self):
        given(feature("calls"), plan("free", item("calls", 100)))
        customer(billing_controls={"overage_allowed": [{"feature_id": "calls", "enabled": True}]})
        attach("free")
        use(130)
        assert figures() == (100, 0, 130)
        # The reset forgives what nobody bills.
        renew("2026-02-01")
        assert figures(when="2026-02-01") == (100, 100, 0)

    def test_turned_off_it_stops_at_zero_though_the_plan_sells_more(self):
        given(feature("calls"), plan("pro", item("calls", 100, price=usage_price(1)), price=20))
        customer(billing_controls={"overage_allowed": [{"feature_id": "calls", "enabled": False}]})
        attach("pro")
        told = use_refused(130)
        assert missing(told) == 30
        assert "overage is turned off for the customer" in told
        use(100)

    def test_an_entity_may_do_what_the_customer_may_not(self):
        given(feature("calls"), plan("pro", item("calls", 100)))
        own = {"feature_id": "calls", "enabled": True, "entity_id": "a"}
        customer(
            entities=entities("a"),
            billing_controls={"overage_allowed": [{"feature_id": "calls", "enabled": False}, own]},
        )
        attach("pro")
        use(100)
        assert missing(use_refused(1)) == 1
        use(7, "--entity", "a")
        assert figures() == (100, 0, 107)
        assert document()["billing_controls"]["overage_allowed"][1] == own

    def test_unknown_leaves_it_to_the_plan(self):
        given(feature("calls"), plan("pro", item("calls", 100, price=usage_price(1)), price=20))
        customer(billing_controls={"overage_allowed": [{"feature_id": "calls"}]})
        attach("pro")
        use(130)

    def test_a_spend_limit_bounds_what_it_allows(self):
        given(feature("calls"), plan("free", item("calls", 100)))
        spend = {
            "feature_id": "calls",
            "enabled": True,
            "limit_type": "usage_percentage",
            "overage_limit": 20,
        }
        allowed = {"feature_id": "calls", "enabled": True}
        customer(billing_controls={"overage_allowed": [allowed], "spend_limits": [spend]})
        attach("free")
        # 20% of the 100 included.
        assert missing(use_refused(121)) == 1
        use(120)


class TestSpendLimits:
    SPEND = {"feature_id": "calls", "enabled": True, "limit_type": "usage_percentage"}

    def test_a_percentage_is_of_what_the_main_plans_include(self):
        """1,000 are included in the plan, 500 in an add-on and 77 in a grant: 20% are 200."""
        given(
            feature("calls"),
            plan("pro", item("calls", 1000, price=usage_price(0.5)), price=20),
            plan("extra", item("calls", 500), add_on=True, price=1),
        )
        customer(billing_controls={"spend_limits": [{**self.SPEND, "overage_limit": 20}]})
        attach("pro")
        attach("extra")
        run("grant", "acme", "calls", "77", "--at", JAN_1)
        told = use_refused(1778)
        assert missing(told) == 1
        assert "spend limit of 200" in told
        use(1777)
        assert document()["billing_controls"]["spend_limits"] == [{**self.SPEND, "overage_limit": 20}]

    def test_absolute_is_what_a_limit_without_a_type_is(self):
        given(feature("calls"), plan("pro", item("calls", 1000, price=usage_price(0.5)), price=20))
        spend = {**self.SPEND, "limit_type": "absolute", "overage_limit": 20}
        customer(billing_controls={"spend_limits": [spend]})
        attach("pro")
        assert missing(use_refused(1021)) == 1

    def test_an_entitys_own_limit_counts_its_own_grants(self):
        given(feature("calls"), plan("seat", item("calls", 10, price=usage_price(1)), price=5))
        everyone = {"overage_limit": 5, "enabled": True}
        own = {"overage_limit": 200, "enabled": True, "limit_type": "usage_percentage", "entity_id": "a"}
        customer(entities=entities("a", "b", "c"), billing_controls={"spend_limits": [everyone, own]})
        for seat in ("a", "b", "c"):
            attach("seat", "--entity", seat)
        # Of a's own 10, 20 are 200%. The others have 5 together.
        assert missing(use_refused(31, "--entity", "a")) == 1
        use(30, "--entity", "a")
        use(14, "--entity", "b")
        assert missing(use_refused(12, "--entity", "c")) == 1
        use(11, "--entity", "c")
