"""All rules of the worklist."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from crm.desk.worklist import (
    balances,
    colleagues,
    contract,
    health,
    invoices,
    notices,
    ownership,
    platform_changes,
    subscriptions,
)
from crm.desk.worklist.reason import MOST, Find, Reason, WorklistBatch, WorklistRule
from customers.configuration.table import WORKLIST_REASONS_OFF
from customers.configuration.values import value_of
from customers.formats import customer_url, number

# Each module lists its rules in RULES and the functions that find reasons in FINDERS.
_MODULES = (
    invoices,
    notices,
    subscriptions,
    platform_changes,
    balances,
    contract,
    health,
    colleagues,
    ownership,
)

#: The rules by name, in the order in which the page's filter lists them.
RULES: dict[str, WorklistRule] = {rule.name: rule for module in _MODULES for rule in module.RULES}
_FINDERS: tuple[Find, ...] = tuple(find for module in _MODULES for find in module.FINDERS)


def reasons_of(batch: WorklistBatch) -> Iterator[Reason]:
    """The reasons of all rules that aren't left out by the settings, in a fixed number of queries.

    Per customer, user and rule at most `MOST`, and one more reason that counts the rest.
    """
    left_out = value_of(WORKLIST_REASONS_OFF)
    for find in _FINDERS:
        yield from bounded(reason for reason in find(batch) if reason.rule not in left_out)


def bounded(reasons: Iterable[Reason]) -> Iterator[Reason]:
    """The heaviest `MOST` reasons of each rule for each customer and user, and one that counts the rest."""
    similar: dict[tuple[Any, ...], list[Reason]] = defaultdict(list)
    for reason in reasons:
        similar[reason.customer_id, reason.rule, reason.person_id].append(reason)
    for found in similar.values():
        if len(found) <= MOST + 1:
            yield from found
            continue
        found.sort(key=lambda reason: -reason.weight)
        yield from found[:MOST]
        more = len(found) - MOST
        first = found[MOST]
        yield replace(
            first,
            key=f"more:{more}",
            words=f"{number(more)} more: {RULES[first.rule].title.lower()}",
            since=None,
            act="",
            link=customer_url(first.customer_id),
        )
