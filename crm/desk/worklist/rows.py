"""What the page of the worklist shows of an account: its worst reason, the money behind it, and its age."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from billing.formats import money
from crm.desk.facts.queries import amounts_of
from crm.desk.worklist.contract import MISMATCH
from crm.desk.worklist.invoices import OVERDUE
from crm.desk.worklist.notices import DUNNING
from crm.desk.worklist.queries import reasons_of_accounts
from crm.desk.worklist.subscriptions import CANCELED, PAST_DUE, RENEWAL, TRIAL
from crm.models import CurrencyFacts, WorklistEntry, WorklistReason
from customers.formats import days_between

#: From this weight on a reason is urgent.
URGENT = 50
#: Below this weight a reason tells something, and nothing is lost if it waits.
_SOON = 30

_OWED = {OVERDUE.name, DUNNING.name, PAST_DUE.name}
_LABELS = {
    RENEWAL.name: "renewing",
    CANCELED.name: "ending",
    TRIAL.name: "on trial",
    MISMATCH.name: "per month",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AtStake:
    """The money behind a reason: past due, or MRR. Both are empty if there is none."""

    amount: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistRow:
    """An account with its reasons, the worst one first."""

    entry: WorklistEntry
    reasons: Sequence[WorklistReason]
    at_stake: AtStake
    age: str

    @property
    def reason(self) -> WorklistReason | None:
        """The worst reason; None if the user may see none."""
        return self.reasons[0] if self.reasons else None

    @property
    def more(self) -> int:
        """How many other reasons there are."""
        return max(len(self.reasons) - 1, 0)

    @property
    def color(self) -> str:
        """The color of the worst reason."""
        return color_of(self.reasons[0].weight) if self.reasons else "neutral"


def rows_of(
    entries: Sequence[WorklistEntry],
    people: Any,
    rules: Collection[str],
    now: datetime,
    decision: str = "",
) -> list[WorklistRow]:
    """The rows of these accounts, with the reasons of `rules` that these users (None: all) have. Two queries."""
    keys = [str(entry.customer_id) for entry in entries]
    reasons = reasons_of_accounts(keys, people, rules, decision)
    amounts = amounts_of(keys)
    return [
        WorklistRow(
            entry=entry,
            reasons=reasons[key],
            at_stake=at_stake(reasons[key][0].rule if reasons[key] else "", amounts.get(key, ())),
            age=age_of(reasons[key][0].since, now) if reasons[key] else "",
        )
        for key, entry in zip(keys, entries, strict=True)
    ]


def at_stake(rule: str, amounts: Sequence[CurrencyFacts]) -> AtStake:
    """What is past due where the reason is a debt, else the MRR; of the currency with the most."""
    owed = max(amounts, key=lambda row: row.past_due, default=None)
    if rule in _OWED and owed is not None and owed.past_due:
        return AtStake(amount=money(owed.past_due, owed.currency), label="past due")
    paid = max(amounts, key=lambda row: row.mrr, default=None)
    if paid is None or not paid.mrr:
        return AtStake()
    return AtStake(amount=money(paid.mrr, paid.currency), label=_LABELS.get(rule, "MRR"))


def age_of(since: datetime, now: datetime) -> str:
    """How long a reason has been open: `18 d`, or `2 h` on its first day."""
    days = days_between(since, now)
    if days > 0:
        return f"{days} d"
    return f"{max((now - since) // timedelta(hours=1), 0)} h"


def color_of(weight: int) -> str:
    """`bad` for an urgent reason, `warn` for one that is due soon, `info` for the rest."""
    return "bad" if weight >= URGENT else "warn" if weight >= _SOON else "info"
