"""Set a customer's own columns from what its records say, so that what was decided otherwise stays decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from customers.ingest.precedence import CLAIMED, IDENTIFIERS, Claims, Statement, column, decided, ranked
from customers.models import Customer, SourceRecord


@dataclass(frozen=True, slots=True)
class Remembered:
    """A source record as it is to be saved, and what it claimed before."""

    record: SourceRecord
    before: Claims

    @property
    def statements(self) -> tuple[list[Statement], Statement]:
        """What it said before, if it was there, and what it says now."""
        now = statement_of(self.record)
        was = [] if self.record._state.adding else [Statement(now.source, self.before, now.key)]
        return was, now


def statement_of(record: SourceRecord) -> Statement:
    """What a record says."""
    return Statement(record.source, record.claims, str(record.pk))


def assign(customer: Customer, **values: Any) -> None:
    """Set columns of a customer, except those a person has pinned."""
    for name, value in values.items():
        if name not in customer.pinned_fields:
            setattr(customer, name, value)


def begin(customer: Customer, claims: Claims) -> None:
    """Set what a new customer takes from whichever source knows it first: since when there is one."""
    if "created_at" in claims:
        customer.created_at = column("created_at", claims["created_at"]["value"])
        customer.updated_at = customer.created_at


def decide(
    customer: Customer,
    remembered: Remembered,
    others: Sequence[SourceRecord],
    *,
    home: Customer | None = None,
    kept: Iterable[str] = (),
) -> None:
    """Set the columns of which the sources' verdict is another one with this record than without, unless pinned.

    `others` are the customer's other records. `home` is the merged customer that the record was about before; it may
    be the one whose identifier changes. `kept` are identifiers that a customer merged into this one holds already.
    """
    record = remembered.record
    before, after = remembered.statements
    statements = [statement_of(each) for each in others]
    shared = [name for name in CLAIMED if name not in IDENTIFIERS]
    assign(customer, **decided([*before, *statements], [after, *statements], shared))
    # Identifiers are never mixed: each home of records keeps its own.
    of_home = [statement_of(each) for each in others if each.came_with_id == record.came_with_id]
    named = [name for name in IDENTIFIERS if name not in kept]
    for name, value in decided([*before, *of_home], [after, *of_home], named).items():
        assign(_holder(customer, home, name, remembered.before), **{name: value})


def other_records(
    customers: Sequence[Customer], remembered: Sequence[Remembered]
) -> dict[str, list[SourceRecord]]:
    """What else each customer is known from, by the customer's id."""
    others: dict[str, list[SourceRecord]] = {}
    held = SourceRecord.objects.filter(customer__in=customers).exclude(
        pk__in=[each.record.pk for each in remembered]
    )
    for record in held:
        others.setdefault(str(record.customer_id), []).append(record)
    return others


def sources_value(customer: Customer, name: str) -> tuple[bool, Any]:
    """Whether any source says something of a column, and the value of the one that counts most.

    Of an identifier only the customer's own records are asked.
    """
    records: Iterable[SourceRecord] = customer.source_records.all()
    if name in IDENTIFIERS:
        records = [record for record in records if record.came_with_id is None]
    speaking = ranked(name, map(statement_of, records))
    return (True, column(name, speaking[0].claims[name]["value"])) if speaking else (False, None)


def columns_of(customer: Customer) -> str:
    """What tells whether a column has changed; `1` is not `true`."""
    return repr([getattr(customer, name) for name in CLAIMED])


def _holder(customer: Customer, home: Customer | None, name: str, before: Claims) -> Customer:
    """Who holds an identifier that a record states: its customer, or the merged one that it was about before."""
    if home is None:
        return customer
    held, then = getattr(customer, name), before.get(name, {}).get("value")
    is_free = held is None and getattr(home, name) is None
    return customer if is_free or (held is not None and held == then) else home
