"""Ten tasks of an account manager in a real browser, each from the home page, with the clicks and pages it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from billing.models import Subscription
from billing.subscriptions import attach_plan
from crm.desk.refresh import refresh_all
from crm.models import Activity, Merge, Relationship
from customers import clock
from customers.models import Customer
from tests.billing.subscriptions.timeline import metered, plan_of
from tests.factories import (
    make_customer,
    make_duplicate_cluster,
    make_duplicate_pair,
    make_invoice,
    make_relationship,
    make_user,
)

KESTREL = "Kestrel Robotics, Inc."


class Hand:
    """Clicks, and counts the clicks and the pages since the home page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = self.pages = 0
        page.on("load", lambda _: setattr(self, "pages", self.pages + 1))

    def start(self) -> None:
        """Begin with the home page."""
        self.page.goto("/admin/")
        expect(self.page.get_by_role("heading", name="Needs attention")).to_be_visible()
        self.clicks = self.pages = 0

    def click(self, target: Locator) -> None:
        """Click once."""
        self.clicks += 1
        target.click()

    def find(self, term: str) -> Locator:
        """Type into the search, without a click."""
        self.page.keyboard.press("Control+k")
        self.page.keyboard.type(term)
        return self.page.get_by_role("dialog").get_by_role("link")

    def open(self, term: str) -> None:
        """Open the customer that the search finds."""
        expect(self.find(term).first).to_contain_text(KESTREL)
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", name=KESTREL)).to_be_visible()


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user("Administrator", username="max")


@pytest.fixture
def kestrel(user: User) -> Customer:
    """A customer that is out of calls and owes money, with a duplicate, among 50 accounts of somebody else."""
    kestrel = make_customer(name=KESTREL, phone="+1 555 0142", created_at=clock.now() - timedelta(days=90))
    make_relationship(customer=kestrel, owner=user)
    calls = metered("calls")
    fields = {"price_interval": "month", "group": "main"}
    basic = plan_of("basic", (calls, {"included": 0}), price_amount=Decimal(20), **fields)
    plan_of("pro", (calls, {"included": 1000}), price_amount=Decimal(50), **fields)
    attach_plan(kestrel, basic, done_by="test")
    make_invoice(
        customer=kestrel,
        number="INV-2041",
        status="open",
        total=52_999,
        due_at=clock.now() - timedelta(days=18),
    )
    other = make_user(username="bea")
    for number in range(50):
        make_relationship(customer=make_customer(name=f"Ash {number}"), owner=other)
    twin = make_customer(name="Kestrel Robotics")
    make_duplicate_pair(a=kestrel, b=twin, cluster=make_duplicate_cluster(first=kestrel), score=0.99)
    list(refresh_all())
    return kestrel


@pytest.fixture
def patience() -> Iterator[None]:
    """Wait longer than usual: on a busy machine a page takes its time."""
    expect.set_options(timeout=30_000)
    yield
    expect.set_options(timeout=5_000)


def test_ten_tasks(
    page: Page, user: User, kestrel: Customer, sign_in: Callable[[User], None], patience: None
) -> None:
    sign_in(user)
    hand = Hand(page)
    sheet, toast = page.get_by_role("dialog"), page.locator("[data-toast]")

    # Find by phone: no click.
    hand.start()
    expect(hand.find("555 0142").first).to_contain_text(KESTREL)
    assert (hand.clicks, hand.pages) == (0, 0)

    # Who owes us since when: one click.
    hand.start()
    hand.click(page.get_by_role("link", name="Past due").first)
    row = page.get_by_role("row").filter(has_text="INV-2041")
    expect(row).to_contain_text(KESTREL)
    expect(row).to_contain_text("18")
    assert (hand.clicks, hand.pages) == (1, 1)

    # Why out of credits: one page, which names what was granted and used.
    hand.start()
    hand.open("555 0142")
    hand.click(page.get_by_role("link", name="Usage", exact=True))
    expect(page.get_by_text("calls").first).to_be_visible()
    assert hand.clicks == 1

    # Grant 500 credits: three clicks, no other page.
    hand.start()
    hand.open("555 0142")
    hand.pages = 0
    hand.click(page.locator("summary", has_text="Actions"))
    hand.click(page.get_by_role("link", name="Grant credits…"))
    expect(sheet.get_by_label("Amount")).to_be_focused()
    page.keyboard.type("500")
    hand.click(sheet.get_by_role("button", name="Grant 500 calls"))
    expect(toast).to_contain_text("Granted 500 calls.")
    assert hand.clicks == 3
    expect(page).to_have_url(f"/admin/customer/{kestrel.pk}/")

    # Log yesterday's call: two clicks.
    hand.start()
    hand.open("555 0142")
    hand.click(page.get_by_role("link", name="Log call", exact=True))
    page.keyboard.type("Asked for a discount.")
    hand.click(page.get_by_role("button", name="Log as yesterday"))
    expect(toast).to_contain_text("Logged the call.")
    assert (hand.clicks, Activity.objects.get().happened_at < clock.now() - timedelta(hours=1)) == (2, True)

    # Upgrade a plan: four clicks.
    hand.start()
    hand.open("555 0142")
    hand.click(page.locator("summary", has_text="Actions"))
    hand.click(page.get_by_role("link", name="Change plan…"))
    hand.click(sheet.get_by_role("radio", name="pro v1"))
    hand.click(sheet.get_by_role("button", name="Change to pro v1 for $"))
    expect(toast).to_contain_text("pro v1 is active.")
    assert (hand.clicks, str(Subscription.objects.active().get().plan)) == (4, "pro v1")

    # Assign an owner: two clicks, and one to undo it.
    hand.start()
    hand.open("555 0142")
    hand.click(page.locator("summary", has_text="Account manager: max"))
    hand.click(page.get_by_role("button", name="bea"))
    expect(toast).to_contain_text("Assigned the account to bea.")
    assert hand.clicks == 2
    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text("Assigned the account to max again.")

    # Export a view: two clicks.
    hand.start()
    hand.find("customers")
    page.keyboard.press("Enter")
    hand.click(page.locator("summary", has_text="Export"))
    hand.click(page.get_by_role("button", name="CSV"))
    expect(page.get_by_text("Waiting for the background worker")).to_be_visible()
    assert hand.clicks == 2

    # Reassign 50 accounts: four clicks and a choice, and one to undo it.
    hand.start()
    hand.click(page.get_by_role("link", name="Customers", exact=True))
    hand.click(page.get_by_label("Select all on this page"))
    hand.click(page.get_by_role("button", name="Assign…"))
    hand.clicks += 1
    sheet.get_by_role("combobox", name="Account manager").select_option(label="max")
    hand.click(sheet.get_by_role("button", name="Assign 50 customers to max"))
    expect(toast).to_contain_text("Assigned 50 customers.")
    assert (hand.clicks, Relationship.objects.filter(owner=user).count()) == (5, 51)
    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text("Undone for 50 customers.")
    assert Relationship.objects.filter(owner=user).count() == 1

    # Merge two: three clicks.
    hand.start()
    hand.click(page.get_by_role("link", name="Review").first)
    hand.click(page.get_by_role("link", name="Merge…"))
    hand.click(sheet.get_by_role("button", name=re.compile("Merge .+ into")))
    expect(toast).to_contain_text("Merged")
    assert (hand.clicks, Merge.objects.count()) == (3, 1)
