"""Find the customer that an identifier means, whichever platform gave it."""

from __future__ import annotations

from collections.abc import Iterator

from customers.models import Customer, Environment, Source
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
    if is_searchable(identifier):
        for each_env in [env] if env else [Environment.LIVE, Environment.SANDBOX]:
            for found in _by_strength(identifier, each_env, source):
                if customers := _survivors(found):
                    return _only(customers, identifier)
    raise unknown_customer(identifier, env)


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


def _by_strength(identifier: str, env: str, source: Source | None) -> Iterator[CustomerQuerySet]:
    """The customers of `env` that may be meant, the strongest kind of identifier first."""
    customers = Customer.objects.filter(env=env)
    if to_uuid(identifier, ("cus",)) is not None:
        yield customers.filter(pk=identifier)
    if source is not None:
        yield customers.filter(source_records__source=source, source_records__source_id=identifier)
    yield customers.filter(external_id=identifier)
    yield customers.filter(stripe_id=identifier)
    yield customers.filter(source_records__source_id=identifier)
    yield customers.filter(email=identifier)


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
