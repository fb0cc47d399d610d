"""The words that a customer or a person can be found by in a text, and taking them out of texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from crm.models import Company, Person
from crm.privacy.places import GONE
from customers.ingest.matching import STAND_INS
from customers.models import Address, Business, Customer, PaymentMethod, SourceRecord

#: Shorter values, such as a first name or `1001`, stand in texts about others.
_SHORTEST = 5


def values_of_customers(customer_ids: Iterable[str]) -> set[str]:
    """The names, addresses, numbers and IDs of these customers and of their companies."""
    ids: Any = list(customer_ids)
    found: set[str] = set()
    for model, path, columns in (
        (Customer, "pk", ("name", "email", "phone", "external_id", "stripe_id", "fingerprint")),
        (Company, "customer", ("name", "phone", "profile_url")),
        (Business, "customer", ("name", "company_number", "tax_identifier")),
        (PaymentMethod, "customer", ("phone",)),
        (Address, "customer", ("line1",)),
    ):
        rows = model._default_manager.filter(**{f"{path}__in": ids})
        found |= {value for row in rows.values_list(*columns) for value in row if value}
    for record in SourceRecord.objects.filter(customer__in=ids):
        found |= _values_of_record(record)
    return _long_enough(found)


def values_of_people(people: Iterable[Person]) -> set[str]:
    """The names, addresses and numbers of these people."""
    found = {
        value
        for person in people
        for value in (
            person.name,
            f"{person.first_name} {person.last_name}".strip(),
            person.email,
            *person.alias_emails,
            person.phone,
            person.obfuscated_id,
        )
        if isinstance(value, str)
    }
    return _long_enough(found)


def _values_of_record(record: SourceRecord) -> set[str]:
    bare = record.source_id
    for prefix in STAND_INS:
        bare = bare.removeprefix(prefix)
    signs = record.signs
    return {bare, record.mailbox, *signs.get("names", ()), *signs.get("phones", ())}


def _long_enough(values: Iterable[str]) -> set[str]:
    return {value.strip() for value in values if len(value.strip()) >= _SHORTEST}


class Finder:
    """Finds some values in texts as whole words, whatever their letter case."""

    def __init__(self, values: Iterable[str]) -> None:
        # The longest first, so that of a name inside another the whole one is replaced.
        ordered = sorted(set(values), key=lambda value: (-len(value), value))
        joined = "|".join(map(re.escape, ordered)) or r"(?!)"
        self._pattern = re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE)

    def has(self, text: str) -> bool:
        """Whether the whole text is one of the values."""
        return bool(self._pattern.fullmatch(text.strip()))

    def is_in(self, value: Any) -> bool:
        """Whether a text, or any text inside a JSON value, holds one of the values."""
        return bool(self.without(value) != value)

    def without(self, value: Any) -> Any:
        """The text or JSON value with `Erased` for each of the values."""
        if isinstance(value, str):
            return self._pattern.sub(GONE, value)
        if isinstance(value, list):
            return [self.without(each) for each in value]
        if isinstance(value, dict):
            return {self.without(key): self.without(each) for key, each in value.items()}
        return value
