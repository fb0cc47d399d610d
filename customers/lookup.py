"""Find the customer that an identifier means, whichever platform gave it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models.functions import Coalesce

from customers.as_of import KnownCustomer, known_customers, not_known_then
from customers.bulk import pieces
from customers.models import Customer, Environment, Source, SourceRecord
from customers.models.customer import CustomerQuerySet
from customers.typed_ids import to_uuid

#: No identifier that we keep is longer.
LONGEST_IDENTIFIER = 400

_SHOWN = 100
_COUNTED = 100


class UnknownCustomer(LookupError):
    """No customer is known by the identifier; the message says so, and what an identifier may be."""


class AmbiguousCustomer(LookupError):
    """Several customers are known by the identifier; the message says how many, and what to ask for instead."""


def find_customer(identifier: str, env: str | None = None, *, source: Source | None = None) -> Customer:
    """The customer known by `identifier`, archived or not; for a merged one, the customer it became part of.

    An identifier is a typed id, an external id, a Stripe id, the id of a record at its source or an exact e-mail
    address, and the stronger kind wins. The id of a record at `source`, if that is given, comes right after our
    own. `env` says whose customers are meant; without it they are the live ones, and those of the sandbox where
    no live one is known by it. Each kind is one query by an index, and the first that finds somebody ends it.

    Raises `UnknownCustomer`, or `AmbiguousCustomer` where several customers of one environment share it.
    """
    for found in _found(identifier, env, source):
        if customers := _survivors(found):
            return _only(customers, identifier)
    raise unknown_customer(identifier, env)


def find_customer_at(
    identifier: str, at: datetime, env: str | None = None, *, source: Source | None = None
) -> KnownCustomer:
    """The customer that is known by `identifier` today, as it was known at `at`.

    An identifier means what it does for `find_customer`. But one that a customer brought along when it was merged
    means that customer, and the answer is what that was part of then.

    Raises `UnknownCustomer`, `AmbiguousCustomer`, or `NotKnownThen` where those that are meant were not known yet.
    """
    for found in _found(identifier, env, source, is_then=True):
        if customers := list(found[: _COUNTED + 1]):
            known = {each.key: each for each in known_customers(customers, at)}
            if not known:
                raise not_known_then(customers)
            only = _only([each.customer for each in known.values()], identifier)
            return known[str(only.pk)]
    raise unknown_customer(identifier, env)


def survivor_of(customer_id: str) -> str:
    """The key of the customer that this one became part of; its own if it was not merged."""
    while True:
        into = Customer.objects.filter(pk=customer_id).values_list("merged_into", flat=True).first()
        if into is None:
            return customer_id
        customer_id = str(into)


def unknown_customer(identifier: str, env: str | None) -> UnknownCustomer:
    """What to raise where nobody is known by `identifier`."""
    return UnknownCustomer(
        f"No {env + ' ' if env else ''}customer is known by “{identifier[:_SHOWN]}”. Ask by a typed id (cus_…), an"
        " external id, a Stripe id, the id of a record at its source, or an exact e-mail address."
    )


def is_searchable(identifier: str) -> bool:
    """Whether a database could hold it: not empty, not too long, no NUL, no half of a surrogate pair."""
    if not 0 < len(identifier) <= LONGEST_IDENTIFIER or "\0" in identifier:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in identifier)


def _found(
    identifier: str, env: str | None, source: Source | None, *, is_then: bool = False
) -> Iterator[CustomerQuerySet]:
    """The customers that may be meant, the strongest kind of identifier of the likelier environment first.

    `is_then` if a record at a source means the customer that it was of before any merge.
    """
    if not is_searchable(identifier):
        return
    for each_env in [env] if env else [Environment.LIVE, Environment.SANDBOX]:
        yield from _by_strength(Customer.objects.filter(env=each_env), identifier, source, is_then)


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
    homes = SourceRecord.objects.filter(**record).values(home=Coalesce("came_with", "customer"))
    return customers.filter(pk__in=homes)


def _survivors(found: CustomerQuerySet) -> list[Customer]:
    """The customers that those found are part of now, each once; of very many, the first."""
    survivors: dict[str, Customer] = {}
    for customer in found.select_related("merged_into")[: _COUNTED + 1]:
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
        f"{count.capitalize()} customers are known by “{identifier[:_SHOWN]}”. Ask by an id that only one of them has,"
        f" such as {customers[0].pk}."
    )


#: The kinds of identifier that are looked for in bulk, the strongest first, as `find_customer` does.
_BY_STRENGTH = ("external_id", "stripe_id", "source_records__source_id", "email")


Found = str | UnknownCustomer | AmbiguousCustomer


def find_customers(identifiers: Iterable[str], env: str | None = None) -> dict[str, Found]:
    """By identifier, the key of the customer that `find_customer` would find, or what it would raise."""
    wanted = {identifier for identifier in identifiers if is_searchable(identifier)}
    found: dict[str, Found] = {}
    unclear: set[str] = set(identifiers) - wanted
    for each_env in [env] if env else [Environment.LIVE, Environment.SANDBOX]:
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
