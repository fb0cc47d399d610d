"""The main path in a real browser: sign in, find a customer, open it, add a note, see it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from customers.models import Customer
from tests.browser.widths import WIDTHS, assert_fits, set_width
from tests.factories import (
    make_address,
    make_balance,
    make_contact,
    make_customer,
    make_grant,
    make_invoice,
    make_note,
    make_subscription,
    make_user,
)

PASSWORD = "correct horse battery"


@pytest.fixture
def manager(transactional_db: None) -> User:
    return make_user("Account manager", username="mo", password=PASSWORD)


@pytest.fixture
def acme(transactional_db: None) -> Customer:
    """A customer with rows of every app, among others."""
    for number in range(3):
        make_customer(name=f"Globex {number}")
    acme = make_customer(name="Acme Corporation", external_id="acme-1")
    for make in (make_address, make_contact, make_invoice, make_subscription):
        make(customer=acme)
    make_grant(balance=make_balance(customer=acme))
    return acme


def test_an_account_manager_signs_in_finds_a_customer_and_adds_a_note(
    page: Page, manager: User, acme: Customer
) -> None:
    page.goto("/")
    page.get_by_label("Username").fill("mo")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("link", name="Customers", exact=True).click()
    expect(page.get_by_role("link", name="Globex")).to_have_count(3)
    page.get_by_role("searchbox", name="Search customers").fill("acme-1")
    page.get_by_role("searchbox", name="Search customers").press("Enter")
    expect(page.get_by_role("link", name="Globex")).to_have_count(0)
    page.get_by_role("link", name="Acme Corporation").click()

    expect(page).to_have_url(re.compile(f"/admin/customer/{acme.pk}/"))
    page.get_by_role("link", name="Add note").click()
    page.get_by_role("textbox", name="Note").fill("Wants to try the product.")
    page.get_by_role("button", name="Add note").click()

    expect(page.get_by_text("Added the note.")).to_be_visible()
    expect(page.get_by_text("Wants to try the product.").first).to_be_visible()
    note = acme.notes.get()
    assert (note.body, note.author) == ("Wants to try the product.", manager)


def test_a_note_is_added_from_the_list_by_typing_the_customers_name(
    page: Page, manager: User, acme: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(manager)
    page.goto("/admin/crm/note/add/")
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("acme")
    page.get_by_role("option", name="Acme Corporation").click()
    page.locator("#id_body").fill("Call back.")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#result_list").get_by_role("link", name="Call back.")).to_be_visible()
    assert acme.notes.get().body == "Call back."


def test_the_second_of_two_people_is_told(
    page: Page, manager: User, acme: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(manager)
    page.goto(f"/admin/customers/customer/{acme.pk}/change/")
    Customer.objects.filter(pk=acme.pk).update(name="Theirs")
    page.locator("#id_phone").fill("+1 555 0100")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("it is now “Theirs”")).to_be_visible()
    acme.refresh_from_db()
    assert (acme.name, acme.phone) == ("Theirs", "")


@pytest.mark.soak
def test_no_page_of_a_customer_is_wider_than_the_screen(
    page: Page, manager: User, acme: Customer, sign_in: Callable[[User], None]
) -> None:
    sign_in(manager)
    acme.name = "Zusammenschluss der Donaudampfschifffahrtsgesellschaften " * 5
    acme.save()
    make_note(customer=acme, body="A_word_without_an_end_" * 20)
    for address in ("", f"{acme.pk}/history/", f"{acme.pk}/change/#notes", f"{acme.pk}/change/"):
        # Another fragment alone would load nothing.
        page.goto("about:blank")
        assert_fits(page, f"/admin/customers/customer/{address}")
    for width in WIDTHS:
        set_width(page, width)
        more = page.locator("div:has(> #tabs-dropdown)").bounding_box()
        assert more is not None
        assert more["x"] + more["width"] <= width
