"""Decide about a reason: mark it done, snooze it, or dismiss it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
    until = _end_of(decision, until)
    reason = _locked(reason_id)
    return _write([reason], decision, until, by)[0]


@transaction.atomic
def decide_accounts(
    customer_ids: Sequence[str],
    decision: DecisionKind,
    *,
    by: Any,
    people: Any = None,
    rules: Collection[str],
    until: datetime | None = None,
) -> list[WorklistDecision]:
    """Decide at one moment about the open reasons of `rules` that these users (None: all) have for the customers.

    Raises `WrongDecision` for a snooze that doesn't end in the future. Customers without such a reason are skipped.
    """
    until = _end_of(decision, until)
    entries = (
        WorklistEntry.objects.waiting().of_people(people).filter(customer_id__in=lock_current(customer_ids))
    )
    reasons = WorklistReason.objects.open().filter(entry__in=entries, rule__in=rules)
    once = {
        (str(reason.entry.customer_id), reason.rule, reason.key): reason
        for reason in reasons.select_related("entry__customer").heaviest_first()
    }
    return _write(list(once.values()), decision, until, by)


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


def _end_of(decision: DecisionKind, until: datetime | None) -> datetime | None:
    if decision != DecisionKind.SNOOZED:
        return None
    if until is None or until <= clock.now():
        raise WrongDecision("Choose a future day to snooze until.")
    return until


def _write(
    reasons: Sequence[WorklistReason], decision: DecisionKind, until: datetime | None, by: Any
) -> list[WorklistDecision]:
    """Write one decision for each reason, all of one moment."""
    now = clock.now()
    written = []
    for reason in reasons:
        row, _ = WorklistDecision.objects.update_or_create(
            customer_id=reason.entry.customer_id,
            rule=reason.rule,
            key=reason.key,
            came_with=None,
            defaults={
                "words": reason.words,
                "decision": decision,
                "until": until,
                "decided_by": by,
                "decided_at": now,
            },
        )
        _apply(reason, decision, until)
        written.append(row)
    return written


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
