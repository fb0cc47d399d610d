"""All rules there are."""

from __future__ import annotations

from collections.abc import Iterator

from crm.worklist import balances, contract, invoices, ownership, subscriptions
from crm.worklist.reason import Batch, Find, Reason, Rule

#: By its name, each rule in the order in which a filter offers it.
RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        invoices.OVERDUE,
        subscriptions.PAST_DUE,
        balances.EXHAUSTED,
        balances.RUNS_OUT,
        balances.LOW,
        subscriptions.TRIAL,
        subscriptions.CANCELED,
        subscriptions.RENEWAL,
        contract.MISMATCH,
        ownership.UNOWNED,
        ownership.DUPLICATE,
    )
}

_FINDERS: tuple[Find, ...] = (
    invoices.overdue_invoices,
    subscriptions.past_due_subscriptions,
    subscriptions.ending_trials,
    subscriptions.canceled_subscriptions,
    subscriptions.unattended_renewals,
    balances.balances,
    contract.contract_mismatches,
    ownership.unowned_accounts,
    ownership.possible_duplicates,
)


def reasons_of(batch: Batch) -> Iterator[Reason]:
    """Every reason of every rule, in a number of queries that does not depend on how many customers there are."""
    for find in _FINDERS:
        yield from find(batch)
