"""What a customer's page is on paper."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from crm.desk.refresh import refresh_all
from customers.models import Customer
from tests.crm.desk.pages.test_customer_page import surround
from tests.factories import (
    make_company,
    make_customer,
    make_customer_tag,
    make_note,
    make_relationship,
    make_tag,
    make_task,
    make_user,
)

LONG = "Zusammenschluss der Donaudampfschifffahrtsgesellschaften und ihrer sämtlichen Zweigniederlassungen"
#: One row more than the page shows of anything: a thousand look the same.
MANY = 14
#: The sections of the page of a customer of whom there is everything.
SECTIONS = [
    "Needs attention",
    "Tasks",
    "Pinned notes",
    "Activity",
    "Contacts",
    "Billing",
    "Health",
    "Sources",
    "IDs",
]
#: The colours of all that is read, as seen on paper.
INKS = """() => [...new Set([...document.querySelectorAll(".cl-record :is(p, span, a, h2, li, dd, dt)")]
    .filter(each => each.checkVisibility()).map(each => getComputedStyle(each).color))]"""


@pytest.fixture
def user(transactional_db: None) -> User:
    return make_user("Account manager", username="mo")


@pytest.fixture
def customer(user: User) -> Customer:
    """A customer of whom there is more of everything than is shown, all of it at length."""
    customer = make_customer(name=LONG, email=f"{'a' * 60}@donaudampf.example", external_id="x" * 120)
    make_company(customer=customer, name=f"{LONG} GmbH", website_urls=["https://donaudampf.example/"])
    make_relationship(customer=customer, owner=user, contract_annual_revenue=120_000)
    surround(customer, MANY)
    for number in range(MANY):
        make_note(customer=customer, is_pinned=True, body=f"# {LONG}\n\n" + f"- {LONG}\n" * 40)
        make_task(customer=customer, owner=user, title=f"{number} {LONG}")
        make_customer_tag(customer=customer, tag=make_tag(name=f"{number} {LONG}"[:50]))
    list(refresh_all())
    return customer


@pytest.mark.parametrize(
    ("paper", "theme"), [("A4", "light"), pytest.param("Letter", "dark", marks=pytest.mark.soak)]
)
def test_the_customer_prints_on_two_pages(
    page: Page, user: User, customer: Customer, sign_in: Callable[[User], None], paper: str, theme: str
) -> None:
    sign_in(user)
    page.add_init_script(f"localStorage.setItem('adminTheme', JSON.stringify('{theme}'))")
    page.goto(f"/admin/customer/{customer.pk}/")
    assert page.locator("h1:visible").first.inner_text() == LONG
    assert page.locator("h2:visible").all_inner_texts() == SECTIONS
    printed = page.pdf(format=paper)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 2
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.classList.contains('dark')") == (theme == "dark")
    if theme == "dark":
        # Nothing that would be read on black paper only.
        assert page.evaluate(INKS) == ["rgb(17, 24, 39)"]
