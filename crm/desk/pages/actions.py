"""The menu of actions on a row: what the user may do with it, most used first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists
from django.urls import reverse

from billing.invoices.possible import possible_verbs as possible_invoice_verbs
from billing.models import Balance, Invoice, Subscription
from billing.sheets.adjust import Adjust
from billing.sheets.grant import Grant
from billing.sheets.invoices import Credit, Issue, RecordPayment, ReversePayment, Uncollectible, Void
from billing.sheets.send import Send
from billing.sheets.subscriptions import Attach, Cancel, ChangePlan, ExtendTrial, Keep
from billing.subscriptions.possible import possible_verbs as possible_subscription_verbs
from crm.desk.sheets.merge import MergeWith
from crm.desk.sheets.owner import Assign
from crm.desk.sheets.task import AddTask
from customers import clock
from customers.formats import page_of
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


#: The acts on a subscription and on an invoice with their icons, most used first.
_SUBSCRIPTION_ACTS = (
    (ChangePlan, "swap_horiz"),
    (Keep, "undo"),
    (ExtendTrial, "more_time"),
    (Cancel, "event_busy"),
)
_INVOICE_ACTS = (
    (RecordPayment, "payments"),
    (Issue, "send"),
    (Send, "outgoing_mail"),
    (Credit, "undo"),
    (ReversePayment, "money_off"),
    (Uncollectible, "money_off"),
    (Void, "block"),
)

#: Titles of groups, with their actions.
Menu = list[tuple[str, Sequence[Action]]]


def actions_of(row: Any, may: May) -> Menu:
    """The groups of the menu of a customer, subscription, balance or invoice. Groups without an action are left out."""
    match row:
        case Customer():
            groups = _customer_groups(row, may)
        case Balance():
            # What is held, such as seats, is changed by the plan; credits are for what is used up.
            grant = [(Grant, "redeem", "G")] if row.feature.consumable else []
            groups = [("", _sheets(row, may, *grant, (Adjust, "tune")))]
        case Subscription():
            verbs = possible_subscription_verbs(row, clock.now())
            groups = [
                ("", _sheets(row, may, *(each for each in _SUBSCRIPTION_ACTS if each[0].name in verbs)))
            ]
        case Invoice():
            verbs = possible_invoice_verbs(row)
            groups = [("", _sheets(row, may, *(each for each in _INVOICE_ACTS if each[0].name in verbs)))]
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
    """What can be done with the customer's billing."""
    rows: list[tuple[Any, ...]] = [(Attach, "add_card"), (Grant, "redeem", "G")]
    if ChangePlan.allowed(may) or RecordPayment.allowed(may):
        active = Subscription.objects.active().filter(customer=customer)
        unpaid = Invoice.objects.unpaid().filter(customer=customer, removed_at=None, imported=False)
        # One query for both.
        found = Customer.objects.filter(pk=customer.pk).values_list(
            Exists(active), Exists(unpaid.exclude(number=""))
        )
        for has_active, has_unpaid in found:
            rows = [
                *([(ChangePlan, "swap_horiz")] if has_active else []),
                *rows,
                *([(RecordPayment, "payments")] if has_unpaid else []),
            ]
    return _sheets(customer, may, *rows)


def _account_actions(customer: Customer, may: May) -> list[Action]:
    return _sheets(
        customer,
        may,
        (Assign, "person", "A"),
        (AddTask, "task_alt", "T"),
        (MergeWith, "call_merge"),
    )


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
