"""Find the customers that many identifiers mean, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable

from customers.bulk import pieces
from customers.lookup import (
    AmbiguousCustomer,
    UnknownCustomer,
    find_customer,
    is_searchable,
    unknown_customer,
)
from customers.models import Customer, Environment
from customers.typed_ids import to_uuid

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
