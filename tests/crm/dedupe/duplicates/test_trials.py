"""Trials that one device, company or payment method took under several customers."""

from __future__ import annotations

from typing import Any

import pytest

from billing.models import Plan
from crm.dedupe.duplicates.trials import shared_trials
from customers import clock
from customers.models import Customer
from tests.factories import make_customer, make_domain, make_payment_method, make_plan, make_trial_used

pytestmark = pytest.mark.django_db


def taker(plan: str = "pro", trial: dict[str, Any] | None = None, **fields: Any) -> Customer:
    """A customer that took a trial."""
    customer = make_customer(**{"email": "", **fields})
    known = Plan.objects.filter(plan_id=plan).first() or make_plan(plan_id=plan)
    make_trial_used(customer=customer, plan=known, **(trial or {}))
    return customer


def shared() -> list[tuple[str, str, list[str]]]:
    """What is shared, and by whom."""
    return [(each.by, each.value, [found.customer for found in each.takers]) for each in shared_trials()]


def test_a_device_that_took_trials_as_several_customers() -> None:
    one = taker(fingerprint="device-1")
    other = taker(plan="scale", trial={"fingerprint": "device-1"})
    taker(fingerprint="device-2")
    make_customer(fingerprint="device-1")
    assert shared() == [("fingerprint", "device-1", [one.pk, other.pk])]
    (found,) = shared_trials()
    assert [each.plans for each in found.takers] == [["pro"], ["scale"]]
    assert found.what == "fingerprint device-1"


def test_a_company_that_did_by_its_domain() -> None:
    one, other = taker(email="jane@acme.example"), taker(email="paul@gmail.com")
    make_domain(customer=other, name="acme.example")
    taker(email="otto@gmail.com")
    assert shared() == [("domain", "acme.example", [one.pk, other.pk])]


def test_a_payment_method_that_did() -> None:
    customers = [taker() for _ in range(2)]
    for customer in customers:
        make_payment_method(customer=customer, exp_month=4, exp_year=2030)
    phones = [taker() for _ in range(2)]
    for customer in phones:
        make_payment_method(
            customer=customer, type="mobile_money", brand="", last4="", phone="+255 22 211 0000"
        )
    assert shared() == [
        ("payment_method", "+255222110000", [each.pk for each in phones]),
        ("payment_method", "visa 4242 4 2030", [each.pk for each in customers]),
    ]


def test_archived_customers_took_theirs_and_environments_stay_apart() -> None:
    one = taker(fingerprint="device-1", archived_at=clock.now())
    taker(fingerprint="device-1", env="sandbox")
    assert shared() == []
    other = taker(fingerprint="device-1")
    assert shared() == [("fingerprint", "device-1", [one.pk, other.pk])]
    assert shared_trials("sandbox") == []


def test_a_customer_that_took_two_is_no_sharer() -> None:
    customer = taker(fingerprint="device-1")
    make_trial_used(customer=customer, fingerprint="device-1")
    assert shared() == []
