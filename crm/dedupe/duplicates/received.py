"""Possible duplicates of some customers: those that an import received, or that changed.

A sweep reads all customers, which is too slow after each change. Here only customers that share a mailbox, phone, domain,
device or number with one of them are read and compared. Pairs that share a name alone, or a value with many, wait
for the next sweep, which also knows how common each word is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from django.db.models import Model, QuerySet, Value
from django.db.models.functions import StrIndex, Substr

from crm.dedupe.duplicates.blocking_keys import KeyKind
from crm.dedupe.duplicates.read_profile import read_profiles
from crm.dedupe.duplicates.review import add
from crm.dedupe.duplicates.score import judge
from crm.dedupe.duplicates.suggest import CandidateCrowd
from crm.dedupe.duplicates.sweep import FoundPair, found_pair, to_be_swept
from crm.dedupe.duplicates.weights import DEFAULT_SCORE
from crm.models import Company, Contact, Domain
from customers.bulk import pieces
from customers.models import Business, Customer, SourceRecord
from customers.readings.mailboxes import company_domains, read_host, read_mailbox
from customers.readings.phones import read_phone
from customers.readings.tax_ids import is_placeholder, read_company_number, read_tax_id

#: The most customers that may share a value and still be compared. What more share is little evidence and much work.
_MOST = 4

#: Where values of a kind are: the model, the path to the customer, the column of the value.
_Columns = tuple[tuple[type[Model], str, str], ...]
_COLUMNS: dict[KeyKind, _Columns] = {
    KeyKind.MAILBOX: (
        (Customer, "", "email"),
        (SourceRecord, "customer__", "mailbox"),
        (Contact, "customer__", "person__email"),
    ),
    KeyKind.PHONE: (
        (Customer, "", "phone"),
        (Company, "customer__", "phone"),
        (Contact, "customer__", "person__phone"),
    ),
    KeyKind.DOMAIN: ((Domain, "customer__", "name"), (Customer, "", "host")),
    KeyKind.FINGERPRINT: ((Customer, "", "fingerprint"),),
    KeyKind.TAX_ID: ((Business, "customer__", "tax_identifier"),),
    KeyKind.COMPANY_NUMBER: ((Business, "customer__", "company_number"),),
}


def add_received(since: datetime) -> int:
    """Compare the customers of records that were received since then, and write likely pairs to the queue. Returns the new ones."""
    records = SourceRecord.objects.filter(last_received_at__gte=since)
    return add_for(set(map(str, records.values_list("customer_id", flat=True))))


def add_for(customer_ids: Iterable[str]) -> int:
    """Compare these customers with others, and write likely pairs to the queue. Returns the number of new ones."""
    new = 0
    by_env: dict[str, list[str]] = defaultdict(list)
    for piece in pieces(sorted(customer_ids)):
        current = Customer.objects.current().filter(pk__in=piece)
        for key, env in current.values_list("pk", "env"):
            by_env[env].append(str(key))
    for env, keys in by_env.items():
        for piece in pieces(sorted(keys)):
            found = list(_found_pairs(env, piece))
            new += add(found) if found else 0
    return new


def _found_pairs(env: str, customers: Sequence[str]) -> Iterator[FoundPair]:
    pairs, crowds = _candidates(env, customers)
    wanted = to_be_swept(env).filter(pk__in={pk for pair in pairs for pk in pair})
    profiles = {profile.id: profile for piece in read_profiles(wanted) for profile in piece}
    crowd = CandidateCrowd(profiles.values(), crowds)
    for one, other in sorted(pairs):
        if one in profiles and other in profiles:
            verdict = judge(profiles[one], profiles[other], crowd)
            if verdict.score >= DEFAULT_SCORE:
                yield found_pair(profiles[one], profiles[other], verdict)


def _candidates(
    env: str, customers: Sequence[str]
) -> tuple[set[tuple[str, str]], dict[tuple[KeyKind, str], int]]:
    """The pairs of one of `customers` and another that share a value, and how many share each value."""
    pairs: set[tuple[str, str]] = set()
    crowds: dict[tuple[KeyKind, str], int] = {}
    received = set(customers)
    for kind in _COLUMNS:
        for key, holders in _holders(kind, env, customers).items():
            crowds[kind, key] = len(holders)
            if 1 < len(holders) <= _MOST:
                pairs.update(
                    (min(pair), max(pair))
                    for pair in product(holders & received, holders)
                    if pair[0] != pair[1]
                )
    return pairs, crowds


def _holders(kind: KeyKind, env: str, customers: Sequence[str]) -> dict[str, set[str]]:
    """The customers of `env` with each value of `kind` that one of `customers` has, by the value in one form."""
    values: set[str] = set()
    for model, path, column in _COLUMNS[kind]:
        rows = _rows(model).filter(**{f"{path}pk__in": customers}).values_list(column, flat=True)
        values.update(value for value in rows.iterator() if any(_READ[kind](value or "")))
    holders: dict[str, set[str]] = defaultdict(set)
    for piece in pieces(values):
        for model, path, column in _COLUMNS[kind]:
            current = {f"{path}env": env, f"{path}merged_into": None, f"{path}archived_at": None}
            rows = _rows(model).filter(**{f"{column}__in": piece}, **current)
            for pk, value in rows.values_list(f"{path}pk", column):
                for key in _READ[kind](value):
                    holders[key].add(str(pk))
    return holders


def _rows(model: type[Model]) -> QuerySet[Any]:
    """The rows of a model, and with customers the host of their email address."""
    if model is Customer:
        return Customer.objects.annotate(host=Substr("email", StrIndex("email", Value("@")) + 1))
    return model._default_manager.all()


def _mailbox(value: str) -> Iterable[str]:
    mailbox = read_mailbox(value)
    return [] if mailbox is None else [mailbox.box]


def _tax_id(value: str) -> Iterable[str]:
    tax_id = None if is_placeholder(value) else read_tax_id(value)
    return [] if tax_id is None else [tax_id.number]


_READ: dict[KeyKind, Callable[[str], Iterable[Any]]] = {
    KeyKind.MAILBOX: _mailbox,
    KeyKind.PHONE: lambda value: filter(None, [read_phone(value)]),
    KeyKind.DOMAIN: lambda value: company_domains(read_host(value)),
    KeyKind.FINGERPRINT: lambda value: filter(None, [value.strip()]),
    KeyKind.TAX_ID: _tax_id,
    KeyKind.COMPANY_NUMBER: lambda value: [] if is_placeholder(value) else [read_company_number(value)],
}
