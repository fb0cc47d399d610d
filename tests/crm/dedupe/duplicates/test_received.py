"""After an import, the queue has the pairs of the customers that it received."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from crm.dedupe.duplicates.received import add_received
from crm.models import DuplicateCluster, DuplicatePair
from customers import clock
from customers.models import Customer
from tests.factories import (
    make_business,
    make_contact,
    make_customer,
    make_domain,
    make_duplicate_pair,
    make_person,
    make_source_record,
)

pytestmark = pytest.mark.django_db

SINCE = clock.now()
BEFORE = SINCE - timedelta(days=1)


def customer(name: str, *, is_received: bool = False, **fields: Any) -> Customer:
    """A customer whose record was received since then, or before."""
    made = make_customer(**{"name": name, "email": "", **fields})
    make_source_record(customer=made, env=made.env, last_received_at=SINCE if is_received else BEFORE)
    return made


def queued() -> set[tuple[str, str]]:
    return {(str(pair.a), str(pair.b)) for pair in DuplicatePair.objects.select_related("a", "b")}


@pytest.mark.parametrize(
    ("known", "received"),
    [
        ({"email": "jane.doering@example.com"}, {"email": "jane.doering@example.com"}),
        ({"phone": "+12175550123"}, {"phone": "+12175550123"}),
        ({"fingerprint": "device-1"}, {"fingerprint": "device-1"}),
        ({"email": "office@doering.example"}, {"email": "jane@doering.example"}),
    ],
)
def test_a_received_customer_is_compared_with_those_known_before(
    known: dict[str, Any], received: dict[str, Any]
) -> None:
    customer("Jane Doering", **known)
    customer("Doering, Jane", is_received=True, **received)
    customer("Paul Kern")
    assert add_received(SINCE) == 1
    assert queued() == {("Jane Doering", "Doering, Jane")}
    pair = DuplicatePair.objects.get()
    assert (pair.score > 0.75, pair.cluster) == (True, DuplicateCluster.objects.get())
    assert add_received(SINCE) == 0


def test_two_received_together_are_compared() -> None:
    for name in ("Jane Doering", "Jane Döring"):
        customer(name, is_received=True, phone="+12175550123")
    add_received(SINCE)
    assert queued() == {("Jane Doering", "Jane Döring")}


def test_rows_of_a_customer_count_too() -> None:
    acme = customer("Acme GmbH")
    make_contact(customer=acme, person=make_person(name="Jane Doering", email="jane@example.com"))
    customer("Jane Doering", is_received=True, email="jane@example.com")
    numbered = customer("Globex AG")
    make_business(customer=numbered, name="Globex AG", tax_identifier="DE136695976")
    received = customer("Globex", is_received=True)
    make_business(customer=received, name="Globex", tax_identifier="DE136695976")
    for name in ("Initech GmbH", "Initech"):
        make_domain(customer=customer(name, is_received=True), name="initech.example")
    add_received(SINCE)
    assert queued() == {("Acme GmbH", "Jane Doering"), ("Globex AG", "Globex"), ("Initech GmbH", "Initech")}


def test_only_current_customers_of_one_environment_are_compared() -> None:
    phone = "+12175550123"
    customer("Jane Doering", is_received=True, phone=phone)
    customer("Jane Doering", is_received=True, phone=phone, env="sandbox")
    customer("Jane Doering", phone=phone, archived_at=clock.now())
    assert add_received(SINCE) == 0


def test_those_received_before_are_left_to_the_sweep() -> None:
    for _ in range(2):
        customer("Jane Doering", phone="+12175550123")
    assert add_received(SINCE) == 0


def test_what_too_many_share_compares_nobody_and_is_still_counted() -> None:
    def receive(phone: str, others: int) -> None:
        for number in range(others):
            customer(f"Customer {number}", phone=phone)
        for _ in range(2):
            made = customer("", is_received=True, phone=phone)
            make_domain(customer=made, name=f"firm-{phone[1:]}.example")

    receive("+12175550123", others=0)
    receive("+12175550199", others=9)
    add_received(SINCE)
    assert {pair.a.phone for pair in DuplicatePair.objects.select_related("a")} == {"+12175550123"}
    (reason,) = (each for each in DuplicatePair.objects.get().reasons if "phone" in each)
    assert "shared by" not in reason


def test_a_decision_stays_and_a_pair_joins_the_groups_on_both_sides() -> None:
    jane = customer("Jane Doering", is_received=True, phone="+12175550123", email="jane@example.com")
    no = customer("Doering, Jane", phone="+12175550123")
    make_duplicate_pair(
        a=jane, b=no, decision=DuplicatePair.Decision.NOT_DUPLICATES, cluster=None, decided_at=clock.now()
    )
    twin = customer("Jane Doering", email="jane@example.com")
    make_duplicate_pair(a=twin, b=customer("J. Doering"))
    add_received(SINCE)
    assert DuplicatePair.objects.get(a=jane, b=no).decision == DuplicatePair.Decision.NOT_DUPLICATES
    assert [cluster.size for cluster in DuplicateCluster.objects.all()] == [3]
