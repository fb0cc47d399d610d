"""The words of an explanation, of cases worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing.explain import words as explanation
from billing.explain.words import beyond
from billing.models import Grant
from billing.rules.drawing_order import DrawableGrant


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"unlimited": True}, "unlimited"),
        ({"unlimited": True, "overage_allowed": True, "max_purchase": Decimal(5)}, "unlimited"),
        ({}, "no overage"),
        ({"max_purchase": Decimal(5)}, "no overage"),
        ({"overage_allowed": True}, "unlimited overage"),
        ({"overage_allowed": True, "max_purchase": Decimal(1500)}, "overage up to 1,500"),
        (
            {"overage_allowed": True, "max_purchase": Decimal(5), "shares_max_purchase": True},
            "overage up to 5 shared with the other grants",
        ),
    ],
)
def test_how_far_a_grant_goes_below_zero(facts: dict[str, Any], words: str) -> None:
    grant = DrawableGrant(id="grt", feature_id="calls", created_at=datetime(2026, 1, 1, tzinfo=UTC), **facts)

    assert beyond(grant) == words


@pytest.mark.parametrize(
    ("prepaid", "size", "words"),
    [
        (200, 100, "prepaid, 2 packs \u00d7 100"),
        (100, 100, "prepaid, 1 pack \u00d7 100"),
        (150, 100, "prepaid, in packs of 100"),
        (150, None, "prepaid"),
    ],
)
def test_what_was_bought(prepaid: int, size: int | None, words: str) -> None:
    grant = Grant(prepaid_grant=Decimal(prepaid), billing_units=None if size is None else Decimal(size))

    assert explanation._bought(grant) == words
