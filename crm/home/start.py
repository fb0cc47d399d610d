"""The first steps in an empty installation, for who may take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import reverse

from billing.models import Seller
from billing.rates.convert import installation_currency
from customers.formats import user_name
from customers.models import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: what it is, where it is taken, and whether it is done. `is_next` is the one to take now."""

    number: int
    title: str
    detail: str
    action: str
    url: str
    is_done: bool
    is_next: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The steps, and how many are done."""

    steps: Sequence[Step]
    done: int

    @property
    def percent(self) -> int:
        """How much is done."""
        return 100 * self.done // len(self.steps)


def start_of(user: Any) -> Start | None:
    """The first steps; None once there are customers, or if the user may not import any. At most three queries."""
    if not user.has_perm("customers.add_customer") or Customer.objects.exists():
        return None
    seller = Seller.objects.first()
    people = get_user_model()._default_manager.filter(is_active=True, is_staff=True).count()
    found: list[tuple[str, str, str, str, str, bool]] = [
        ("Create your account", f"You signed in as {user_name(user)}", "", "", "", True),
        (
            "Set currency and seller",
            f"{installation_currency()}, {seller.name}" if seller else "They are printed on invoices",
            "Edit",
            reverse("seller"),
            "billing.view_seller",
            seller is not None,
        ),
        (
            "Import your customers",
            "From your payments, billing and CRM platforms, or any CSV or Excel file",
            "Import files…",
            reverse("imports"),
            "",
            False,
        ),
        (
            "Invite your team",
            "Account managers see their own customers first",
            "Invite people…",
            reverse("invite"),
            "auth.add_user",
            people > 1,
        ),
        (
            "Choose what needs attention",
            "Such as past-due invoices and renewals",
            "Review reasons",
            reverse("settings-group", args=["worklist"]),
            "customers.view_storedsetting",
            False,
        ),
    ]
    offered = [each for each in found if not each[4] or user.has_perm(each[4])]
    first = next((place for place, each in enumerate(offered) if not each[5]), -1)
    steps = [
        Step(
            number=place + 1,
            title=title,
            detail=detail,
            action=action,
            url=url,
            is_done=is_done,
            is_next=place == first,
        )
        for place, (title, detail, action, url, _, is_done) in enumerate(offered)
    ]
    return Start(steps=steps, done=sum(step.is_done for step in steps))
