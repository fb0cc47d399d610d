"""Records that must not come back: salted digests of what erased customers were known by."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence

from customers.ingest.matching import Identity
from customers.models import Customer, ErasedRecord, Erasure, SourceRecord

#: Stands for any source: our own typed IDs and Stripe IDs name a customer whoever sends them.
_ANY_SOURCE = ""

Key = tuple[str, str, str]


def digest_of(salt: str, *parts: str) -> str:
    """A digest of `parts` that shows nothing of them without the salt."""
    return hmac.new(salt.encode(), "\0".join(parts).encode(), hashlib.sha256).hexdigest()


def keys_of_customer(customer: Customer, records: Iterable[SourceRecord]) -> set[Key]:
    """What an erased customer must not be known by again: (source, environment, ID)."""
    keys = {(record.source, record.env, record.source_id) for record in records}
    keys.add((_ANY_SOURCE, customer.env, str(customer.pk)))
    if customer.stripe_id:
        keys.add((_ANY_SOURCE, customer.env, customer.stripe_id))
    if customer.external_id:
        keys.add(("billing", customer.env, customer.external_id))
    return keys


def erased_among(identities: Sequence[Identity]) -> list[bool]:
    """For each identity, whether it is of an erased customer. Two queries, one if nothing was ever erased."""
    salts = list(Erasure.objects.order_by().values_list("salt", flat=True).distinct())
    if not salts:
        return [False] * len(identities)
    digests = [{digest_of(salt, *key) for salt in salts for key in _keys_of(each)} for each in identities]
    known = set(
        ErasedRecord.objects.filter(
            kind=ErasedRecord.Kind.RECORD, digest__in=set().union(*digests)
        ).values_list("digest", flat=True)
    )
    return [not known.isdisjoint(each) for each in digests]


def _keys_of(identity: Identity) -> Iterator[Key]:
    ids = (identity.source_id,) if identity.has_own_id else identity.stand_ins
    for source_id in ids:
        yield identity.source, identity.env, source_id
    for name in filter(None, (*identity.names, identity.stripe_id, identity.external_id)):
        yield _ANY_SOURCE, identity.env, name
