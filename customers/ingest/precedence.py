"""What the records of sources say of a customer's own fields, since when, and whose word counts.

A claim is what one record says of one field, with the moment since which it says so. Who is right is asked of all
records of a customer together: the sources in the order of `SOURCE_PRECEDENCE`, and of one source the record whose
claim changed last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from customers.ingest.reader import canonical
from customers.models import Customer, SourceRecord

#: The columns of a customer that sources speak of.
CLAIMED = (*Customer.PINNABLE, "created_at", "updated_at")
#: By these a source knows the customer; each home of records has its own.
IDENTIFIERS = ("external_id", "stripe_id")

_ORDER: Sequence[str] = ("payments", "billing", "crm")
#: When the customer was made is the payments platform's to say; others are heard only for a new one.
_ORDERS: dict[str, Sequence[str]] = {"created_at": ("payments",), "updated_at": ("payments",)}
_MOMENTS = ("created_at", "updated_at")
_NULLABLE = ("custom_data", "external_id", "stripe_id")

#: By field: the `value` (null where the source says that there is none) and `since` when, in ISO 8601.
Claims = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Statement:
    """The claims of one record; `key` tells it from others that say the same since the same moment."""

    source: str
    claims: Claims
    key: str = ""


def updated_claims(claims: Claims, said: dict[str, Any], at: datetime) -> Claims:
    """`claims` after a document that said so `at` that moment. What it does not mention is still claimed."""
    now = at.astimezone(UTC).isoformat(timespec="microseconds")
    new = dict(claims)
    for name, value in said.items():
        plain = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        if name not in claims or not same(claims[name]["value"], plain):
            new[name] = {"value": plain, "since": now}
    return new


def same(one: Any, other: Any) -> bool:
    """Whether two values are one in JSON: `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return bool(one == other)
    return canonical(one) == canonical(other)


def is_empty(value: Any) -> bool:
    """Whether a claim says that there is nothing."""
    return value is None or value == ""


def order_of(name: str) -> Sequence[str]:
    """The sources that may decide a field, the most trusted first."""
    configured: Sequence[str] = settings.SOURCE_PRECEDENCE.get(name, ())
    return configured or _ORDERS.get(name, _ORDER)


def ranked(name: str, statements: Iterable[Statement]) -> list[Statement]:
    """Those who say something of a field, whoever is right first. Who says it is empty is right only if all do."""
    order = order_of(name)
    speaking = [each for each in statements if name in each.claims and each.source in order]
    speaking.sort(key=lambda each: (each.claims[name]["since"], each.key), reverse=True)
    return sorted(speaking, key=lambda each: (is_empty(each.claims[name]["value"]), order.index(each.source)))


def changed_columns(
    before: Sequence[Statement], after: Sequence[Statement], names: Iterable[str]
) -> dict[str, Any]:
    """The columns among `names` whose winning value is another `after` than it was `before`.

    What a person or a merge has decided in the meantime stays where the sources' verdict stays.
    """
    columns: dict[str, Any] = {}
    for name in names:
        now = ranked(name, after)
        if not now:
            continue
        value = now[0].claims[name]["value"]
        then = ranked(name, before)
        if not then or not same(then[0].claims[name]["value"], value):
            columns[name] = column(name, value)
    return columns


def column(name: str, value: Any) -> Any:
    """What a claim's value is in the customer's column."""
    if is_empty(value):
        return None if name in _NULLABLE else ""
    return datetime.fromisoformat(value) if name in _MOMENTS else value


def claimed_value(claims: Claims, name: str) -> Any:
    """What a record says of a field; None where it says nothing."""
    return claims.get(name, {}).get("value")


@dataclass(frozen=True, slots=True)
class UpdatedRecord:
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
    updated: UpdatedRecord,
    others: Sequence[SourceRecord],
    *,
    merged_origin: Customer | None = None,
    kept: Iterable[str] = (),
) -> None:
    """Set the columns of which the sources' verdict is another one with this record than without, unless pinned.

    `others` are the customer's other records. `merged_origin` is the merged customer that the record was about before; it may
    be the one whose identifier changes. `kept` are identifiers that a customer merged into this one holds already.
    """
    record = updated.record
    before, after = updated.statements
    statements = [statement_of(each) for each in others]
    shared = [name for name in CLAIMED if name not in IDENTIFIERS]
    assign(customer, **changed_columns([*before, *statements], [after, *statements], shared))
    # Identifiers are never mixed: each home of records keeps its own.
    of_home = [statement_of(each) for each in others if each.came_with_id == record.came_with_id]
    named = [name for name in IDENTIFIERS if name not in kept]
    for name, value in changed_columns([*before, *of_home], [after, *of_home], named).items():
        assign(_holder(customer, merged_origin, name, updated.before), **{name: value})


def other_records(
    customers: Sequence[Customer], updated: Sequence[UpdatedRecord]
) -> dict[str, list[SourceRecord]]:
    """What else each customer is known from, by the customer's id."""
    others: dict[str, list[SourceRecord]] = {}
    held = SourceRecord.objects.filter(customer__in=customers).exclude(
        pk__in=[each.record.pk for each in updated]
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


def _holder(customer: Customer, merged_origin: Customer | None, name: str, before: Claims) -> Customer:
    """Who holds an identifier that a record states: its customer, or the merged one that it was about before."""
    if merged_origin is None:
        return customer
    held, then = getattr(customer, name), before.get(name, {}).get("value")
    is_free = held is None and getattr(merged_origin, name) is None
    return customer if is_free or (held is not None and held == then) else merged_origin
