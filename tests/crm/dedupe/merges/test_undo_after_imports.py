"""What is imported while two customers are merged stays right when the merge is undone."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from crm.dedupe.merges.merge import merge
from crm.dedupe.merges.unmerge import unmerge
from crm.exchange.importers import IMPORTERS
from customers.ingest.importer import ImportOutcome
from customers.models import Customer
from tests.customers.import_documents import customer_of, outcomes, take
from tests.examples import some_cases

pytestmark = pytest.mark.django_db

A = {
    "id": "pA",
    "name": "Acme Ltd",
    "email": "ann@acme.example",
    "phone": "+442079460958",
    "custom_data": {"vip": "yes", "tier": "silver"},
}
B = {
    "id": "pB",
    "name": "ACME Limited",
    "email": "bob@acme.example",
    "phone": "+14155552671",
    "custom_data": {"tier": "gold", "size": 3},
}
LATER: list[dict[str, Any]] = [
    {"phone": "+14155559999"},
    {"name": "Acme Holdings"},
    {"email": "bob@new.example"},
    {"status": "inactive"},
    {"custom_data": {"tier": "platinum"}},
    {"phone": None},
]


def payments(*payloads: dict[str, Any]) -> list[ImportOutcome]:
    return outcomes(take(IMPORTERS["payments"](), *payloads))


def two() -> tuple[Customer, Customer]:
    payments(A, B)
    return customer_of("payments", "pA"), customer_of("payments", "pB")


def said_by(customer: Customer) -> dict[str, Any]:
    customer.refresh_from_db()
    return {name: getattr(customer, name) for name in ("name", "email", "phone", "status", "custom_data")}


@pytest.mark.parametrize(
    ("changed", "which", "is_a_survivor"),
    some_cases(product(LATER, ["A", "B"], [True, False]), one_in=3),
)
def test_each_has_what_its_own_record_says(changed: dict[str, Any], which: str, is_a_survivor: bool) -> None:
    later = {"A": A, "B": B}
    later[which] = later[which] | changed
    one, other = two()
    survivor, merged = (one, other) if is_a_survivor else (other, one)

    [done] = merge(str(survivor.pk), [str(merged.pk)])
    assert payments(later[which]) == [ImportOutcome.UPDATED]
    unmerge(done)

    for customer, record in ((one, later["A"]), (other, later["B"])):
        expected = {"status": "active", **record}
        assert said_by(customer) == {
            name: "" if expected[name] is None else expected[name]
            for name in ("name", "email", "phone", "status", "custom_data")
        }
    assert payments(later["A"], later["B"]) == [ImportOutcome.UNCHANGED] * 2


def test_a_locked_field_stays() -> None:
    one, other = two()
    [done] = merge(str(one.pk), [str(other.pk)])
    Customer.objects.filter(pk=one.pk).update(name="Ours", pinned_fields=["name"])
    payments(A | {"name": "Theirs"})

    unmerge(done)

    one.refresh_from_db()
    assert (one.name, one.phone) == ("Ours", A["phone"])


@pytest.mark.parametrize("is_a_survivor", [True, False])
def test_custom_data_come_together_key_by_key(is_a_survivor: bool) -> None:
    one, other = two()
    survivor, merged = (one, other) if is_a_survivor else (other, one)

    merge(str(survivor.pk), [str(merged.pk)])

    survivor.refresh_from_db()
    # B's record came last, so it speaks first.
    assert survivor.custom_data == {"vip": "yes", "tier": "gold", "size": 3}
