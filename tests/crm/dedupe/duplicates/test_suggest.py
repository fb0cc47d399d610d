"""Whom somebody who is about to be written down may be already."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm.dedupe.duplicates.suggest import likely_matches
from customers import clock
from customers.models import Customer
from tests.factories import make_contact, make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def jane() -> Customer:
    """Jane, among others."""
    for number in range(3):
        make_customer(name=f"Paul Kern{number}feld", email=f"paul{number}@example.org")
    return make_customer(
        name="Jane Doering",
        email="jane.doering@gmail.com",
        phone="+12175550123",
        external_id="ext-7fd2",
        stripe_id="cus_9s6XKzkNRiz8i3",
        fingerprint="device-1",
    )


@pytest.mark.parametrize(
    "described",
    [
        {"email": "JaneDoering+new@googlemail.com"},
        {"name": "J. Doering", "email": "Jane.Doering@gmail.com"},
        {"phone": "+1 (217) 555-0123"},
        {"phone": "217 555 0123", "name": "Jane Doering"},
        {"name": "Jane Doering"},
        {"name": "doering, jane"},
        {"name": "Jane Doeringg"},
        {"fingerprint": "device-1"},
        {"name": "Jane Doering", "external_id": "ext-7fd2", "env": "sandbox"},
        {"stripe_id": "cus_9s6XKzkNRiz8i3", "env": "sandbox"},
    ],
    ids=str,
)
def test_who_is_known_already_is_found(jane: Customer, described: dict[str, Any]) -> None:
    first = likely_matches(**described)[0]
    assert first.customer == jane
    assert first.reasons


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"name": "Otto Brandmann", "email": "otto@example.com", "phone": "+1 217 555 0199"},
        {"name": "Paul Doering", "phone": "+12175550123"},
        {"email": "jane.doering@gmail.com", "env": "sandbox"},
        {"name": "%_\\", "email": "%@%", "phone": "%"},
    ],
    ids=str,
)
def test_who_is_new_is_not(jane: Customer, described: dict[str, Any]) -> None:
    assert likely_matches(**described) == []


def test_merged_and_archived_customers_are_not_named(jane: Customer) -> None:
    jane.archived_at = clock.now()
    jane.save()
    make_customer(name="Jane Doering", merged_into=jane)
    assert likely_matches("Jane Doering", "jane.doering@gmail.com") == []


def test_at_most_five_are_named_the_likeliest_first(jane: Customer) -> None:
    for number in range(8):
        make_customer(name="Jane Doering", email=f"jd{number}@example.org")
    found = likely_matches("Jane Doering", "jane.doering@gmail.com")
    assert len(found) == 5
    assert found[0].customer == jane
    scores = [match.score for match in found]
    assert scores == sorted(scores, reverse=True)


def test_it_takes_as_many_queries_for_many_as_for_one(jane: Customer) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert likely_matches("Jane Doering", "jane.doering@gmail.com", "+12175550123")
        return len(captured)

    one = queries()
    for _ in range(3):
        make_contact(customer=make_customer(name="Jane Doering", phone="+12175550123"))
    assert queries() == one
