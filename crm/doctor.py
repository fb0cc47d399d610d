"""The checks of `doctor`: those of billing, and stored facts against what they should be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from billing.doctor import CHECKS as BILLING_CHECKS
from billing.doctor import Check
from billing.doctor.findings import GRACE, Advance, Finding
from billing.formats import money
from billing.models import ExchangeRate
from crm.desk.facts.refresh import COLUMNS, current_facts, key_of, stored_facts
from crm.desk.refresh import FACTS
from crm.models import (
    BalanceFacts,
    CurrencyFacts,
    CustomerFacts,
    DeskRefresh,
    FieldFacts,
    InvoiceFacts,
    SubscriptionFacts,
)
from customers import clock
from customers.formats import listed, moment, number
from customers.models import Customer, CustomerChange

_BATCH = 500
_REMEDY = "Run `manage.py refresh_desk`."
#: What differs from one moment to the next without any change of the customer.
_MOVING = {"due_at", "per_day", "runs_out_at"}
#: What differs from one day to the next with the exchange rates, if there are any.
_CONVERTED = {"mrr_sort", "due_sort", "total_sort"}


def check_facts(advance: Advance) -> Iterator[Finding]:
    """Customers with facts that differ from their rows. Changes of the last day may still wait for a refresh.

    Before the first refresh, such as after an upgrade, there is nothing to compare.
    """
    if not DeskRefresh.objects.filter(name=FACTS).exists():
        return
    keys = iter(Customer.objects.unmerged().order_by("pk").values_list("pk", flat=True).iterator(_BATCH))
    while batch := [str(key) for key in islice(keys, _BATCH)]:
        at = clock.now()
        differences = _differences(batch, at)
        waiting = _changed_since(list(differences), at - GRACE)
        names = Customer.objects.in_bulk([key for key in differences if key not in waiting])
        for key, customer in names.items():
            yield Finding(str(key), str(customer), listed(differences[str(key)]), _REMEDY)
        advance(len(batch))


def _differences(customer_ids: Sequence[str], at: datetime) -> dict[str, list[str]]:
    """What differs, in words, by customer; not for customers that time has changed since their last refresh."""
    computed = current_facts(customer_ids, at)
    stored = {model: list(rows) for model, rows in stored_facts(customer_ids, computed).items()}
    known: dict[str, CustomerFacts] = {str(row.customer_id): row for row in stored[CustomerFacts]}
    found: dict[str, list[str]] = {}
    for key in customer_ids:
        row = known.get(key)
        if row is None:
            found[key] = ["it has no facts"]
        elif row.due_at is not None and row.due_at <= at - GRACE:
            found[key] = [f"its facts were due on {moment(row.due_at)}"]
    moving = _MOVING | _CONVERTED if ExchangeRate.objects.exists() else _MOVING
    current = {key for key, row in known.items() if row.due_at is None or row.due_at > at}
    for model, wanted in computed.by_model().items():
        before: dict[Any, Any] = {key_of(row): row for row in stored[model]}
        after: dict[Any, Any] = {key_of(row): row for row in wanted}
        for identity in before.keys() | after.keys():
            old, new = before.get(identity), after.get(identity)
            present: Any = new or old
            key = str(present.customer_id)
            if key in current and (words := _compared(model, old, new, moving)):
                found.setdefault(key, []).extend(words)
    return found


def _compared(model: Any, old: Any, new: Any, moving: set[str]) -> list[str]:
    if old is None or new is None:
        return [f"{_name(new or old)} {'is missing' if old is None else 'should not be stored'}"]
    return [
        f"{model._meta.get_field(name).verbose_name}{_of(new)} is {_shown(old, name)}, but should be {_shown(new, name)}"
        for name in COLUMNS[model]
        if name not in moving and getattr(old, name) != getattr(new, name)
    ]


def _name(row: Any) -> str:
    return f"the row{_of(row)}"


def _of(row: Any) -> str:
    if isinstance(row, CurrencyFacts):
        return f" in {row.currency}"
    if isinstance(row, FieldFacts):
        return f" of {row.field}"
    return f" of {row.pk}" if isinstance(row, BalanceFacts | SubscriptionFacts | InvoiceFacts) else ""


def _shown(row: Any, name: str) -> str:
    value = getattr(row, name)
    if isinstance(row, CurrencyFacts) and isinstance(value, int):
        return money(value, row.currency)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return number(value)
    if isinstance(value, float | date):
        return str(value)
    return (", ".join(value) if isinstance(value, list) else value) or "nothing"


def _changed_since(customer_ids: Sequence[str], since: datetime) -> set[str]:
    """Those of the customers that changed since, so that a refresh may not have come to them yet."""
    changes = CustomerChange.objects.filter(customer_id__in=customer_ids, at__gt=since)
    return {str(key) for key in changes.values_list("customer_id", flat=True)}


#: All checks of the product, in the order in which they run.
CHECKS = (*BILLING_CHECKS, Check("facts of customers", check_facts))
