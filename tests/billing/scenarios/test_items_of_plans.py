"""Amounts that expire after their length, and amounts of entities' plans that everybody may use."""

import pytest

from billing.models import Grant
from tests.billing.scenarios.steps import (
    JAN_1,
    attach,
    customer,
    feature,
    figures,
    given,
    item,
    missing,
    moment,
    ms,
    plan,
    renew,
    use,
    use_refused,
)
from tests.billing.subscriptions.timeline import assert_adds_up

pytestmark = pytest.mark.django_db

SEATS = [{"id": name, "name": name, "created_at": ms(JAN_1), "env": "live"} for name in ("a", "b")]


@pytest.mark.parametrize(
    ("length", "duration", "ends"),
    [
        (10, "day", "2026-02-10"),
        (2, "week", "2026-02-14"),
        # Bought on January 31: the months end on their last day.
        (1, "month", "2026-02-28"),
        (14, "month", "2027-03-31"),
        (1, "year", "2027-01-31"),
    ],
)
def test_what_was_bought_expires_after_its_length(length, duration, ends):
    expiry = {"duration": duration, "length": length}
    pack = item("calls", 100, None, expiry=expiry)
    given(feature("calls"), plan("pack", pack, price=10, every="one_off"))
    customer()
    attach("pack", since="2026-01-31T00:00Z")
    assert Grant.objects.get().expires_at == moment(f"{ends}T00:00")
    renew(f"{ends}T00:00Z")
    assert figures(when=f"{ends}T00:00Z") == (0, 0, 0)


def test_each_purchase_expires_by_itself_the_first_first():
    pack = item("calls", 100, None, expiry={"duration": "month", "length": 1})
    given(feature("calls"), plan("pack", pack, price=10, every="one_off"))
    customer()
    attach("pack", since="2026-01-01T00:00Z")
    attach("pack", since="2026-01-20T00:00Z")
    use(60, when="2026-01-21T00:00Z")
    assert figures(when="2026-01-21T00:00Z") == (200, 140, 60)
    renew("2026-02-01T00:00Z")
    # 40 of the first were not used.
    assert figures(when="2026-02-01T00:00Z") == (100, 100, 0)
    assert_adds_up()


def test_a_pooled_amount_of_entities_is_the_customers():
    given(
        feature("calls"),
        plan("seat", item("calls", 100, pooled=True), price=5),
    )
    customer(entities=SEATS)
    attach("seat", "--entity", "a")
    attach("seat", "--entity", "b")
    use(150, "--entity", "a")
    use(40)
    assert missing(use_refused(11, "--entity", "b")) == 1
    renew("2026-02-01T00:00Z")
    assert figures(when="2026-02-01T00:00Z") == (200, 200, 0)


def test_otherwise_it_is_the_entitys_own():
    given(feature("calls"), plan("seat", item("calls", 100), price=5))
    customer(entities=SEATS)
    attach("seat", "--entity", "a")
    assert missing(use_refused(1)) == 1
