"""Keep the facts of customers: compute them, and write what differs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from crm.desk.batches import lock_unmerged
from crm.desk.facts.compute import ComputedFacts, compute_facts
from crm.desk.facts.moments import add_due_moments
from crm.models import BalanceFacts, CurrencyFacts, CustomerFacts, FieldFacts, InvoiceFacts, SubscriptionFacts
from customers import clock
from customers.bulk import sync_rows

#: What is compared and written; `computed_at` alone doesn't differ.
COLUMNS: dict[Any, tuple[str, ...]] = {
    model: tuple(
        field.attname
        for field in model._meta.concrete_fields
        if not field.primary_key and field.attname != "computed_at"
    )
    for model in (CustomerFacts, CurrencyFacts, BalanceFacts, SubscriptionFacts, InvoiceFacts, FieldFacts)
}


@transaction.atomic
def refresh_facts(customer_ids: Sequence[str], at: datetime | None = None) -> int:
    """Compute the facts of those of the customers that aren't merged, write what differs, and return for how many.

    A fixed number of queries. Archived customers have facts too: filters can ask for them.
    """
    at = at or clock.now()
    keys = lock_unmerged(customer_ids)
    computed = current_facts(keys, at)
    return write_facts(keys, computed)


def current_facts(customer_ids: Sequence[str], at: datetime) -> ComputedFacts:
    """The facts of these customers at `at`, as unsaved rows."""
    computed = compute_facts(customer_ids, at)
    add_due_moments(computed.customers, at)
    return computed


def write_facts(customer_ids: Sequence[str], computed: ComputedFacts) -> int:
    """Make the stored rows of locked customers equal to `computed`; return how many customers' rows differed."""
    stored = stored_facts(customer_ids, computed)
    differ: set[str] = set()
    for model, wanted in computed.by_model().items():
        differ |= _sync(model, list(stored[model]), wanted)
    return len(differ)


def stored_facts(customer_ids: Sequence[str], computed: ComputedFacts) -> dict[Any, QuerySet[Any]]:
    """The rows of these customers, also those that another customer had before a merge was undone."""
    keys: Any = customer_ids
    of_rows: dict[Any, QuerySet[Any]] = {
        model: model.objects.filter(Q(customer__in=keys) | Q(pk__in=[row.pk for row in rows]))
        for model, rows in computed.by_model().items()
        if model not in (CustomerFacts, CurrencyFacts, FieldFacts)
    }
    return {
        CustomerFacts: CustomerFacts.objects.filter(pk__in=keys),
        CurrencyFacts: CurrencyFacts.objects.filter(customer__in=keys),
        FieldFacts: FieldFacts.objects.filter(customer__in=keys),
        **of_rows,
    }


def key_of(row: Any) -> tuple[str, ...]:
    """What identifies a row of facts apart from its own ID."""
    if isinstance(row, CurrencyFacts):
        return str(row.customer_id), row.currency
    if isinstance(row, FieldFacts):
        return str(row.customer_id), str(row.field_id)
    return (str(row.pk),)


def differs(row: Any, other: Any) -> bool:
    """Whether any figure of two rows of one model differs."""
    return any(getattr(row, name) != getattr(other, name) for name in COLUMNS[type(row)])


def _sync(model: Any, stored: list[Any], wanted: list[Any]) -> set[str]:
    """Write the rows that differ, delete those that aren't wanted; return the customers."""
    before = {key_of(row): row for row in stored}
    changed = [row for row in wanted if key_of(row) not in before or differs(row, before[key_of(row)])]
    gone = before.keys() - {key_of(row) for row in wanted}
    customers = {str(row.customer_id) for row in changed} | {str(before[key].customer_id) for key in gone}
    touched = {key_of(row) for row in changed} | gone
    fields = (*COLUMNS[model], "computed_at") if model is CustomerFacts else COLUMNS[model]
    sync_rows(
        [row for key, row in before.items() if key in touched],
        changed,
        key=key_of,
        fields=fields,
        reason="",
    )
    return customers
