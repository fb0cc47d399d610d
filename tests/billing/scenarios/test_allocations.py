"""What is allocated to entities: each is held to its share, and everybody else to what is left.

The figures are worked out by hand.
"""

import pytest

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
    plan,
    usage_price,
    use,
    use_refused,
)
from tests.billing.scenarios.test_usage_limits import entities

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
