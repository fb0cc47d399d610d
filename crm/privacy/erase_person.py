"""Erase one person of a customer: their row, and their names and addresses in all that is held of the customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from crm.models import Activity, Contact, Person
from crm.privacy.erase import CannotErase, check_survivor, lock_family, remember
from crm.privacy.personal_words import Finder, values_of_people
from crm.privacy.places import PLACES, SEARCHED, Place
from crm.privacy.rows import (
    Erased,
    delete_exports,
    delete_files,
    delete_people,
    delete_rows,
    overwrite_deleted_pages,
    replace_words,
    search,
)
from customers import clock
from customers.audit.record import audit
from customers.ingest.engine import wait_for_other_imports
from customers.ingest.erased_people import normal
from customers.logs import log_event
from customers.models import AuditAction, Business, Customer, ErasedRecord, Erasure, SourceRecord
from customers.typed_ids import new_typed_id, to_uuid


@transaction.atomic
def erase_person(customer: Customer, whom: str, reason: str, done_by: str) -> Erased:
    """Erase a person of a customer, and of all that were merged into it. All or nothing.

    `whom` is the person's ID, ID in the CRM, or email address. Their names, addresses and numbers are taken out of all
    that is held of the customer, and out of documents that arrive later. A person who is a contact of another customer
    too stays there.

    Raises `CannotErase` if the customer was merged or erased, or nobody of it is called so.
    """
    wait_for_other_imports()
    overwrite_deleted_pages()
    family = lock_family(customer)
    check_survivor(family[0])
    ids: Any = [str(each.pk) for each in family]
    people = _people(ids, whom)
    values = values_of_people(people) | _of_business_contacts(ids, whom)
    if not people and not values:
        raise CannotErase("The customer has no person with this ID or email address.")
    person_id = str(people[0].pk) if people else new_typed_id("per")
    erasure = Erasure.objects.create(
        customer_id=str(family[0].pk), person_id=person_id, reason=reason, done_by=done_by
    )
    done = Erased(erasure, remains_at=_elsewhere(people, ids))
    records = SourceRecord.objects.filter(Q(customer__in=ids) | Q(came_with__in=ids))
    remember(
        erasure, ErasedRecord.Kind.KEPT_RECORD, {(each.source, each.env, each.source_id) for each in records}
    )
    remember(erasure, ErasedRecord.Kind.VALUE, {(normal(value),) for value in values})
    _delete_contacts(done, people, ids)
    if not done.remains_at:
        keys = [person.pk for person in people]
        Activity.objects.filter(person__in=keys).update(person=None)
        Person.objects.filter(manager__in=keys).update(manager=None)
        delete_people(done, people)
    words = Finder(values)
    for place in PLACES:
        replace_words(done, place, ids, words)
    for searched in SEARCHED:
        search(done, searched, words)
    delete_exports(done, set(ids))
    delete_files(done, ids)
    erasure.finished_at = clock.now()
    erasure.save(update_fields=["finished_at"])
    audit(
        AuditAction.ERASED,
        str(family[0].pk),
        str(erasure.pk),
        details={"reason": reason},
        person_id=person_id,
    )
    log_event("person_erased", customer=str(family[0].pk), person=person_id)
    return done


def _people(customer_ids: Any, whom: str) -> list[Person]:
    """The people of the customers who are called so, former contacts too."""
    contacts: Any = Contact
    former = contacts.history.filter(customer__in=customer_ids).values("person_id")
    named = Q(obfuscated_id=whom)
    if to_uuid(whom, ("per",)) is not None:
        named |= Q(pk=whom)
    of_customer = Q(contacts__customer__in=customer_ids) | Q(pk__in=former)
    found = Person.objects.filter(of_customer).distinct().order_by("pk")
    by_email = [person.pk for person in found if "@" in whom and Finder([whom]).is_in(_emails(person))]
    return list(found.filter(named | Q(pk__in=by_email)))


def _emails(person: Person) -> list[Any]:
    return [person.email, *person.alias_emails]


def _of_business_contacts(customer_ids: Any, whom: str) -> set[str]:
    """The names and addresses of people whom only a business profile names."""
    if "@" not in whom:
        return set()
    found: set[str] = set()
    for contacts in Business.objects.filter(customer__in=customer_ids).values_list("contacts", flat=True):
        for contact in contacts or ():
            if isinstance(contact, dict) and str(contact.get("email", "")).casefold() == whom.casefold():
                found |= {str(value) for value in contact.values() if value}
    return found


def _elsewhere(people: Sequence[Person], customer_ids: Any) -> list[str]:
    """Other customers that have one of the people as a contact, or as the manager of one."""
    keys = [person.pk for person in people]
    theirs = Contact.objects.filter(Q(person__in=keys) | Q(person__manager__in=keys))
    others = theirs.exclude(customer__in=customer_ids).order_by("customer").distinct()
    return [str(key) for key in others.values_list("customer", flat=True)]


def _delete_contacts(done: Erased, people: Sequence[Person], customer_ids: Any) -> None:
    keys = [person.pk for person in people]
    contacts: Any = Contact
    history = contacts.history.filter(person__in=keys, customer__in=customer_ids).order_by()
    rows = Contact.objects.filter(person__in=keys, customer__in=customer_ids).order_by()
    delete_rows(done, Place(Contact), rows, history)
