"""What a user can do about a reason of the worklist: an act in a sheet, or a page to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from billing.sheets.grant import Grant
from billing.sheets.invoices import RecordPayment
from billing.sheets.send import Send
from billing.sheets.subscriptions import ExtendTrial, Keep
from crm.desk.sheets.contact import LogContact
from crm.desk.sheets.owner import Assign
from crm.desk.worklist.rules import RULES
from crm.models import WorklistReason
from customers.sheets import Act, act_url

#: The acts that settle reasons, with the text of their button.
ACTS: dict[str, tuple[type[Act], str]] = {
    act.name: (act, label)
    for act, label in (
        (RecordPayment, "Record payment"),
        (Send, "Send reminder"),
        (Keep, "Keep"),
        (ExtendTrial, "Extend trial"),
        (Grant, "Grant credits"),
        (Assign, "Assign"),
        (LogContact, "Log call"),
    )
}


@dataclass(frozen=True, slots=True)
class Step:
    """A button. Without a label there is nothing to do but on the customer's own page."""

    label: str = ""
    url: str = ""
    is_sheet: bool = False


def step_of(reason: WorklistReason, may: Callable[[str], bool]) -> Step:
    """The act that settles the reason if the user may do it, else the page that the reason leads to."""
    name, _, key = reason.act.partition(":")
    act, label = ACTS.get(name, (None, ""))
    if act is not None and act.allowed(may):
        return Step(label, act_url(name, key), is_sheet=True)
    rule = RULES.get(reason.rule)
    return Step(rule.action, reason.link) if rule is not None and rule.action and reason.link else Step()
