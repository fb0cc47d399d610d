"""The acts in a real browser: from the customer's page, over it, and back to it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from billing.models import Invoice, Payment, Subscription
from billing.subscriptions import attach_plan
from customers.formats import customer_url
from customers.models import Customer
from tests.billing.subscriptions.timeline import metered, plan_of
from tests.browser.widths import assert_fits
from tests.factories import make_customer, make_entity, make_user

LONG = "Zusammenschluss_der_Donaudampfschifffahrtsgesellschaften_" * 3


@pytest.fixture
def customer(transactional_db: None) -> Customer:
    """A customer of the cheaper of two plans; the other one sells credits ahead."""
    customer = make_customer(name=f"Example Ltd {LONG}")
    make_entity(customer=customer, name=LONG)
    calls, credit = metered("calls"), metered(f"credits_{LONG}")
    sold = {
        "included": 0,
        "billing_method": "prepaid",
        "price_amount": Decimal(5),
        "price_interval": "month",
        "billing_units": Decimal(250),
    }
    fields = {"price_interval": "month", "group": "main"}
    basic = plan_of("basic", (calls, {"included": 100}), price_amount=Decimal(20), **fields)
    plan_of("pro", (calls, {"included": 1000}), (credit, sold), price_amount=Decimal(50), **fields)
    attach_plan(customer, basic, done_by="test")
    return customer


def test_acts_are_done_over_the_customers_page(
    page: Page, customer: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(make_user(username="ada"))
    url = customer_url(customer.pk)
    page.goto(url)
    toast = page.locator("[data-toast]")

    # A grant: three clicks.
    page.get_by_text("Actions", exact=False).first.click()
    page.get_by_role("link", name="Grant credits…").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_label("Amount")).to_be_focused()
    page.keyboard.type("500")
    sheet.get_by_role("button", name="Grant 500 calls").click()
    expect(toast).to_contain_text("Granted 500 calls.")
    assert page.url.endswith(url)

    # A dearer plan: four clicks, after the prepaid units have appeared.
    page.get_by_text("Actions", exact=False).first.click()
    page.get_by_role("link", name="Change plan…").click()
    sheet.get_by_role("radio", name="pro v1").check()
    expect(sheet.get_by_label("Prepaid")).to_have_value("0")
    sheet.get_by_role("button", name="Change to pro v1 for $").click()
    expect(toast).to_contain_text("basic v1 has ended and pro v1 is active.")
    changed = Subscription.objects.active().get()
    assert str(changed.plan) == "pro v1"

    # A payment of part of what is due, by keys alone, undone by a key.
    page.get_by_text("Actions", exact=False).first.click()
    page.get_by_role("link", name="Record payment…").click()
    sheet.get_by_label("Amount").fill("1")
    page.keyboard.press("Control+Enter")
    expect(toast).to_contain_text("Recorded a payment of $1.00")
    page.keyboard.press("Control+z")
    expect(toast).to_contain_text("Reversed the payment of $1.00")
    assert not Payment.objects.counted().exists()

    # Escape asks before it throws away, and gives the focus back.
    page.keyboard.press("g")
    expect(sheet.get_by_label("Amount")).to_be_focused()
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)

    for act in (
        f"cancel/{changed.pk}",
        f"attach/{customer.pk}",
        f"send/{Invoice.objects.latest('number').pk}",
    ):
        assert_fits(page, f"/admin/act/{act}/")
    page.goto(f"/admin/act/cancel/{changed.pk}/")
    page.get_by_text("Immediately").click()
    page.get_by_role("button", name="Cancel subscription").click()
    expect(toast).to_contain_text("pro v1 has ended.")
