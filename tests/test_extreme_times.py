"""Times in the years 1 and 9999 do not take a page down, whatever the time zone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from customers.models import Customer
from tests.factories import MAKERS, make_customer, make_user

pytestmark = pytest.mark.django_db

#: Each end of the calendar, and a time zone that reaches beyond it.
ENDS = [
    pytest.param("America/New_York", datetime.min.replace(tzinfo=UTC), id="1"),
    pytest.param("Asia/Tokyo", datetime.max.replace(tzinfo=UTC), id="9999"),
]
LISTED = sorted(
    (model for model in MAKERS if model in admin.site._registry), key=lambda model: model._meta.label
)
#: `make soak` takes every one.
SAMPLE = [*LISTED[::5], Customer]


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with override_settings(TIME_ZONE=request.param):
        yield


def set_times(row: models.Model, moment: datetime) -> int:
    """Set each time and day of the row that may be so; return how many."""
    count = 0
    rows: Any = type(row)._base_manager.filter(pk=row.pk)
    for field in row._meta.concrete_fields:
        if isinstance(field, models.DateField):
            value = moment if isinstance(field, models.DateTimeField) else moment.date()
            try:
                with transaction.atomic():
                    count += rows.update(**{field.name: value})
            except (DatabaseError, ValidationError):
                continue
    return count


@pytest.mark.parametrize(("zone", "moment"), ENDS, indirect=["zone"])
@pytest.mark.once
@pytest.mark.parametrize(
    "model",
    [pytest.param(model, marks=[] if model in SAMPLE else [pytest.mark.soak]) for model in LISTED],
    ids=lambda model: model._meta.label,
)
def test_every_list_and_form_of_the_admin(
    client: Client, zone: None, model: type[models.Model], moment: datetime
) -> None:
    row = MAKERS[model]()
    if not set_times(row, moment):
        return
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    addresses = [
        reverse(f"{name}_changelist") + ("?standing=all" if model is Customer else ""),
        reverse(f"{name}_change", args=[row.pk]),
    ]
    for address in addresses:
        assert client.get(address, follow=True).status_code == 200, address


@pytest.mark.parametrize(("zone", "moment"), ENDS, indirect=["zone"])
def test_the_days_of_a_filter(client: Client, zone: None, moment: datetime) -> None:
    customer = make_customer()
    set_times(customer, moment)
    url = reverse("admin:customers_customer_changelist")
    for query in ("created_at_from=0001-01-01", "created_at_to=9999-12-31", "created_at_from=1900-01-01"):
        assert client.get(f"{url}?{query}").status_code == 200


@pytest.mark.parametrize(("zone", "moment"), ENDS, indirect=["zone"])
def test_the_customers_page_and_documents(client: Client, zone: None, moment: datetime) -> None:
    customer = make_customer(name="Acme")
    set_times(customer, moment)
    assert client.get(reverse("desk-customer", args=[customer.pk])).status_code == 200
    assert client.get(f"/api/v1/customers/{customer.pk}").status_code == 200
    assert client.get("/api/v1/customers?archived=true&limit=1").status_code == 200
