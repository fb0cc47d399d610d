"""What is allocated to entities: each is held to its share, and everybody else to what is left.

The figures are worked out by hand.
"""

import pytest

from billing.models import Balance, BillingAccount, Entity
from tests.billing.import_documents import exported
from tests.billing.scenarios.steps import (
    attach,
    customer,
    explained,
    feature,
    figures,
    given,
    item,
    missing,
    moment,
    plan,
    usage_price,
    use,
    use_refused,
)
from tests.billing.scenarios.test_usage_limits import entities
from tests.factories import make_grant

pytestmark = pytest.mark.django_db


def allocated(interval="month", **amounts):
    shares = [{"entity_id": name, "amount": amount} for name, amount in amounts.items()]
    group = {"feature_id": "calls", "interval": interval, "allocations": shares}
    return {
        "billing_controls": {"balance_allocations": [group]},
        "entities": entities("berlin", "paris", "rome"),
    }


def test_an_entity_is_held_to_its_share_and_everybody_else_to_the_rest():
    given(feature("calls"), plan("pro", item("calls", 100)))
    customer(**allocated(berlin=30))
    attach("pro")
    use(25, "--entity", "berlin")
    told = use_refused(10, "--entity", "berlin")
    assert missing(told) == 5
    assert "the share of calls is 30 per month, and 25 are used" in told
    # 70 are left to the others, whoever they are.
    use(40, "--entity", "rome")
    use(20)
    told = use_refused(15)
    assert missing(told) == 5
    assert "the share of calls is 70 per month, and 60 are used" in told
    use(10, "--entity", "paris")
    use(5, "--entity", "berlin")
    assert figures() == (100, 0, 100)
    assert "At most 30 calls may be used per month by berlin. 30 are used" in str(
        explained("--entity", "berlin")
    )


def test_the_next_period_begins_anew():
    given(feature("calls"), plan("pro", item("calls", 100)))
    customer(**allocated(berlin=30))
    attach("pro")
    use(30, "--entity", "berlin", when="2026-01-31T12:00Z")
    assert missing(use_refused(1, "--entity", "berlin", when="2026-01-31T13:00Z")) == 1
    use(30, "--entity", "berlin", when="2026-02-01T12:00Z")


def test_more_than_there_is_shrinks_in_proportion():
    given(feature("calls"), plan("pro", item("calls", 100)))
    customer(**allocated(berlin=80, paris=120))
    attach("pro")
    # 100 of the 200 that are requested: 40 and 60.
    assert missing(use_refused(41, "--entity", "berlin")) == 1
    assert missing(use_refused(61, "--entity", "paris")) == 1
    assert missing(use_refused(1)) == 1
    use(40, "--entity", "berlin")
    use(60, "--entity", "paris")


def test_overage_is_for_those_without_a_share():
    given(feature("calls"), plan("pro", item("calls", 100, price=usage_price(1))))
    customer(**allocated(berlin=30))
    attach("pro")
    assert missing(use_refused(31, "--entity", "berlin")) == 1
    use(150)
    assert figures()[2] == 150


@pytest.mark.parametrize("amounts", [{}, {"berlin": 0}, {"oslo": 50}])
def test_an_amount_of_nothing_or_of_an_unknown_entity_holds_back_nothing(amounts):
    given(feature("calls"), plan("pro", item("calls", 100)))
    customer(**allocated(**amounts))
    attach("pro")
    use(100)


@pytest.mark.parametrize(
    "sold",
    [item("calls", 0, interval=None, unlimited=True), item("calls", 500, interval="year")],
    ids=["without end", "by the year"],
)
def test_what_is_not_granted_by_the_month_is_not_shared_out_by_the_month(sold):
    given(feature("calls"), plan("pro", sold))
    customer(**allocated(berlin=30))
    attach("pro")
    use(200, "--entity", "berlin")
    use(200)


def test_an_entity_without_a_limit_of_its_own_leaves_the_others_their_shares():
    given(feature("calls"), plan("pro", item("calls", 100)))
    customer(**allocated(berlin=30))
    attach("pro")
    balance = Balance.objects.get()
    make_grant(
        balance=balance,
        entity=Entity.objects.get(entity_id="rome"),
        unlimited=True,
        included_grant=0,
        created_at=moment("2026-01-01T00:00Z"),
    )
    use(500, "--entity", "rome")
    assert missing(use_refused(31, "--entity", "berlin")) == 1
    use(30, "--entity", "berlin")


@pytest.mark.parametrize(
    "stored",
    [
        "calls",
        7,
        ["calls"],
        [{"feature_id": "calls"}],
        [{"feature_id": "calls", "interval": "month", "allocations": [{"entity_id": "berlin"}]}],
        [
            {
                "feature_id": "calls",
                "interval": "month",
                "allocations": [{"entity_id": "berlin", "amount": "x"}],
            }
        ],
        [{"feature_id": "calls", "interval": None, "allocations": [{"entity_id": 7, "amount": None}]}],
    ],
)
def test_what_a_program_stored_wrongly_holds_nobody_back(stored):
    given(feature("calls"), plan("pro", item("calls", 100)))
    customer(**allocated(berlin=30))
    attach("pro")
    BillingAccount.objects.update(balance_allocations=stored)
    use(60, "--entity", "berlin")


def test_documents_get_them_back_whole():
    given(feature("calls"))
    sent = {**allocated(berlin=30.5, paris=0), "id": "c"}
    customer(**allocated(berlin=30.5, paris=0))
    assert (
        exported()["billing_controls"]["balance_allocations"]
        == sent["billing_controls"]["balance_allocations"]
    )
    kept = [{"feature_id": "calls", "interval": "fortnight", "allocations": []}]
    customer(billing_controls={"balance_allocations": kept})
    customer(billing_controls={"usage_limits": []})
    assert exported()["billing_controls"]["balance_allocations"] == kept
