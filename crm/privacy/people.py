"""People who are known through one customer alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crm.models import Contact, Person

_CONTACTS: Any = Contact


def people_of(customer_ids: Sequence[str]) -> list[Person]:
    """The people who are, or were, contacts of these customers and of no others, with their managers alike."""
    ids: Any = list(customer_ids)
    history: Any = _CONTACTS.history
    named = set(history.filter(customer__in=ids).values_list("person_id", flat=True))
    named |= set(Contact.objects.filter(customer__in=ids).values_list("person_id", flat=True))
    found = {str(key) for key in named}
    # A manager goes if nobody else reports to them.
    while managers := _managers_of(found) - found:
        found |= managers
    while others := _needed_elsewhere(found, ids):
        found -= others
    return list(Person.objects.filter(pk__in=found).order_by("pk"))


def _managers_of(people: Iterable[str]) -> set[str]:
    found = Person.objects.filter(pk__in=list(people)).exclude(manager=None)
    return {str(key) for key in found.values_list("manager_id", flat=True)}


def _needed_elsewhere(people: set[str], customer_ids: Any) -> set[str]:
    """Those of the people who are contacts of other customers, or managers of people who stay."""
    elsewhere = Contact.objects.filter(person__in=list(people)).exclude(customer__in=customer_ids)
    led = Person.objects.filter(manager__in=list(people)).exclude(pk__in=list(people))
    keys = {*elsewhere.values_list("person_id", flat=True), *led.values_list("manager_id", flat=True)}
    return {str(key) for key in keys}
