"""Which keys of usage can be stored."""

from __future__ import annotations

import pytest

from billing.models import Posting
from billing.usage.idempotency import LONGEST_KEY, key_problem


@pytest.mark.parametrize("key", ["k", "ключ", "k" * LONGEST_KEY, "a\tb"])
def test_a_key_that_can_be_stored(key: str) -> None:
    assert key_problem(key) is None


@pytest.mark.parametrize("key", ["", "k" * (LONGEST_KEY + 1), "a\0b", "a\ud800"])
def test_a_key_that_cannot(key: str) -> None:
    assert key_problem(key) is not None


def test_the_longest_key_fits_into_its_column() -> None:
    assert Posting._meta.get_field("key").max_length == LONGEST_KEY
