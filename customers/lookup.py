"""Find a customer by any identifier, whichever source gave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models.functions import Coalesce

from customers.as_of import KnownCustomer, known_customers, not_known_then
from customers.bulk import pieces
from customers.models import Customer, Environment, Source, SourceRecord
from customers.models.customer import CustomerQuerySet
from customers.typed_ids import to_uuid

#: Longer identifiers are not stored anywhere.
LONGEST_IDENTIFIER = 400

_SHOWN = 100
_COUNTED = 100


class UnknownCustomer(LookupError):
    """No customer has the identifier; the message lists the kinds of identifiers."""


class AmbiguousCustomer(LookupError):
    """Several customers have the identifier; the message says how many and suggests another one."""


def find_customer(identifier: str, env: str | None = None, *, source: Source | None = None) -> Customer:
    """The customer with this identifier, archived or not; for a merged customer, its survivor.

    An identifier is a typed ID, an external ID, a Stripe ID, the ID of a record at its source or an exact email
    address. They are tried in this order, and the ID at `source`, if given, right after our own. Without `env`, live
    customers come first, then those in test mode. Each kind is one query by an index; the first match wins.

    Raises `UnknownCustomer`, or `AmbiguousCustomer` if several customers of one environment share it.
    """
    for candidates in _candidates(identifier, env, source):
        if customers := _survivors(candidates):
            return _only(customers, identifier)
    raise unknown_customer(identifier, env)


def find_customer_at(
    identifier: str, at: datetime, env: str | None = None, *, source: Source | None = None
) -> KnownCustomer:
    """The customer that has `identifier` today, as it was known at `at`.

    Identifiers are tried as in `find_customer`, with one difference: the ID of a record that came with a merged
    customer means that customer, and the result is its survivor at `at`.

    Raises `UnknownCustomer`, `AmbiguousCustomer`, or `NotKnownThen` if the customer was not known yet.
    """
    for candidates in _candidates(identifier, env, source, is_then=True):
        if customers := list(candidates[: _COUNTED + 1]):
            known = {each.key: each for each in known_customers(customers, at)}
            if not known:
                raise not_known_then(customers)
            only = _only([each.customer for each in known.values()], identifier)
            return known[str(only.pk)]
    raise unknown_customer(identifier, env)


def survivor_of(customer_id: str) -> str:
    """The key of the merge survivor of a customer; its own key if it was not merged."""
    while True:
        into = Customer.objects.filter(pk=customer_id).values_list("merged_into", flat=True).first()
        if into is None:
            return customer_id
        customer_id = str(into)


def unknown_customer(identifier: str, env: str | None) -> UnknownCustomer:
    """The error for an identifier that no customer has."""
    return UnknownCustomer(
        f"No {env + ' ' if env in Environment.values else ''}customer is known by “{identifier[:_SHOWN]}”. Use a"
        " typed ID (cus_…), an external ID, a Stripe ID, the ID of a record at its source, or an exact email address."
    )


def is_searchable(identifier: str) -> bool:
    """Whether a database can hold the identifier: not empty, not too long, no NUL, no half of a surrogate pair."""
    if not 0 < len(identifier) <= LONGEST_IDENTIFIER or "\0" in identifier:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in identifier)


def _candidates(
    identifier: str, env: str | None, source: Source | None, *, is_then: bool = False
) -> Iterator[CustomerQuerySet]:
    """The customers that may be meant: by environment, then by kind of identifier.

    With `is_then`, a record at a source means the customer that it belonged to before any merge.
    """
    if not is_searchable(identifier):
        return
    for each_env in _environments(env):
        yield from _by_strength(Customer.objects.filter(env=each_env), identifier, source, is_then)


def _environments(env: str | None) -> list[str]:
    """The environments to search in, none for a text that isn't an environment."""
    if not env:
        return [Environment.LIVE, Environment.SANDBOX]
    return [env] if env in Environment.values else []


def _by_strength(
    customers: CustomerQuerySet, identifier: str, source: Source | None, is_then: bool
) -> Iterator[CustomerQuerySet]:
    if to_uuid(identifier, ("cus",)) is not None:
        yield customers.filter(pk=identifier)
    if source is not None:
        yield _of_record(customers, is_then, source=source, source_id=identifier)
    yield customers.filter(external_id=identifier)
    yield customers.filter(stripe_id=identifier)
    yield _of_record(customers, is_then, source_id=identifier)
    yield customers.filter(email=identifier)


def _of_record(customers: CustomerQuerySet, is_then: bool, **record: str) -> CustomerQuerySet:
    if not is_then:
        return customers.filter(**{f"source_records__{name}": value for name, value in record.items()})
    origins = SourceRecord.objects.filter(**record).values(origin=Coalesce("came_with", "customer"))
    return customers.filter(pk__in=origins)


def _survivors(candidates: CustomerQuerySet) -> list[Customer]:
    """The merge survivors of the candidates, each once; candidates beyond `_COUNTED` + 1 are ignored."""
    survivors: dict[str, Customer] = {}
    for customer in candidates.select_related("merged_into")[: _COUNTED + 1]:
        survivor = customer
        while survivor.merged_into is not None:
            survivor = survivor.merged_into
        survivors[survivor.pk] = survivor
    return list(survivors.values())


def _only(customers: list[Customer], identifier: str) -> Customer:
    if len(customers) == 1:
        return customers[0]
    count = f"more than {_COUNTED}" if len(customers) > _COUNTED else str(len(customers))
    raise AmbiguousCustomer(
        f"{count.capitalize()} customers are known by “{identifier[:_SHOWN]}”. Use an ID that only one of them"
        f" has, such as {customers[0].pk}."
    )


#: The columns that are searched in bulk, in the order of `find_customer`.
_BY_STRENGTH = ("external_id", "stripe_id", "source_records__source_id", "email")


Found = str | UnknownCustomer | AmbiguousCustomer


def find_customers(identifiers: Iterable[str], env: str | None = None) -> dict[str, Found]:
    """For each identifier, the key of the customer that `find_customer` returns, or the error that it raises."""
    wanted = {identifier for identifier in identifiers if is_searchable(identifier)}
    found: dict[str, Found] = {}
    unclear: set[str] = set(identifiers) - wanted
    for each_env in _environments(env):
        typed = [each for each in wanted if to_uuid(each, ("cus",)) is not None]
        for column, some in (("pk", typed), *((column, None) for column in _BY_STRENGTH)):
            owners: dict[str, set[tuple[str, bool]]] = {}
            for piece in pieces(wanted if some is None else some):
                rows = Customer.objects.filter(env=each_env, **{f"{column}__in": piece})
                for identifier, key, into in rows.values_list(column, "pk", "merged_into"):
                    owners.setdefault(str(identifier), set()).add((str(key), into is not None))
            for identifier, keys in owners.items():
                [(key, is_merged), *others] = keys
                if others or is_merged:
                    unclear.add(identifier)
                else:
                    found[identifier] = key
            wanted -= owners.keys()
    found |= {identifier: unknown_customer(identifier, env) for identifier in wanted}
    for identifier in unclear:
        try:
            found[identifier] = str(find_customer(identifier, env).pk)
        except (UnknownCustomer, AmbiguousCustomer) as problem:
            found[identifier] = problem
    return found
