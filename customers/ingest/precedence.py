"""Claims of source records on the fields of a customer, and which claim decides a field.

A claim is the value that one record has for one field, and since when. All records of a
customer are ranked together: by the order of their sources (see `order_of`), those of files last. Of two records of one source the one
that changed last comes first, for all fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET

from customers.configuration.table import SOURCE_PRECEDENCE_EMAIL, SOURCE_PRECEDENCE_NAME, SOURCES
from customers.configuration.values import value_of
from customers.ingest.reader import canonical
from customers.models import Customer, SourceRecord
from customers.models.source import is_of_file

#: The columns of a customer that sources may set.
CLAIMED = (*Customer.PINNABLE, "created_at", "updated_at")
#: Identifiers of the customer at a source; those of a merged customer are kept apart.
IDENTIFIERS = ("external_id", "stripe_id")

#: Only the payments platform decides when the customer was created; other sources only for a new customer.
_ORDERS: dict[str, tuple[str, ...]] = {"created_at": ("payments",), "updated_at": ("payments",)}
#: The fields of which an administrator chooses the order of sources.
ORDERED = {"name": SOURCE_PRECEDENCE_NAME, "email": SOURCE_PRECEDENCE_EMAIL}
_MOMENTS = ("created_at", "updated_at")
_NULLABLE = tuple(name for name in Customer.PINNABLE if Customer._meta.get_field(name).null)

#: Columns whose values are combined key by key: each key has the value of the most trusted source that has it.
KEY_BY_KEY = ("custom_data", "metadata")

_EARLIEST = datetime.min.replace(tzinfo=UTC)

#: By field: the `value` (null for an empty one) and `since` when, in ISO 8601.
Claims = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Statement:
    """The claims of one record; `key` orders records that changed at the same time."""

    source: str
    claims: Claims
    key: str = ""

    @property
    def changed_at(self) -> datetime:
        """When the record last changed: by its own word, else when we last received something new of it."""
        own = claimed_value(self.claims, "updated_at")
        moments = [own] if own else [claim["since"] for claim in self.claims.values()]
        return max(map(datetime.fromisoformat, moments), default=_EARLIEST)


def updated_claims(claims: Claims, values: dict[str, Any], at: datetime) -> Claims:
    """`claims` updated with the `values` of a document that arrived at `at`.

    A claim with the same value keeps its time, and one on a field that `values` lacks stays.
    """
    now = at.astimezone(UTC).isoformat(timespec="microseconds")
    new = dict(claims)
    for name, value in values.items():
        plain = value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
        if name not in claims or not same(claims[name]["value"], plain):
            new[name] = {"value": plain, "since": now}
    return new


def claims_more(before: Claims, after: Claims, customer: Customer) -> bool:
    """Whether `after` has another value than `before`, or a new one that the customer does not show."""
    for name, claim in after.items():
        if name in before:
            if not same(before[name]["value"], claim["value"]):
                return True
        elif not is_empty(claim["value"]) and column(name, claim["value"]) != getattr(customer, name):
            return True
    return False


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in JSON: `1` and `1.0` are, `1` and `true` are not."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return bool(one == other)
    return canonical(one) == canonical(other)


def is_empty(value: Any) -> bool:
    """Whether the value of a claim is empty."""
    return value is None or value == ""


def order_of(name: str) -> tuple[str, ...]:
    """The sources that may decide a field, the most trusted first."""
    configured = ORDERED.get(name)
    return value_of(configured) if configured else _ORDERS.get(name, SOURCES)


def ranked(name: str, statements: Iterable[Statement]) -> list[Statement]:
    """The statements with a claim on a field, the deciding one first. Empty values come last."""
    order = order_of(name)
    is_open = name not in _ORDERS
    speaking = [
        each
        for each in statements
        if name in each.claims and (each.source in order or (is_open and is_of_file(each.source)))
    ]
    speaking.sort(key=lambda each: (each.changed_at, each.key), reverse=True)
    ranks = {source: rank for rank, source in enumerate(order)}
    return sorted(
        speaking,
        key=lambda each: (is_empty(each.claims[name]["value"]), ranks.get(each.source, len(order))),
    )


def changed_columns(
    before: Sequence[Statement], after: Sequence[Statement], names: Iterable[str]
) -> dict[str, Any]:
    """The columns among `names` whose deciding value `after` differs from that `before`.

    A column stays as it is while the deciding value stays: a person or a merge may have set it.
    """
    columns: dict[str, Any] = {}
    for name in names:
        value, then = deciding_value(name, after), deciding_value(name, before)
        if value is not UNSET and (then is UNSET or not same(then, value)):
            columns[name] = column(name, value)
    return columns


def deciding_value(name: str, statements: Iterable[Statement]) -> Any:
    """The value of a field in JSON by these statements. UNSET without a claim."""
    values = [each.claims[name]["value"] for each in ranked(name, statements)]
    if not values:
        return UNSET
    return combined(values) if name in KEY_BY_KEY else values[0]


def combined(values: Iterable[Any]) -> Any:
    """The objects combined; a key that several have comes from the first. None if there are no objects."""
    together: dict[str, Any] = {}
    filled = [value for value in values if value is not None]
    for value in filled:
        together |= {key: each for key, each in value.items() if key not in together}
    return together if filled else None


def column(name: str, value: Any) -> Any:
    """The value of a claim as the customer's column holds it."""
    if is_empty(value):
        return None if name in _NULLABLE else ""
    return datetime.fromisoformat(value) if name in _MOMENTS else value


def default_of_column(name: str) -> Any:
    """The empty value of a customer's column."""
    field: Any = Customer._meta.get_field(name)
    return field.get_default()


def claimed_value(claims: Claims, name: str) -> Any:
    """The value that a record claims for a field; None without a claim."""
    return claims.get(name, {}).get("value")


@dataclass(frozen=True, slots=True)
class UpdatedRecord:
    """A source record with its new claims, unsaved, and its claims before.

    `says_more` if the record is new, claims something else than before, or has other keys that are not understood.
    """

    record: SourceRecord
    before: Claims
    says_more: bool = True

    @property
    def statements(self) -> tuple[list[Statement], Statement]:
        """The statement before, if the record existed, and the one now."""
        now = statement_of(self.record)
        was = [] if self.record._state.adding else [Statement(now.source, self.before, now.key)]
        return was, now


def statement_of(record: SourceRecord) -> Statement:
    """The claims of a record as a statement."""
    return Statement(record.source, record.claims, str(record.pk))


def assign(customer: Customer, **values: Any) -> None:
    """Set columns of a customer, except pinned ones."""
    for name, value in values.items():
        if name not in customer.pinned_fields:
            setattr(customer, name, value)


def begin(customer: Customer, claims: Claims) -> None:
    """Set the creation time of a new customer, which any source may decide."""
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
    """Update the unpinned columns whose deciding value this record changes.

    `others` are the customer's other records. `merged_origin` is the merged customer that the record was about; it may
    be the one that gets an identifier. `kept` are identifiers that a merged customer already has.
    """
    record = updated.record
    before, after = updated.statements
    statements = [statement_of(each) for each in others]
    shared = [name for name in CLAIMED if name not in IDENTIFIERS]
    assign(customer, **changed_columns([*before, *statements], [after, *statements], shared))
    # Identifiers are never mixed: the records of a merged customer decide that customer's.
    of_origin = [statement_of(each) for each in others if each.came_with_id == record.came_with_id]
    named = [name for name in IDENTIFIERS if name not in kept]
    for name, value in changed_columns([*before, *of_origin], [after, *of_origin], named).items():
        assign(_holder(customer, merged_origin, name, updated.before), **{name: value})


def other_records(
    customers: Sequence[Customer], updated: Sequence[UpdatedRecord]
) -> dict[str, list[SourceRecord]]:
    """The other source records of each customer, by its key."""
    others: dict[str, list[SourceRecord]] = {}
    held = SourceRecord.objects.filter(customer__in=customers).exclude(
        pk__in=[each.record.pk for each in updated]
    )
    for record in held:
        others.setdefault(str(record.customer_id), []).append(record)
    return others


def sources_value(customer: Customer, name: str) -> tuple[bool, Any]:
    """Whether any source has a value for a column, and the deciding one.

    For an identifier, only the customer's own records count.
    """
    records: Iterable[SourceRecord] = customer.source_records.all()
    if name in IDENTIFIERS:
        records = [record for record in records if record.came_with_id is None]
    value = deciding_value(name, map(statement_of, records))
    return (False, None) if value is UNSET else (True, column(name, value))


def speakers(customers: Sequence[Customer]) -> dict[str, str]:
    """By field, the key of the customer whose record will decide it if all of these become one. One query.

    Fields that no record has a value for are left out, and so are identifiers, which are never mixed.
    """
    records = list(SourceRecord.objects.filter(customer__in=customers))
    owners = {str(record.pk): str(record.customer_id) for record in records}
    statements = [statement_of(record) for record in records]
    found = {}
    for name in CLAIMED:
        first = next(iter(ranked(name, statements)), None)
        if name not in IDENTIFIERS and first is not None and not is_empty(first.claims[name]["value"]):
            found[name] = owners[first.key]
    return found


def resolve(customer: Customer, names: Iterable[str] = CLAIMED) -> list[str]:
    """Set these columns of a customer, except locked ones, to what its records say. Return the names of those that changed.

    A column without a claim stays as it is. Nothing is saved. One query.
    """
    records = list(customer.source_records.all())
    own = [record for record in records if record.came_with_id is None]
    changed = []
    for name in names:
        value = deciding_value(name, map(statement_of, own if name in IDENTIFIERS else records))
        if value is UNSET or name in customer.pinned_fields:
            continue
        if column(name, value) != getattr(customer, name):
            setattr(customer, name, column(name, value))
            changed.append(name)
    return changed


#: The reason of the first history row of a customer that an import made begins with this.
IMPORTED = "Imported from"


def is_imported(customer: Customer) -> bool:
    """Whether an import made the customer, so that each value that is not locked comes from a record."""
    history: Any = customer.history
    first = (
        history.order_by("history_date", "history_id").values_list("history_change_reason", flat=True).first()
    )
    return (first or "").startswith(IMPORTED)


def empty_unclaimed(customer: Customer) -> list[str]:
    """Empty the columns, except locked ones, that no record of the customer has a value for. Return their names.

    Only for customers that an import made. Nothing is saved.
    """
    records = list(customer.source_records.all())
    emptied = []
    for name in Customer.PINNABLE:
        values = [claimed_value(record.claims, name) for record in records]
        held = getattr(customer, name)
        is_claimed = held in values if name in IDENTIFIERS else not all(map(is_empty, values))
        default = default_of_column(name)
        if name not in customer.pinned_fields and not is_claimed and held != default:
            setattr(customer, name, default)
            emptied.append(name)
    return emptied


def columns_of(customer: Customer) -> str:
    """A fingerprint of the customer's `CLAIMED` columns. It tells `1` from `true`."""
    return repr([getattr(customer, name) for name in CLAIMED])


def _holder(customer: Customer, merged_origin: Customer | None, name: str, before: Claims) -> Customer:
    """The customer that gets a claimed identifier: the present one, or the merged one that the record was about."""
    if merged_origin is None:
        return customer
    held, then = getattr(customer, name), before.get(name, {}).get("value")
    is_free = held is None and getattr(merged_origin, name) is None
    return customer if is_free or (held is not None and held == then) else merged_origin
