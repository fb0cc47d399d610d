"""The customer of a plan is chosen in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from customers.models import Customer
from tests.factories import make_customer, make_entity, make_user

LONG = "Zusammenschluss_der_Donaudampfschifffahrtsgesellschaften_" * 3


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user(username="ada")


@pytest.fixture
def customer(transactional_db: None) -> Customer:
    customer = make_customer(name=f"Example Ltd {LONG}")
    make_entity(customer=customer, name=LONG)
    return customer


def test_whom_a_plan_is_for_is_chosen_by_typing(
    page: Page, user: User, customer: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    page.goto("/admin/billing/subscription/add/")
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("Example")
    page.locator(".select2-results__option", has_text="Example Ltd").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Attach plan · Example Ltd")).to_be_visible()
