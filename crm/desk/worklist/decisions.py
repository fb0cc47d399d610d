"""Decide about a reason: mark it done, snooze it, or dismiss it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from crm.desk.batches import lock_current
from crm.desk.worklist.refresh import refresh_customers, update_weights
from crm.models import DecisionKind, WorklistDecision, WorklistEntry, WorklistReason
from customers import clock
from customers.bulk import pieces, update_rows


class ReasonGone(Exception):
    """The reason is no longer on the worklist; the message is for the user."""


class WrongDecision(Exception):
    """The decision isn't possible; the message tells the user what to do."""


@transaction.atomic
def decide(
    reason_id: str, decision: DecisionKind, *, by: Any, until: datetime | None = None
) -> WorklistDecision:
    """Decide about a reason. The decision is in force until the reason's key changes or its snooze ends.

    It applies to every user who has the same reason on their list. Raises `ReasonGone`, and `WrongDecision` for a
    snooze that doesn't end in the future.
    """
    if decision == DecisionKind.SNOOZED:
        if until is None or until <= clock.now():
            raise WrongDecision("Choose a future day to snooze until.")
    else:
        until = None
    reason = _locked(reason_id)
    written, _ = WorklistDecision.objects.update_or_create(
        customer_id=reason.entry.customer_id,
        rule=reason.rule,
        key=reason.key,
        came_with=None,
        defaults={
            "words": reason.words,
            "decision": decision,
            "until": until,
            "decided_by": by,
            "decided_at": clock.now(),
        },
    )
    _apply(reason, decision, until)
    return written


@transaction.atomic
def undo(decisions: QuerySet[WorklistDecision]) -> int:
    """Delete decisions, put their reasons back on the worklist if they still hold, and return how many there were."""
    customers = sorted({str(key) for key in decisions.values_list("customer_id", flat=True)})
    lock_current(customers)
    count, _ = decisions.delete()
    for piece in pieces(customers):
        refresh_customers(piece)
    return count


def _locked(reason_id: str) -> WorklistReason:
    """The reason, with its customer locked against refreshes and merges. Raises `ReasonGone`."""
    reasons = WorklistReason.objects.select_related("entry").filter(pk=reason_id)
    reason = reasons.first()
    if reason is not None:
        lock_current([str(reason.entry.customer_id)])
        reason = reasons.first()
    if reason is None:
        raise ReasonGone("This is no longer on the worklist because it was resolved or has changed.")
    return reason


def _apply(reason: WorklistReason, decision: str, until: datetime | None) -> None:
    """Set the decision on every entry of the customer that has this reason."""
    entries = WorklistEntry.objects.filter(customer_id=reason.entry.customer_id)
    for entry in entries.prefetch_related("reasons"):
        reasons = list(entry.reasons.all())
        for each in reasons:
            if (each.rule, each.key) == (reason.rule, reason.key):
                each.decision, each.until = decision, until
                each.save(update_fields=["decision", "until"])
        if update_weights(entry, reasons):
            update_rows([entry], ["weight", "heaviest"], reason="")
