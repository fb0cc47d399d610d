"""A plan is attached, changed and cancelled in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from billing.models import Invoice, Plan, Subscription
from billing.subscriptions import attach_plan
from customers.models import Customer
from tests.billing.subscriptions.timeline import metered, plan_of
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


@pytest.fixture
def plans(transactional_db: None) -> tuple[Plan, Plan]:
    """Two plans of a group; the dearer one sells credits ahead."""
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
    pro = plan_of("pro", (calls, {"included": 1000}), (credit, sold), price_amount=Decimal(50), **fields)
    return basic, pro


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


def test_a_plan_is_attached_changed_and_cancelled(
    page: Page,
    user: User,
    customer: Customer,
    plans: tuple[Plan, Plan],
    sign_in: Callable[[User], None],
) -> None:
    sign_in(user)
    page.goto(f"/admin/customers/customer/{customer.pk}/change/")
    page.get_by_role("link", name="Attach plan").click()
    page.get_by_label("Plan").select_option(label="basic v1 · $20.00/month")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("basic v1 is active.")).to_be_visible()
    expect(page.get_by_text("Invoice: $20.00")).to_be_visible()
    assert not Invoice.objects.exists()
    page.get_by_role("button", name="Attach plan").click()
    expect(page.get_by_text("basic v1 is active.")).to_be_visible()
    subscription = Subscription.objects.get()

    page.goto(f"/admin/billing/subscription/{subscription.pk}/change/")
    page.get_by_text("$20.00 on").click()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("link", name="Change plan").click()
    page.get_by_label("Plan").select_option(label="pro v1 · $50.00/month")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Prepaid").fill("300")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("basic v1 has ended and pro v1 is active.")).to_be_visible()
    for width, scheme in ((390, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert overflow(page) <= 0, width
    page.get_by_role("button", name="Change plan").click()
    expect(page.get_by_text("basic v1 has ended and pro v1 is active.")).to_be_visible()
    changed = Subscription.objects.active().get()
    assert list(changed.prepaid_quantities.values()) == ["500"]

    page.goto(f"/admin/billing/subscription/{changed.pk}/cancel/")
    page.get_by_label("When").select_option(label="Immediately")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("button", name="Cancel subscription").click()
    expect(page.get_by_text("pro v1 has ended.")).to_be_visible()
    assert not Subscription.objects.running().exists()


def test_whom_a_plan_is_for_is_chosen_by_typing(
    page: Page, user: User, customer: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    page.goto("/admin/billing/subscription/add/")
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("Example")
    page.locator(".select2-results__option", has_text="Example Ltd").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_label("Plan")).to_be_visible()


def test_what_could_be_done_depends_on_the_subscription(
    page: Page, user: User, customer: Customer, plans: tuple[Plan, Plan], sign_in: Callable[[User], None]
) -> None:
    subscription = attach_plan(customer, plans[0], done_by="test").subscription
    assert subscription is not None
    sign_in(user)
    page.goto(f"/admin/billing/subscription/{subscription.pk}/change/")
    expect(page.get_by_role("link", name="event_busy Cancel subscription")).to_be_visible()
    expect(page.get_by_role("link", name="Keep subscription")).to_have_count(0)
    expect(page.get_by_role("link", name="Extend trial")).to_have_count(0)
