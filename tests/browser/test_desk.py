"""The pages of the desk in a real browser: nothing cut off, nothing that keeps somebody out, at any width and theme."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from billing.models import Balance
from crm.desk.home.movement import refresh_movements
from crm.desk.refresh import refresh_all
from crm.desk.sheets.merge import merge_url
from crm.jobs.engine import run_next
from crm.jobs.kind import Lane
from crm.jobs.kinds import KINDS
from customers import clock
from customers.models import Customer
from tests.browser.widths import WIDTHS, set_width
from tests.factories import (
    make_address,
    make_balance,
    make_company,
    make_contact,
    make_customer,
    make_customer_tag,
    make_domain,
    make_duplicate_cluster,
    make_duplicate_pair,
    make_export,
    make_grant,
    make_invoice,
    make_note,
    make_person,
    make_plan,
    make_relationship,
    make_segment,
    make_subscription,
    make_tag,
    make_task,
    make_trial_used,
    make_user,
    make_worker,
)

LONG = "Zusammenschluss der Donaudampfschifffahrtsgesellschaften und ihrer sämtlichen Zweigniederlassungen"
#: Only what is wrong is worked out in full, and style sheets are not loaded anew.
OPTIONS = {
    "resultTypes": ["violations"],
    "preload": False,
    "selectors": False,
}
#: Every page has the same sidebar: it is looked at once per theme.
PAGE_ALONE = {"exclude": [["#nav-sidebar"]]}
#: Whether letters have arrived, and what moves once has come to rest.
IS_STILL = """() => document.fonts.status === "loaded" && document.getAnimations().every(
    each => each.playState !== "running" || each.effect.getComputedTiming().iterations === Infinity)"""


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user("Account manager", username="mo")


@pytest.fixture
def customer(user: User) -> Customer:
    """A customer of whom there is something to say in every section, and at length."""
    now = clock.now()
    customer = make_customer(name=LONG, email=f"{'a' * 60}@donaudampf.example", external_id="x" * 120)
    make_company(customer=customer, name=f"{LONG} GmbH", website_urls=["https://donaudampf.example/"])
    make_relationship(customer=customer, owner=user, contract_annual_revenue=Decimal(120_000))
    make_contact(customer=customer, person=make_person(name="Наталья Иванова", email="n@donaudampf.example"))
    make_address(customer=customer, line1=LONG, city="Wien", country="AT", is_default=True)
    make_domain(customer=customer, name=f"{'donaudampf' * 6}.example")
    plan = make_plan(name="Pro", price_amount=Decimal(700), price_interval="month", currency="USD")
    make_subscription(
        customer=customer,
        plan=plan,
        quantity=1,
        started_at=now - timedelta(days=90),
        current_period_end=now + timedelta(days=20),
    )
    for used in (10, 85, 120):
        make_grant(balance=make_balance(customer=customer), included_grant=Decimal(100), usage=Decimal(used))
    make_invoice(customer=customer, status="open", due_at=now - timedelta(days=18), total=120_000)
    make_note(customer=customer, body=f"# {LONG}\n\n- [{LONG}](https://example.com/)\n- `{'x' * 200}`")
    make_task(customer=customer, owner=user, title=LONG)
    make_customer_tag(customer=customer, tag=make_tag(name=LONG[:50]))
    refresh_movements()
    list(refresh_all())
    return customer


@pytest.mark.parametrize(
    "step", [pytest.param(4, id="some"), pytest.param(1, id="all", marks=pytest.mark.soak)]
)
def test_the_pages_are_whole_and_accessible(
    page: Page, user: User, customer: Customer, sign_in: Callable[[User], None], step: int
) -> None:
    sign_in(user)
    # Each page is loaded on a phone, in the dark; then it is made wider, and a key turns on the light.
    page.add_init_script("localStorage.setItem('adminTheme', JSON.stringify('dark'))")
    twins = [
        make_customer(name=f"{LONG} {number}", email=f"b{number}@donaudampf.example", fingerprint="device-1")
        for number in range(7)
    ]
    for twin in twins[:2]:
        make_trial_used(customer=twin)
    make_segment(name=LONG, owner=user, query={"status": ["active"], "owner": ["me"]})
    export = make_export(title=LONG, made_by=user)
    paths = (
        "/admin/",
        "/admin/?scope=all",
        "/admin/desk/subscriptions/?subscription_status=renewing",
        f"/admin/customer/{customer.pk}/",
        f"/admin/customer/{customer.pk}/billing/",
        f"/admin/customer/{customer.pk}/details/",
        "/admin/jobs/",
        "/admin/worklist/",
        f"/admin/customer/{customer.pk}/health/",
        f"/admin/customer/{customer.pk}/timeline/",
        merge_url([customer, *twins]),
        "/admin/trials/",
        "/admin/find/?q=donaudampf",
        "/admin/desk/customers/?mrr_from=0&status=active&add=owner",
        "/admin/desk/invoices/",
        "/admin/desk/balances/",
        "/admin/segments/",
        "/admin/segments/save/?status=active&mrr_from=500",
        "/admin/reassign/",
        f"/admin/export/{export.pk}/",
        "/admin/export/",
    )
    for path in paths[::step]:
        set_width(page, WIDTHS[0])
        page.goto(path)
        for width, theme in zip(WIDTHS, ("dark", "light"), strict=True):
            if width != WIDTHS[0]:
                set_width(page, width)
                page.keyboard.press("Control+e")
            page.wait_for_function(IS_STILL)
            expect(page.locator("html")).to_have_class(theme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            assert findings(page, with_sidebar=path == "/admin/") == [], (path, width)


def findings(page: Page, *, with_sidebar: bool = False) -> list[tuple[str, list[str]]]:
    """What axe finds wrong with the page that is open, down to the minor: the rule, and where it is broken."""
    context = None if with_sidebar else PAGE_ALONE
    found = Axe().run(page, context=context, options=OPTIONS).response["violations"]
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]


@pytest.mark.soak
def test_the_pages_of_the_admin_are_accessible(
    page: Page, customer: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(make_user(None, username="root"))
    cluster = make_duplicate_cluster(first=customer)
    make_duplicate_pair(a=customer, b=make_customer(name=LONG), cluster=cluster)
    balance = Balance.objects.filter(customer=customer).first()
    assert balance is not None
    for path in (
        "/admin/customers/customer/",
        "/admin/crm/contact/add/",
        "/admin/crm/team/add/",
        "/admin/crm/duplicatecluster/",
        f"/admin/crm/duplicatecluster/{cluster.pk}/change/",
        f"/admin/balance/{balance.pk}/",
        f"/admin/customers/customer/{customer.pk}/attach-plan/",
    ):
        page.goto(path)
        page.wait_for_function(IS_STILL)
        assert findings(page) == [], path


def test_from_the_home_page_to_a_customer_by_keyboard(
    page: Page, user: User, customer: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    page.goto("/admin/")
    page.get_by_role("link", name="Past due").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("120,000.00").or_(page.get_by_text("1,200.00")).first).to_be_visible()
    page.get_by_role("link", name=LONG).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("$1,200.00 past due, 18 days")).to_be_visible()
    # The activity, which loads after the page, has a link of that name, too.
    page.get_by_role("navigation", name="Pages of this customer").get_by_role("link", name="Billing").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Billing accounts")).to_be_visible()


def test_enter_opens_what_was_found_and_only_goes_to_a_guess(
    page: Page, user: User, sign_in: Callable[[User], None]
) -> None:
    found = make_customer(name="Zephyr Robotics")
    sign_in(user)
    page.goto("/admin/")
    for term, is_guess in (("Zephyr Robotics", False), ("Zephir Robotics", True)):
        page.keyboard.press("Control+k")
        page.keyboard.type(term)
        link = page.get_by_role("dialog").get_by_role("link", name="Zephyr Robotics")
        expect(link).to_be_visible()
        page.keyboard.press("Enter")
        if is_guess:
            expect(link).to_be_focused()
            page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(str(found.pk)))
        page.goto("/admin/desk/tasks/")


def test_the_worklist_by_keyboard(
    page: Page, user: User, customer: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    page.goto("/admin/worklist/")
    row = page.locator("li[data-account]").filter(has_text=LONG)
    expect(row).to_have_class("cl-cur")
    more = row.locator("[data-show]")
    count = int((more.text_content() or "")[1:]) + 1
    for width in WIDTHS:
        set_width(page, width)
        page.locator("summary", has_text="Reason: All").click()
        expect(page.get_by_role("link", name="All reasons")).to_be_in_viewport(ratio=1)
        page.locator("summary", has_text="Reason: All").click()
    expect(page.get_by_role("heading", name=f"{count} reasons")).to_be_visible()
    page.keyboard.press("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.keyboard.press("x")
    page.keyboard.press("s")
    expect(page.get_by_role("button", name="Tomorrow").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Snoozed until")).to_be_visible()
    expect(row).to_have_count(0)
    page.goto("/admin/worklist/?view=history")
    undo = page.get_by_role("button", name=re.compile("^Undo"))
    expect(undo).to_have_count(count)


def test_a_customer_is_found_from_any_page_by_keyboard(
    page: Page, user: User, customer: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(user)
    page.goto("/admin/worklist/")
    page.keyboard.press("Control+k")
    page.keyboard.type("иванова")
    expect(page.get_by_role("dialog").get_by_text("Contact Наталья Иванова")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("dialog").get_by_role("link")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("zusammenschluss")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"/admin/customer/{customer.pk}/")


def test_from_the_filter_to_an_export_and_to_tasks_for_all(
    page: Page, user: User, customer: Customer, sign_in: Callable[[User], None]
) -> None:
    make_customer(name="Sleeper", status="inactive")
    sign_in(user)
    page.goto("/admin/desk/customers/?status=inactive")
    expect(page.get_by_text("Status Inactive")).to_be_visible()
    page.locator("summary", has_text="Export").click()
    page.get_by_role("button", name="CSV").click()
    expect(page.get_by_text("Waiting for the background worker")).to_be_visible()
    with page.expect_download() as download:
        assert run_next(make_worker(), KINDS, Lane.QUICK)
    assert download.value.suggested_filename.endswith(".csv")
    expect(page.get_by_text("1 of 1 written")).to_be_visible()
    assert findings(page) == []
    page.goto("/admin/desk/customers/?status=inactive")
    for key in ("j", "x"):
        page.keyboard.press(key)
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.get_by_role("button", name="Add task").click()
    assert findings(page) == []
    page.get_by_role("textbox", name="Task").fill("Call")
    page.get_by_role("button", name="Add task for 1 customer").click()
    expect(page.get_by_text("Added a task for 1 customer.")).to_be_visible()
