"""Match an incoming record with a customer.

A record joins a customer by itself in these cases only, always within its environment:

- The same source sent a record with this ID before.
- Both have the same Stripe ID.
- Both have the same ID, and no two systems give such an ID by chance, or `SHARED_ID_SPACES` declares that the two
  sources share their IDs, or a second sign agrees: a name, a domain, a mailbox, a phone or a tax number.
- Both have the same mailbox, only one customer has it, it is neither a placeholder nor an office's (`info@`), no name,
  domain or tax number contradicts it, and the customer has no other record with an ID of the same source.

Any other record makes a new customer. People decide about possible duplicates.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_

from django.db.models import Q

from customers.configuration.table import SHARED_ID_SPACES
from customers.configuration.values import value_of
from customers.ingest.signs import Signs, is_globally_unique, mailbox_of
from customers.json_types import Refused
from customers.models import Customer, LinkRule, Source, SourceRecord
from customers.readings.mailboxes import read_mailbox
from customers.readings.phones import read_phone
from customers.typed_ids import to_uuid

#: The prefixes of stand-ins, the source IDs of records without an ID of their own.
STAND_INS = ("email:", "stripe:", "created:")


@dataclass(frozen=True, slots=True)
class Identity:
    """The identifiers and the signs of an incoming record.

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
    signs: Signs = field(default_factory=Signs)

    @property
    def mailbox(self) -> str:
        """The canonical form of the email address. Empty if the address joins no records."""
        return mailbox_of(self.email)

    @property
    def all_signs(self) -> Signs:
        """The signs, with the mailbox."""
        mailbox = read_mailbox(self.email)
        return self.signs | Signs(mailboxes=frozenset([] if mailbox is None else [mailbox.box]))

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """The possible stand-ins of a record without an ID. The first that no other record has is used."""
        names = "\0".join(sorted(self.signs.names))
        phones = "\0".join(sorted(self.signs.phones))
        digests = (hashlib.sha256(said.encode()).hexdigest()[:16] for said in (names, f"{names}\0\0{phones}"))
        return (self.source_id, *(f"{self.source_id} {digest}" for digest in digests))

    @property
    def keys(self) -> set[tuple[str, str, str]]:
        """Batch keys: records that share one may be about the same customer, so they go into different batches."""
        named = {("name", self.env, name) for name in (self.source_id, *self.names, *self.mentions) if name}
        if self.external_id:
            named.add(("name", self.env, self.external_id))
        if self.stripe_id:
            named.add(("name", self.env, self.stripe_id))
        if self.email:
            named.add(("email", self.env, self.email.casefold()))
        if self.mailbox:
            named.add(("email", self.env, self.mailbox))
        return named


@dataclass(slots=True)
class IdentityMatch:
    """The customer and the source record of an identity; None if there is none yet.

    `merged_origin` is the merged customer that the identity belonged to before the merge into `customer`.
    `kept` names the identifiers of the record that a merged customer of `customer` already has. `free_id` is
    one of the identity's names that a new customer can get as its typed ID. `rule` found the customer of a new record. `stand_in` replaces the source ID of a
    record without an ID, if another record has it. `refused` says why the record can't be imported for `customer`.
    """

    customer: Customer | None = None
    record: SourceRecord | None = None
    refused: Refused | None = None
    free_id: str | None = None
    stand_in: str | None = None
    merged_origin: Customer | None = None
    kept: frozenset[str] = frozenset()
    rule: LinkRule = LinkRule.FIRST

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
    mailbox: dict[tuple[str, str], list[Customer]] = field(default_factory=lambda: defaultdict(list))

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

    def signs_of(self, customer: Customer) -> Signs:
        """The signs of a customer's records and of its own columns, without those of merged customers."""
        said = [Signs.from_json(record.signs, record.mailbox) for record in self.records_of[str(customer.pk)]]
        mailbox = read_mailbox(customer.email or "")
        own = Signs(
            names=frozenset(filter(None, [customer.name])),
            mailboxes=frozenset([] if mailbox is None else [mailbox.box]),
            phones=frozenset(filter(None, [read_phone(customer.phone or "")])),
        )
        return reduce(or_, said, own)


def match(identities: Sequence[Identity]) -> list[IdentityMatch]:
    """Find the customer of each identity, in a fixed number of queries, and lock it until the transaction ends."""
    known = _look_up(identities)
    return [_resolve(identity, known) for identity in identities]


def typed_uuid_of(name: str) -> str | None:
    """`name` if it is a well-formed typed ID of a customer, else None."""
    return name if to_uuid(name, ("cus",)) is not None else None


def _look_up(identities: Sequence[Identity]) -> _Known:
    known = _Known()
    wanted = _Wanted.by(identities)
    sharing: set[str] = set()
    for condition in (Q(source_id__in=wanted.source_ids), Q(mailbox__in=wanted.mailboxes)):
        for record in SourceRecord.objects.filter(condition):
            sharing |= {str(record.customer_id), str(record.came_with_id or record.customer_id)}
            if record.source_id in wanted.source_ids:
                known.records[record.source, record.env, record.source_id] = record
                known.named[record.env, record.source_id].append(record)
    # Each half names the environment, because the indexes begin with it.
    envs = {identity.env for identity in identities}
    named = Q(env__in=envs, external_id__in=wanted.names) | Q(env__in=envs, stripe_id__in=wanted.names)
    typed = {name for name in wanted.names if typed_uuid_of(name)}
    for condition in (Q(pk__in=sharing | typed), named, Q(email__in=wanted.emails)):
        for customer in Customer.objects.filter(condition):
            known.customers[customer.pk] = customer
    _add_survivors(known)
    _lock(known)
    _add_holders(known)
    return known


@dataclass(slots=True)
class _Wanted:
    """The values to look up for a batch."""

    source_ids: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    mailboxes: set[str] = field(default_factory=set)

    @classmethod
    def by(cls, identities: Sequence[Identity]) -> _Wanted:
        wanted = cls()
        for identity in identities:
            names = {*identity.names, identity.external_id or "", identity.stripe_id or ""} - {""}
            wanted.names |= names
            wanted.source_ids |= {identity.source_id, *names}
            if not identity.has_own_id:
                wanted.source_ids |= {*identity.stand_ins}
            if identity.mailbox:
                wanted.emails |= {identity.email, identity.mailbox}
                wanted.mailboxes.add(identity.mailbox)
        return wanted


def _add_holders(known: _Known) -> None:
    """Add the customers that have the external IDs, Stripe IDs and mailboxes, and the records of all that were found."""
    for record in SourceRecord.objects.filter(customer__in=list(known.customers)):
        known.records_of[str(record.came_with_id or record.customer_id)].append(record)
    for customer in known.customers.values():
        if customer.external_id:
            known.external[customer.env, customer.external_id] = customer
        if customer.stripe_id:
            known.stripe[customer.env, customer.stripe_id] = customer
        own = {mailbox_of(customer.email or "")}
        for box in own.union(record.mailbox for record in known.records_of[str(customer.pk)]) - {""}:
            known.mailbox[customer.env, box].append(customer)


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
    record, stand_in = _own_record(identity, known)
    merged_origin, rule = (known.origin(record), None) if record is not None else _by_rule(identity, known)
    if merged_origin is None:
        free = (name for name in identity.names if typed_uuid_of(name) and name not in known.customers)
        return IdentityMatch(free_id=next(free, None), stand_in=stand_in)
    customer = known.survivor(merged_origin)
    found = IdentityMatch(
        customer,
        record,
        stand_in=stand_in,
        merged_origin=merged_origin if merged_origin.pk != customer.pk else None,
        rule=rule or LinkRule.FIRST,
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
                f"The record “{identity.source_id}” shares an identifier with {customer.pk}, which has the ID"
                f" “{other.source_id}” at this source. Correct the identifier, or give both records the same ID."
            )
            return replace(found, refused=Refused("$.id", reason))
    return replace(found, kept=frozenset(kept))


def _by_rule(identity: Identity, known: _Known) -> tuple[Customer | None, LinkRule | None]:
    """The customer of a record that is new, merged or not, and the rule that found it."""
    env = identity.env
    for name in identity.names:
        if typed_uuid_of(name) and name in known.customers and known.customers[name].env == env:
            return known.customers[name], LinkRule.OUR_ID
    for candidate in filter(None, dict.fromkeys((identity.external_id, *identity.names))):
        holder = known.external.get((env, candidate))
        if holder is not None and _is_the_same(identity, candidate, Source.BILLING.value, holder, known):
            return holder, LinkRule.SAME_ID
    for candidate in filter(None, dict.fromkeys((identity.stripe_id, *identity.names))):
        if (env, candidate) in known.stripe:
            return known.stripe[env, candidate], LinkRule.STRIPE_ID
    for name in filter(None, (*identity.names, identity.external_id, identity.stripe_id)):
        origins = [
            known.origin(held)
            for held in known.named.get((env, name), [])
            if name == identity.stripe_id
            or _is_the_same(identity, name, held.source, known.origin(held), known)
        ]
        if len({known.survivor(origin).pk for origin in origins}) == 1:
            rule = LinkRule.STRIPE_ID if name == identity.stripe_id else LinkRule.SAME_ID
            return _first_unmerged(origins), rule
    by_mailbox = _by_mailbox(identity, known)
    return by_mailbox, None if by_mailbox is None else LinkRule.EMAIL


def _is_the_same(identity: Identity, name: str, source: str, customer: Customer, known: _Known) -> bool:
    """Whether `name`, which `source` gave to `customer`, means the customer of the identity."""
    spaces = value_of(SHARED_ID_SPACES)
    if is_globally_unique(name) or source == identity.source or {source, identity.source} <= set(spaces):
        return True
    return identity.all_signs.agree_with(known.signs_of(customer))


def _own_record(identity: Identity, known: _Known) -> tuple[SourceRecord | None, str | None]:
    """The record that the identity had before, and its stand-in if it has no ID."""
    if identity.has_own_id:
        return known.records.get((identity.source, identity.env, identity.source_id)), None
    free = None
    for stand_in in identity.stand_ins:
        record = known.records.get((identity.source, identity.env, stand_in))
        if record is None:
            free = free or stand_in
        elif not _says_otherwise(identity, record):
            return record, stand_in
    return (None, free) if free else (record, stand_in)


def _says_otherwise(identity: Identity, record: SourceRecord) -> bool:
    """Whether a record without an ID is of another customer than the one that had its stand-in before.

    Where the mailbox is a person's, a new phone number is a change of that person.
    """
    before = Signs.from_json(record.signs)
    has_other_phone = (
        bool(before.phones and identity.signs.phones) and not before.phones & identity.signs.phones
    )
    return identity.signs.contradict(before) or (not identity.mailbox and has_other_phone)


def _by_mailbox(identity: Identity, known: _Known) -> Customer | None:
    """The customer with the identity's mailbox, if it is the only one; its merged customers count as that one."""
    if not identity.mailbox:
        return None
    origins = known.mailbox.get((identity.env, identity.mailbox), [])
    if any(identity.all_signs.contradict(known.signs_of(origin)) for origin in origins):
        return None
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
