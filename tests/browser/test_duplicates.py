"""The review queue in a real browser, by keyboard alone; and the warning on the form for a new customer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from crm.dedupe.duplicates.review import record
from crm.dedupe.duplicates.sweep import swept
from crm.models import DuplicateCluster, DuplicatePair
from customers.models import Customer
from tests.browser.widths import assert_fits
from tests.factories import make_address, make_customer, make_user

LONG = "Zusammenschluss der Donaudampfschifffahrtsgesellschaften"


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user("Account manager", username="mo")


@pytest.fixture
def cluster(transactional_db: None) -> DuplicateCluster:
    """Three customers that a sweep takes for one."""
    for name, email in (
        (f"{LONG} GmbH", "info@donaudampf.example"),
        (LONG, "info+b@donaudampf.example"),
        (f"{LONG} mbH", ""),
    ):
        customer = make_customer(name=name, email=email)
        make_address(customer=customer, line1="Hauptstr. 5", city="Wien", country="AT", is_default=True)
    with swept() as sweep:
        record(sweep.pairs())
    return DuplicateCluster.objects.get()


#: The page's own part, behind the sidebar.
OWN_PART = "document.activeElement === document.body && (it => {it.tabIndex = -1; it.focus()})(document.querySelector('#content'))"


def press_tab_until(page: Page, name: str, *, through_sidebar: bool = False) -> None:
    """Go on by keyboard until what is called `name` has the focus: a button, a link, or a field by its label.

    On a page that was just opened it begins behind the sidebar, whose fifty links are the same on every page;
    with `through_sidebar` it goes through them too.
    """
    if not through_sidebar:
        page.evaluate(OWN_PART)
    called = """(focused => (focused.innerText || focused.labels?.[0]?.innerText || "").trim())"""
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate(f"{called}(document.activeElement)").startswith(name):
            return
    raise AssertionError(f"No key leads to {name}")


def test_a_cluster_is_decided_by_keyboard_alone(
    page: Page, user: User, cluster: DuplicateCluster, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    page.goto("/admin/crm/duplicatecluster/")
    press_tab_until(page, LONG, through_sidebar=True)
    page.keyboard.press("Enter")
    expect(page.get_by_text("same company domain: donaudampf.example").first).to_be_visible()
    assert DuplicatePair.objects.waiting().count() == 3

    press_tab_until(page, "Not duplicates")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Marked 1 pair as not duplicates.")).to_be_visible()
    assert DuplicatePair.objects.waiting().count() == 2

    press_tab_until(page, "Snooze all")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Snoozed 2 pairs for 30 days.")).to_be_visible()
    expect(page.get_by_text("0 possible duplicates").first).to_be_visible()


def test_a_cluster_is_merged_and_given_back_by_keyboard_alone(
    page: Page, user: User, cluster: DuplicateCluster, sign_in: Callable[[User], None]
) -> None:
    oldest = Customer.objects.get(name=f"{LONG} GmbH")
    Customer.objects.update(phone="+431555010")
    sign_in(user)
    page.goto("/admin/crm/duplicatecluster/")
    press_tab_until(page, LONG)
    page.keyboard.press("Enter")
    expect(page.get_by_text("side by side before anything is merged")).to_be_visible()
    press_tab_until(page, "Merge all …")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Merge 2 customers into {LONG}")).to_be_visible()

    press_tab_until(page, f"{LONG} GmbH")
    # The radio buttons of a field are one stop; the arrows choose.
    while page.evaluate("document.activeElement.name") != "field-name":
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    chosen = page.evaluate("document.activeElement.labels[0].innerText.trim()")
    press_tab_until(page, "Reason (optional)")
    page.keyboard.type("the same company")
    press_tab_until(page, "Merge 2 customers into")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Merged 2 customers into")).to_be_visible()
    (survivor,) = Customer.objects.filter(merged_into=None)
    assert (survivor.name, survivor.pinned_fields) == (chosen, ["name"])
    assert not DuplicatePair.objects.waiting().exists()

    for left in (1, 0):
        page.goto(f"/admin/customer/{survivor.pk}/details/")
        press_tab_until(page, "Undo merge…")
        page.keyboard.press("Enter")
        expect(page.get_by_text("Reason: the same company")).to_be_visible()
        press_tab_until(page, "Undo merge")
        page.keyboard.press("Enter")
        expect(page.get_by_text("is a separate customer again")).to_be_visible()
        assert Customer.objects.exclude(merged_into=None).count() == left
    survivor.refresh_from_db()
    oldest.refresh_from_db()
    assert oldest.name == f"{LONG} GmbH"
    assert survivor.pinned_fields == []


def test_somebody_who_is_known_is_added_only_on_purpose(
    page: Page, user: User, cluster: DuplicateCluster, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    page.goto("/admin/customers/customer/add/")
    page.locator("#id_name").fill(LONG)
    page.locator("#id_email").fill("info+c@donaudampf.example")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("This may be a duplicate of")).to_be_visible()
    expect(page.get_by_role("link", name=f"{LONG} GmbH")).to_be_visible()
    assert Customer.objects.count() == 3
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Customer.objects.count() == 4


@pytest.mark.soak
def test_the_pages_are_no_wider_than_the_screen(
    page: Page, user: User, cluster: DuplicateCluster, sign_in: Callable[[User], None]
) -> None:
    Customer.objects.update(email=f"{LONG.replace(' ', '')}@{LONG.rpartition(' ')[2]}.example")
    sign_in(user)
    for address in ("duplicatecluster/", f"duplicatecluster/{cluster.pk}/change/", "duplicatepair/"):
        assert_fits(page, f"/admin/crm/{address}")
