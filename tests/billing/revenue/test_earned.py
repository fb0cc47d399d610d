"""When a subscription counts in the history of revenue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.models import Subscription
from billing.revenue.history import earned

AT = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({}, True),
        ({"started_at": AT + DAY}, False),
        ({"started_at": AT}, True),
        ({"trial_ends_at": AT + DAY}, False),
        ({"trial_ends_at": AT}, True),
        ({"expires_at": AT}, False),
        ({"expires_at": AT + DAY}, True),
        ({"status": "ended", "expires_at": AT + DAY}, True),
        ({"status": "ended"}, False),
    ],
)
def test_what_counts_on_the_first_of_march(facts: dict[str, Any], counts: bool) -> None:
    assert earned(Subscription(**{"status": "active", "started_at": AT - DAY, **facts}), AT) is counts
