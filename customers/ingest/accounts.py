"""The accounts that a customer is made of: its own, and one of each customer that was merged into it.

A row has `came_with`, the customer of its account, if that one was merged. Documents that go back to a source hold one
account each, as its own records say it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from typing import Any, TypeVar

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from msgspec import UNSET

from customers.bulk import pieces
from customers.ingest.precedence import (
    CLAIMED,
    IDENTIFIERS,
    column,
    deciding_value,
    default_of_column,
    statement_of,
)
from customers.models import Customer, CustomerRow, Source, SourceRecord
from customers.models.customer import CustomerQuerySet

R = TypeVar("R", bound=Model)


def with_joined_accounts(
    customers: CustomerQuerySet, source: Source, own_rows: Iterable[type[CustomerRow]] = ()
) -> CustomerQuerySet:
    """`customers`, and those merged into them that have a record of `source`.

    A customer that has such records only of those merged into it, and none of `own_rows` itself, is left out.
    """
    records = SourceRecord.objects.filter(source=source, is_merged=False)
    joined = records.filter(customer=OuterRef("merged_into"), came_with=OuterRef("pk"))
    merged = Customer.objects.filter(Exists(joined), merged_into__in=customers.values("pk"))
    own: Any = Exists(records.filter(customer=OuterRef("pk"), came_with=None))
    for model in own_rows:
        rows: Any = model._default_manager
        own |= Exists(rows.filter(customer=OuterRef("pk"), came_with=None))
    has_joined = Exists(records.filter(customer=OuterRef("pk"), came_with__isnull=False))
    chosen = customers.filter(own | ~has_joined)
    return Customer.objects.filter(Q(pk__in=chosen.values("pk")) | Q(pk__in=merged.values("pk")))


def rows_of_accounts(
    rows: QuerySet[R], accounts: Iterable[tuple[str, str | None]], scope: str = "customer"
) -> QuerySet[R]:
    """The rows of accounts: pairs of their customer's key and, if that one was merged, the survivor's.

    `scope` is the path from a row to its customer.
    """
    own: list[str] = []
    merged: list[str] = []
    survivors: list[str] = []
    for key, survivor in accounts:
        if survivor is None:
            own.append(key)
        else:
            merged.append(key)
            survivors.append(survivor)
    owner = scope.rpartition("__")[0]
    came_with = f"{owner}__came_with" if owner else "came_with"
    condition = Q(**{f"{scope}__in": own, came_with: None})
    if merged:
        condition |= Q(**{f"{scope}__in": survivors, f"{came_with}__in": merged})
    return rows.filter(condition)


def places_of(accounts: Iterable[Customer]) -> list[tuple[str, str | None]]:
    """Each account as `rows_of_accounts` takes it."""
    return [
        (str(account.pk), None if account.merged_into_id is None else str(account.merged_into_id))
        for account in accounts
    ]


def account_of(row: Any, owner: str = "customer_id") -> str:
    """The key of the customer whose account a row belongs to."""
    return str(row.came_with_id or getattr(row, owner))


def accounts_named(names: Mapping[str, str], source: Source) -> dict[str, str]:
    """The account that each identifier means, as the key of its customer. `names` are identifiers with their customers.

    An identifier means an account if a record of `source` has it as its ID, and the customer has several accounts with
    records of that source. Any other means the whole customer, and is left out.
    """
    records = SourceRecord.objects.filter(source=source, is_merged=False)
    named: dict[tuple[str, str], str] = {}
    for piece in pieces(names):
        for row in records.filter(source_id__in=piece):
            if names[row.source_id] == str(row.customer_id):
                named[str(row.customer_id), row.source_id] = account_of(row)
    joined: set[Any] = set()
    for piece in pieces({customer for customer, _ in named}):
        held: list[Any] = piece
        joined.update(
            records.filter(customer__in=held).exclude(came_with=None).values_list("customer", flat=True)
        )
    accounts: dict[str, set[str]] = defaultdict(set)
    for row in records.filter(customer__in=joined) if joined else ():
        accounts[str(row.customer_id)].add(account_of(row))
    return {
        name: named[customer, name]
        for name, customer in names.items()
        if (customer, name) in named and len(accounts.get(customer, ())) > 1
    }


def by_account(rows: Iterable[R], owner: str = "customer_id") -> Mapping[str, list[R]]:
    """The rows of each account, in order, by the key of its customer."""
    groups: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        groups[account_of(row, owner)].append(row)
    return groups


def as_their_records_say(accounts: Sequence[Customer], source: Source) -> list[Customer]:
    """The customer of each account as its own records say it, in order; unsaved copies. Three queries.

    Of an account with records of `source`, these alone speak. A customer that is neither merged nor has others merged
    into it, nor records of several sources, nor locked fields, is returned as it is: decisions are no source's words.
    """
    keys: list[Any] = [str(account.pk) for account in accounts]
    survivors = Customer.objects.filter(merged_into__in=keys).values_list("merged_into", flat=True)
    apart = {str(key) for key in survivors}
    apart |= {
        key
        for key, account in zip(keys, accounts, strict=True)
        if account.merged_into_id is not None or account.pinned_fields
    }
    of_others = SourceRecord.objects.filter(customer__in=keys, is_merged=False).exclude(source=source)
    apart |= {str(key) for key in of_others.values_list("customer", flat=True)}
    if not apart:
        return list(accounts)
    chosen = [account for account in accounts if str(account.pk) in apart]
    together: set[Any] = {survivor or key for key, survivor in places_of(chosen)}
    records = list(SourceRecord.objects.filter(customer__in=together, is_merged=False).order_by("pk"))
    own = by_account(records)
    return [
        _told(account, own.get(str(account.pk), []), records, source) if str(account.pk) in apart else account
        for account in accounts
    ]


def _told(
    account: Customer, own: Sequence[SourceRecord], records: Collection[SourceRecord], source: Source
) -> Customer:
    told = copy(account)
    from_source = [record for record in own if record.source == source]
    is_known = bool(from_source)
    for name in CLAIMED:
        speaking = own if name in IDENTIFIERS or not is_known else from_source
        value = deciding_value(name, map(statement_of, speaking))
        if value is not UNSET:
            setattr(told, name, column(name, value))
        elif (name in IDENTIFIERS and _is_of_another(name, account, records)) or (
            is_known and name in Customer.PINNABLE
        ):
            setattr(told, name, default_of_column(name))
    return told


def _is_of_another(name: str, account: Customer, records: Collection[SourceRecord]) -> bool:
    held = getattr(account, name)
    return any(
        record.claims.get(name, {}).get("value") == held and account_of(record) != str(account.pk)
        for record in records
    )
