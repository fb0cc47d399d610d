"""A customer of whom every text tries to run a script, in a real browser: nothing runs, also what scripts put there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Page, expect

from billing.models import Balance
from crm.demo.load import settle_desk
from crm.desk.sheets.merge import merge_url
from customers import clock
from customers.models import Customer
from tests.factories import make_customer
from tests.payloads import MARK, Payloads, plant, planted_user

#: What the payloads call, and what it notes.
_TRAP = "window.ran = []; window.xss = number => window.ran.push(number); window.alert = window.xss;"
#: What a pointer that goes everywhere would set off.
_TOUCH = """() => document.querySelectorAll("*").forEach(each => ["mouseover", "focus", "toggle"].forEach(
    kind => each.dispatchEvent(new Event(kind, {bubbles: false}))))"""

Rows = dict[type[Model], Any]


@pytest.fixture
def planted(transactional_db: None) -> tuple[User, Customer, Customer, Rows]:
    payloads = Payloads()
    user = planted_user(payloads)
    twin = make_customer(name=payloads.text("twin"))
    rows = plant(payloads, user, a=twin)
    settle_desk(clock.now())
    return user, rows[Customer], twin, rows


def test_no_text_of_a_customer_runs_in_a_browser(
    page: Page, planted: tuple[User, Customer, Customer, Rows], sign_in: Callable[[User], None]
) -> None:
    user, customer, twin, rows = planted
    sign_in(user)
    page.add_init_script(_TRAP)
    for path in (
        reverse("admin:index") + "?scope=all",
        reverse("desk-worklist") + "?scope=all",
        reverse("desk-customer", args=[customer.pk]),
        reverse("desk-timeline", args=[customer.pk]),
        reverse("desk-health", args=[customer.pk]),
        reverse("desk-provenance", args=[customer.pk]),
        reverse("desk-balance", args=[rows[Balance].pk]),
        reverse("desk-customers") + "?status=active",
        reverse("admin:customers_customer_change", args=[customer.pk]),
        merge_url([customer, twin]),
        reverse("desk-segments"),
    ):
        page.goto(path)
        page.evaluate(_TOUCH)
        assert page.evaluate("window.ran") == [], path
        assert page.locator(f"[onmouseover*={MARK}], [onerror*={MARK}], [onload*={MARK}]").count() == 0, path
    page.keyboard.press("Control+k")
    page.keyboard.type(str(customer.pk))
    expect(page.get_by_role("dialog").get_by_role("link").first).to_be_visible()
    page.evaluate(_TOUCH)
    assert page.evaluate("window.ran") == []


def test_what_would_run_is_noticed(page: Page, live_server: Any) -> None:
    page.add_init_script(_TRAP)
    page.goto("/")
    page.evaluate(
        "document.body.append(Object.assign(document.createElement('p'), {onmouseover: () => xss(7)}))"
    )
    page.evaluate(_TOUCH)
    assert page.evaluate("window.ran") == [7]
