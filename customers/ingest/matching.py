"""IdentityMatch an incoming record with a customer.

A record joins the customer with the same identifier: the ID at the source, our typed ID, the external ID or Stripe ID
within its environment, or an exact email address if only one customer of that environment has it, and that customer
has no record with an ID of the same source yet. Any other record makes a new customer; possible duplicates are left to
people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.db.models import Q

from customers.json_types import Refused
from customers.models import Customer, SourceRecord
from customers.typed_ids import to_uuid

#: The prefixes of stand-ins, the source IDs of records without an ID of their own.
STAND_INS = ("email:", "stripe:", "created:")


@dataclass(frozen=True, slots=True)
class Identity:
    """The identifiers of an incoming record.

    `source_id` is the record's ID at its source, or a stand-in such as `email:…` if it has none (`has_own_id` False).
    `names` are IDs that may be those of another platform: typed, external, Stripe or source IDs. `mentions` are IDs of
    other records inside the document; they match no customer.
    """

    source: str
    env: str
    source_id: str
    has_own_id: bool = True
    external_id: str | None = None
    stripe_id: str | None = None
    email: str = ""
    names: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()

    @property
    def keys(self) -> set[tuple[str, str, str]]:
        """Batch keys: records that share one may be about the same customer, so they go into different batches."""
        named = {("name", self.env, name) for name in (self.source_id, *self.names, *self.mentions) if name}
        if self.external_id:
            named.add(("name", self.env, self.external_id))
        if self.stripe_id:
            named.add(("name", self.env, self.stripe_id))
        if self.email:
            named.add(("email", self.env, self.email))
        return named


@dataclass(slots=True)
class IdentityMatch:
    """The customer and the source record of an identity; None if there is none yet.

    `merged_origin` is the merged customer that the identity belonged to before the merge into `customer`.
    `kept` names the identifiers of the record that a merged customer of `customer` already has. `free_id` is
    one of the identity's names that a new customer can get as its typed ID. `refused` says why the record
    can't be imported for `customer`.
    """

    customer: Customer | None = None
    record: SourceRecord | None = None
    refused: Refused | None = None
    free_id: str | None = None
    merged_origin: Customer | None = None
    kept: frozenset[str] = frozenset()

    @property
    def came_with_id(self) -> str | None:
        """The `came_with` of a new source record."""
        return None if self.merged_origin is None else str(self.merged_origin.pk)


@dataclass(slots=True)
class _Known:
    """The rows of the database that share an identifier with a batch."""

    records: dict[tuple[str, str, str], SourceRecord] = field(default_factory=dict)
    records_of: dict[str, list[SourceRecord]] = field(default_factory=lambda: defaultdict(list))
    named: dict[tuple[str, str], list[SourceRecord]] = field(default_factory=lambda: defaultdict(list))
    customers: dict[str, Customer] = field(default_factory=dict)
    external: dict[tuple[str, str], Customer] = field(default_factory=dict)
    stripe: dict[tuple[str, str], Customer] = field(default_factory=dict)
    email: dict[tuple[str, str], list[Customer]] = field(default_factory=lambda: defaultdict(list))

    def survivor(self, customer: Customer) -> Customer:
        while customer.merged_into_id is not None:
            customer = self.customers[customer.merged_into_id]
        return customer

    def origin(self, record: SourceRecord) -> Customer:
        return self.customers[str(record.came_with_id or record.customer_id)]

    def own_records(self, identity: Identity, merged_origin: Customer) -> list[SourceRecord]:
        """The records of `merged_origin` from the identity's source that have an ID of their own."""
        return [
            record
            for record in self.records_of[str(merged_origin.pk)]
            if (record.source, record.env) == (identity.source, identity.env)
            and not record.source_id.startswith(STAND_INS)
        ]


def match(identities: Sequence[Identity]) -> list[IdentityMatch]:
    """Find the customer of each identity, in a fixed number of queries, and lock it until the transaction ends."""
    known = _look_up(identities)
    return [_resolve(identity, known) for identity in identities]


def typed_uuid_of(name: str) -> str | None:
    """`name` if it is a well-formed typed ID of a customer, else None."""
    return name if to_uuid(name, ("cus",)) is not None else None


def _look_up(identities: Sequence[Identity]) -> _Known:
    known = _Known()
    source_ids: set[str] = set()
    names: set[str] = set()
    emails: set[str] = set()
    typed: set[str] = set()
    for identity in identities:
        source_ids.add(identity.source_id)
        candidates = {*identity.names, identity.external_id or "", identity.stripe_id or ""} - {""}
        names |= candidates
        source_ids |= candidates
        typed |= {name for name in candidates if typed_uuid_of(name)}
        if identity.email:
            emails.add(identity.email)
    for record in SourceRecord.objects.filter(source_id__in=source_ids):
        known.records[record.source, record.env, record.source_id] = record
        known.named[record.env, record.source_id].append(record)
    # Each half names the environment, because the indexes begin with it.
    envs = {identity.env for identity in identities}
    wanted = Q(env__in=envs, external_id__in=names) | Q(env__in=envs, stripe_id__in=names)
    found: set[str] = {str(record.customer_id) for record in known.records.values()} | typed
    found |= {str(record.came_with_id) for record in known.records.values() if record.came_with_id}
    for condition in (Q(pk__in=found), wanted, Q(email__in=emails)):
        for customer in Customer.objects.filter(condition):
            known.customers[customer.pk] = customer
    _add_survivors(known)
    _lock(known)
    for customer in known.customers.values():
        if customer.external_id:
            known.external[customer.env, customer.external_id] = customer
        if customer.stripe_id:
            known.stripe[customer.env, customer.stripe_id] = customer
        if customer.email:
            known.email[customer.env, customer.email].append(customer)
    for record in SourceRecord.objects.filter(customer__in=list(known.customers)):
        known.records_of[str(record.came_with_id or record.customer_id)].append(record)
    return known


def _add_survivors(known: _Known) -> None:
    while True:
        missing = {
            customer.merged_into_id
            for customer in known.customers.values()
            if customer.merged_into_id is not None
        } - known.customers.keys()
        if not missing:
            return
        for customer in Customer.objects.filter(pk__in=missing):
            known.customers[customer.pk] = customer


def _lock(known: _Known) -> None:
    """Lock the rows in the order of their IDs, so that two imports of the same customers cannot deadlock.

    The rows are read again under the lock, because they may have changed since.
    """
    locked = Customer.objects.filter(pk__in=list(known.customers)).order_by("pk").select_for_update()
    known.customers = {customer.pk: customer for customer in locked}
    _add_survivors(known)


def _resolve(identity: Identity, known: _Known) -> IdentityMatch:
    record = known.records.get((identity.source, identity.env, identity.source_id))
    merged_origin = known.origin(record) if record is not None else _by_strong_identifier(identity, known)
    if merged_origin is None:
        merged_origin = _by_email(identity, known)
    if merged_origin is None:
        free = (name for name in identity.names if typed_uuid_of(name) and name not in known.customers)
        return IdentityMatch(free_id=next(free, None))
    customer = known.survivor(merged_origin)
    found = IdentityMatch(
        customer, record, merged_origin=merged_origin if merged_origin.pk != customer.pk else None
    )
    kept = set()
    for name, path, value, holders in (
        ("external_id", "$.id", identity.external_id, known.external),
        ("stripe_id", "$.stripe_id", identity.stripe_id, known.stripe),
    ):
        holder = holders.get((identity.env, value)) if value else None
        if holder is not None and known.survivor(holder).pk != customer.pk:
            return replace(found, refused=Refused(path, _taken(str(value), holder, customer)))
        if holder is not None and holder.pk not in (customer.pk, merged_origin.pk):
            kept.add(name)
    # A record with our typed ID may be a second record of its source, because we exported that ID.
    if record is None and identity.has_own_id and identity.source_id not in known.customers:
        other = next(
            (held for held in known.own_records(identity, merged_origin) if not held.is_merged), None
        )
        if other is not None:
            reason = (
                f"“{identity.source_id}” shares an identifier with {customer.pk}, which has the ID"
                f" “{other.source_id}” at this source. Correct the identifier, or give both records the same ID."
            )
            return replace(found, refused=Refused("$.id", reason))
    return replace(found, kept=frozenset(kept))


def _by_strong_identifier(identity: Identity, known: _Known) -> Customer | None:
    """The customer that the IDs of the identity name, merged or not."""
    env = identity.env
    for name in identity.names:
        if typed_uuid_of(name) and name in known.customers and known.customers[name].env == env:
            return known.customers[name]
    for holders, own in ((known.external, identity.external_id), (known.stripe, identity.stripe_id)):
        for candidate in dict.fromkeys((own, *identity.names)):
            if candidate and (env, candidate) in holders:
                return holders[env, candidate]
    for name in filter(None, (*identity.names, identity.external_id, identity.stripe_id)):
        origins = [known.origin(held) for held in known.named.get((env, name), [])]
        if len({known.survivor(origin).pk for origin in origins}) == 1:
            return _first_unmerged(origins)
    return None


def _by_email(identity: Identity, known: _Known) -> Customer | None:
    """The customer with the identity's email, if it is the only one; its merged customers count as that one."""
    if not identity.email:
        return None
    origins = known.email.get((identity.env, identity.email), [])
    if len({known.survivor(origin).pk for origin in origins}) != 1:
        return None
    if identity.has_own_id:
        origins = [origin for origin in origins if not known.own_records(identity, origin)]
    return _first_unmerged(origins)


def _first_unmerged(origins: Sequence[Customer]) -> Customer | None:
    """The first customer that is not merged, else the first one."""
    return min(
        origins,
        key=lambda origin: (origin.merged_into_id is not None, str(origin.pk)),
        default=None,
    )


def _taken(value: str, holder: Customer, customer: Customer) -> str:
    return (
        f"“{value}” belongs to {holder.pk}, but this record is about {customer.pk}."
        " Correct it at the source, or merge the two customers."
    )
