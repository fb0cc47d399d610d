"""Which of a customer's spend limits says whether overage is free, worked out by hand."""

from __future__ import annotations

import pytest

from billing.subscriptions.free_overage import free_overage
from tests.factories import (
    make_balance,
    make_customer,
    make_entity,
    make_feature,
    make_grant,
    make_spend_limit,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("limits", "is_free"),
    [
        ([], False),
        ([("", "", True)], True),
        ([("", "calls", None)], False),
        # That of the feature comes before that of all features.
        ([("", "", True), ("", "calls", False)], False),
        ([("", "", False), ("", "calls", True)], True),
        # That of the entity comes before both, also if it is of all features.
        ([("", "calls", True), ("seat", "", False)], False),
        ([("", "calls", False), ("seat", "", True)], True),
        ([("seat", "", True), ("seat", "calls", False)], False),
        # Those of others don't matter.
        ([("", "", True), ("other", "calls", False), ("", "tokens", False)], True),
    ],
)
def test_the_narrowest_limit_decides(limits: list[tuple[str, str, bool | None]], is_free: bool) -> None:
    customer = make_customer()
    features = {name: make_feature(feature_id=name) for name in ("calls", "tokens")}
    entities = {name: make_entity(customer=customer) for name in ("seat", "other")}
    grant = make_grant(
        balance=make_balance(customer=customer, feature=features["calls"]), entity=entities["seat"]
    )
    for entity, feature, skips in limits:
        make_spend_limit(
            customer=customer,
            entity=entities.get(entity),
            feature=features.get(feature),
            enabled=True,
            skip_overage_billing=skips,
        )
    found = free_overage([str(customer.pk)]).get(str(customer.pk))
    assert (found is not None and found.covers(grant)) is is_free
