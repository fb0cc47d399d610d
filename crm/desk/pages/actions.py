"""The menu of actions on a row: what the user may do with it, most used first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from billing.models import Balance, Invoice, Subscription
from billing.sheets.adjust import Adjust
from billing.sheets.grant import Grant
from crm.dedupe.merges.plan import PERMISSION as MERGE
from crm.desk.pages.merge import merge_url
from customers.formats import customer_url, page_of
from customers.models import Customer
from customers.sheets import Act, act_url

May = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Action:
    """An entry of the menu. `key` is the key of the keyboard that opens it; a sheet opens over the page."""

    label: str
    url: str
    icon: str
    key: str = ""
    is_sheet: bool = False


#: Titles of groups, with their actions.
Menu = list[tuple[str, Sequence[Action]]]


def actions_of(row: Any, may: May) -> Menu:
    """The groups of the menu of a customer, subscription, balance or invoice. Groups without an action are left out."""
    match row:
        case Customer():
            groups = _customer_groups(row, may)
        case Balance():
            groups = [("Balance", _sheets(row, may, (Grant, "redeem"), (Adjust, "tune")))]
        case Subscription() | Invoice():
            groups = []
        case _:
            groups = []
    return [(title, actions) for title, actions in groups if actions]


def _customer_groups(customer: Customer, may: May) -> Menu:
    is_current = customer.merged_into_id is None and customer.archived_at is None
    return [
        ("Billing", _billing_actions(customer, may) if is_current else []),
        ("Account", _account_actions(customer, may) if is_current else []),
        ("Record", _record_actions(customer, may)),
    ]


def _billing_actions(customer: Customer, may: May) -> list[Action]:
    found = []
    if may("billing.add_subscription"):
        url = f"{reverse('admin:billing_subscription_add')}?{urlencode({'customer': customer.pk})}"
        found.append(Action("Attach plan…", url, "add_card"))
    return [*found, *_sheets(customer, may, (Grant, "redeem", "G"))]


def _account_actions(customer: Customer, may: May) -> list[Action]:
    found = []
    if may("crm.add_task"):
        found.append(Action("Add task…", f"{customer_url(customer.pk)}#add-task", "task_alt", "T"))
    if may(MERGE):
        found.append(Action("Merge with…", merge_url([customer]), "call_merge"))
    return found


def _record_actions(customer: Customer, may: May) -> list[Action]:
    found = [
        Action("View as of…", f"{reverse('desk-details', args=[customer.pk])}#as-of", "history_toggle_off")
    ]
    if may("customers.view_sourcerecord"):
        found.append(Action("Sources", reverse("desk-provenance", args=[customer.pk]), "input"))
    if may("customers.change_customer"):
        found.append(Action("Edit", page_of(customer, "change"), "edit"))
    found.append(Action("History", page_of(customer, "history"), "history"))
    return found


def _sheets(row: Any, may: May, *acts: tuple[Any, ...]) -> list[Action]:
    """The acts that the user may do, each with its icon, and with a key if there is a third part."""
    found = []
    for act, icon, *key in acts:
        chosen: type[Act] = act
        if chosen.allowed(may):
            found.append(
                Action(
                    f"{chosen.title}…", act_url(chosen.name, row), icon, key[0] if key else "", is_sheet=True
                )
            )
    return found
