"""A balance is explained and adjusted in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from billing.balances import adjust
from billing.models import Balance
from customers import clock
from tests.browser.widths import assert_fits
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_customer,
    make_entity,
    make_feature,
    make_grant,
    make_rollover,
    make_user,
)

LONG = "Zusammenschluss_der_Donaudampfschifffahrtsgesellschaften_" * 3


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user(username="ada")


@pytest.fixture
def balance(transactional_db: None) -> Balance:
    """A balance with everything that an explanation has a place for, and names that are long."""
    customer, feature = make_customer(name=LONG), make_feature(feature_id="api_calls", name=f"API {LONG}")
    balance = make_balance(customer=customer, feature=feature)
    now = clock.now()
    grant = make_grant(balance=balance, next_reset_at=now + timedelta(days=9), reset_interval="month")
    make_rollover(balance=balance, grant=grant, expires_at=now + timedelta(days=3))
    make_grant(balance=balance, usage=Decimal(130))
    make_grant(balance=balance, ended_at=now, created_at=now - timedelta(days=9))
    make_grant(balance=balance, entity=make_entity(customer=customer, name=LONG))
    credit_system = make_feature(type="credit_system", name="Credits")
    make_credit_cost(credit_system=credit_system, metered_feature=feature)
    make_grant(balance=make_balance(customer=customer, feature=credit_system))
    adjust.add(grant, Decimal(5), reason=LONG, done_by="ada")
    return balance


def test_a_balance_is_explained_then_adjusted(
    page: Page, user: User, balance: Balance, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    page.goto(f"/admin/balance/{balance.pk}/")
    page.locator("#simulate-use").fill("50")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_text("Using 50 would deduct")).to_be_visible()
    page.locator("summary", has_text="Days with changes").click()
    expect(page.get_by_role("columnheader", name="End of")).to_be_visible()

    page.locator("summary", has_text="Actions").click()
    page.get_by_role("navigation", name="Actions").get_by_role("link", name="Adjust").click()
    sheet = page.get_by_role("dialog", name="Adjust balance")
    expect(sheet.get_by_label("Amount")).to_be_focused()
    expect(sheet.get_by_role("button", name="Adjust")).to_be_disabled()
    page.keyboard.type("20.5")
    expect(sheet.get_by_text("169.5")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(sheet.get_by_text("This field is required.")).to_be_visible()
    sheet.get_by_label("Reason").fill("Goodwill")
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.keyboard.press("Escape")
    expect(sheet).to_be_visible()
    sheet.get_by_role("button", name="Add 20.5").click()
    expect(page.locator("[data-toast]")).to_contain_text("Added 20.5 API")
    expect(page.get_by_text("Goodwill")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.locator("[data-toast]")).to_contain_text("Undone.")


@pytest.mark.soak
def test_the_pages_are_no_wider_than_the_screen(
    page: Page, user: User, balance: Balance, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    posting = balance.grants.earliest("pk").ledger.latest("number").posting_id
    for address in (
        f"balance/{balance.pk}/?use=1000",
        f"act/grant/{balance.pk}/",
        f"act/adjust/{balance.pk}/",
        f"act/reverse-entry/{posting}/",
    ):
        assert_fits(page, f"/admin/{address}")
