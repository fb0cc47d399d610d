"""The pictures in the documentation, taken of the demo: `make pictures` writes them, the suite checks that it can."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from crm.demo.load import create_demo_logins, load_demo_customers, review_duplicates, settle_desk
from crm.demo.uses import use_balances
from customers import clock
from customers.models import Customer

#: Where the pictures go, if anywhere: none are written by the suite.
GOAL = os.environ.get("PICTURES")
#: More customers make better pictures, and take longer.
CUSTOMERS = 60 if GOAL else 4


def test_the_pictures_in_the_documentation_can_be_taken(
    page: Page, transactional_db: None, sign_in: Callable[[User], None], tmp_path: Path
) -> None:
    now = clock.now()
    load_demo_customers(CUSTOMERS, now.replace(hour=0, minute=0, second=0, microsecond=0))
    create_demo_logins()
    if GOAL:
        use_balances(now)
        review_duplicates()
    settle_desk(now)
    sign_in(User.objects.get(username="manager"))
    kestrel = Customer.objects.get(name="Kestrel Robotics, Inc.")
    goal = Path(GOAL) if GOAL else tmp_path
    page.set_viewport_size({"width": 1440, "height": 1000})
    for name, address, shown in (
        ("home", "/admin/", "Needs attention"),
        ("customer", f"/admin/customer/{kestrel.pk}/", "Kestrel Robotics, Inc."),
        ("worklist", "/admin/worklist/", "Kestrel Robotics, Inc."),
    ):
        page.goto(address)
        expect(page.get_by_text(shown).first).to_be_visible()
        page.wait_for_function("document.fonts.status === 'loaded'")
        page.wait_for_load_state("networkidle")
        page.screenshot(path=goal / f"{name}.png")
        assert (goal / f"{name}.png").read_bytes().startswith(b"\x89PNG")
