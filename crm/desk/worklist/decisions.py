"""Decide of a reason: it was dealt with, it is put off, it does not matter."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from crm.desk.worklist.refresh import refresh_customers, weigh
from crm.models import Decision, WorklistDecision, WorklistEntry, WorklistReason
from customers import clock
from customers.bulk import pieces, update_rows


class ReasonGone(Exception):
    """The reason is no longer on the worklist; the message says so to whoever decided of it."""


class WrongDecision(Exception):
    """A decision that cannot be; the message says why and what to do."""


@transaction.atomic
def decide(reason_id: str, decision: Decision, *, by: Any, until: datetime | None = None) -> WorklistDecision:
    """Decide of the reason; it stays so until its key changes, or until the moment that it was snoozed to.

    Who else has the same reason on the list no longer has it either. Raises `ReasonGone`, and `WrongDecision` for a
    snooze without a moment that lies ahead.
    """
    if decision == Decision.SNOOZED:
        if until is None or until <= clock.now():
            raise WrongDecision("Choose a day that lies ahead to put it off to.")
    else:
        until = None
    reason = _held(reason_id)
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
    _settle(reason, decision, until)
    return written


@transaction.atomic
def forget(decisions: QuerySet[WorklistDecision]) -> int:
    """Take decisions back: what still is so is on the worklist again. Answer how many there were."""
    customers = {str(key) for key in decisions.values_list("customer_id", flat=True)}
    count, _ = decisions.delete()
    for piece in pieces(sorted(customers)):
        refresh_customers(piece)
    return count


def _held(reason_id: str) -> WorklistReason:
    """The reason, with the entries of its customer locked: a refresh waits until this is done."""
    reason = WorklistReason.objects.select_related("entry").filter(pk=reason_id).first()
    if reason is not None:
        customer_id = reason.entry.customer_id
        list(
            WorklistEntry.objects.select_for_update()
            .filter(customer_id=customer_id)
            .order_by("pk")
            .values_list("pk")
        )
        reason = WorklistReason.objects.select_related("entry").filter(pk=reason_id).first()
    if reason is None:
        raise ReasonGone("This is no longer on the worklist: it was dealt with, or it has changed since.")
    return reason


def _settle(reason: WorklistReason, decision: str, until: datetime | None) -> None:
    """Show it on every entry of the customer that has the reason."""
    entries = WorklistEntry.objects.filter(customer_id=reason.entry.customer_id)
    for entry in entries.prefetch_related("reasons"):
        reasons = list(entry.reasons.all())
        for each in reasons:
            if (each.rule, each.key) == (reason.rule, reason.key):
                each.decision, each.until = decision, until
                each.save(update_fields=["decision", "until"])
        if weigh(entry, reasons):
            update_rows([entry], ["weight", "heaviest"], reason="")
