"""Faults of other systems that were reported in public: what was expected of fields, files, times and old states."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client

from billing.models import BillingAccount
from customers.models import Customer
from tests.crm.exchange.test_import_customers import run

pytestmark = [pytest.mark.django_db, pytest.mark.once]

BILLING: dict[str, Any] = {
    "id": "b1",
    "name": "J",
    "email": None,
    "stripe_id": None,
    "env": "live",
    "balances": {},
}


def imported(source: str, *records: Any) -> str:
    """What the command said about a file of these records, whatever its status."""
    Path("in.json").write_text(json.dumps(records), encoding="utf-8")
    try:
        return "".join(run(source, "in.json"))
    except CommandError as problem:
        return str(problem)


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("source", "record"),
    [
        (
            "payments",
            {"id": "c1", "company": {"name": "Acme"}, "poc": [{"name": "A", "obfuscated_id": "u1"}]},
        ),
        ("payments", {"object": "card", "id": "card_1", "brand": "Visa", "last4": "4242"}),
    ],
)
def test_a_file_of_another_kind_makes_no_customer(source: str, record: Any) -> None:
    imported(source, record)
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("source", "record", "said"),
    [
        ("payments", {"id": "p1", "fullName": "Jane", "createdAt": "2024-01-01T00:00:00Z"}, "`fullName`"),
        ("crm", {"id": "c1", "company": {"name": "A"}, "start_date": ""}, "$.start_date"),
        (
            "crm",
            {"id": "c1", "company": {"name": "A", "number_of_employees": "51-200"}},
            "number_of_employees",
        ),
        ("payments", {"id": "p1", "name": "A", "email": "a@example.com", "custom_data": []}, "$.custom_data"),
    ],
)
def test_a_doubtful_field_costs_that_field_and_is_named(source: str, record: Any, said: str) -> None:
    assert said in imported(source, record)
    assert Customer.objects.count() == 1


def test_seconds_for_milliseconds() -> None:
    imported("billing", {**BILLING, "created_at": 1_700_000_000})
    assert BillingAccount.objects.get().created_at.year == 2023


def test_an_older_file_after_a_newer_one() -> None:
    imported(
        "payments",
        {"id": "p1", "name": "NEW", "email": "n@example.com", "updated_at": "2025-06-01T00:00:00Z"},
    )
    imported(
        "payments",
        {"id": "p1", "name": "OLD", "email": "o@example.com", "updated_at": "2025-01-01T00:00:00Z"},
    )
    assert Customer.objects.get().name == "NEW"


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_the_years_1_and_9999_in_another_time_zone(admin_client: Client, settings: Any, zone: str) -> None:
    settings.TIME_ZONE = zone
    moments = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z")
    imported(
        "payments",
        *({"id": at[:4], "name": at, "email": f"{at[:4]}@example.com", "created_at": at} for at in moments),
    )
    assert Customer.objects.count() == 2
    assert admin_client.get("/admin/customers/customer/").status_code == 200
