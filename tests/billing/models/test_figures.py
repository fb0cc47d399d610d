"""Figures keep every digit, and compare as numbers, on both databases."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from billing.models import Plan, SpendLimit
from customers.models import Customer

pytestmark = pytest.mark.django_db


def limit(customer, text):
    return SpendLimit.objects.create(customer=customer, overage_limit=Decimal(text))


@pytest.fixture
def customer():
    return Customer.objects.create(name="Birch Bakery")


@pytest.mark.parametrize(
    "text",
    ["999999999999999.9999999999", "-123456789012345.0123456789", "0.0000000001", "33.3333333333", "0"],
)
def test_every_digit_is_kept(customer, text):
    row = limit(customer, text)
    row.refresh_from_db()
    assert row.overage_limit == Decimal(text)


def test_figures_compare_as_numbers(customer):
    for text in ("9", "10", "-2", "100.5"):
        limit(customer, text)
    found = SpendLimit.objects.filter(overage_limit__gt=9).values_list("overage_limit", flat=True)
    assert set(found) == {Decimal(10), Decimal("100.5")}
    assert SpendLimit.objects.filter(overage_limit__lte=Decimal("9.0")).count() == 2
    assert SpendLimit.objects.get(overage_limit=Decimal("100.50")).overage_limit == Decimal("100.5")


def test_a_negative_quantity_is_refused_where_none_makes_sense(customer):
    plan = Plan.objects.create(plan_id="pro", name="Pro", currency="USD")
    with pytest.raises(IntegrityError), transaction.atomic():
        customer.purchases.create(plan=plan, quantity=Decimal(-1))
