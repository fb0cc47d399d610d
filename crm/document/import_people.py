"""Import the people of CRM documents: contacts, and their managers at every level."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import UNSET

from crm.document.schema import CrmCustomer, CrmPerson, CrmPersonMetadata, trim
from crm.models import Contact, Person
from customers.bulk import assign_values, create_rows, pieces, sync_rows, update_rows
from customers.ingest.importer import Incoming
from customers.ingest.merged_origins import rows_at_origin
from customers.json_types import to_plain
from customers.typed_ids import to_uuid

#: The fields of a person in `metadata`, without the manager.
METADATA_FIELDS = (
    "type",
    "first_name",
    "last_name",
    "preferred_name",
    "pronoun",
    "title",
    "business_unit",
    "department",
    "email",
    "alias_emails",
    "phone",
    "location",
    "timezone",
    "photo_url",
    "start_date",
    "end_date",
    "bio",
    "social_network",
)
_PERSON_FIELDS = ("name", *METADATA_FIELDS, "related_documents", "manager_id")


def import_people(batch: list[Incoming[CrmCustomer]], reason: str) -> None:
    """Write the people and contacts of each document.

    A person has one row, however many customers they are a contact of. Fields that a document leaves out (managers
    often have only a name) stay unchanged. A person who is no longer a contact is kept.
    """
    listed = [incoming for incoming in batch if incoming.document.poc is not UNSET]
    sent = [
        person
        for incoming in listed
        for contact in incoming.document.poc or []
        for person in _with_managers(contact)
    ]
    people = _save_people(sent, reason)
    wanted = [
        Contact(
            customer=incoming.customer,
            came_with_id=incoming.came_with_id,
            person=people[contact.obfuscated_id],
            position=position,
            imported=True,
        )
        for incoming in listed
        for position, contact in enumerate(incoming.document.poc or [])
    ]
    sync_rows(
        rows_at_origin(Contact.objects.all(), listed),
        wanted,
        key=lambda row: (str(row.customer_id), str(row.person_id)),
        fields=["position"],
        reason=reason,
    )


def _with_managers(person: CrmPerson) -> Iterator[CrmPerson]:
    current: CrmPerson | None = person
    while current is not None:
        yield current
        current = (current.metadata.manager or None) if current.metadata else None


def _save_people(sent: list[CrmPerson], reason: str) -> dict[str, Person]:
    """Create and update the rows of the people; return them by the ID in the document."""
    people = _known_people({person.obfuscated_id for person in sent})
    before = {person.pk: _state(person) for person in people.values()}
    for person in sent:
        people.setdefault(person.obfuscated_id, Person(obfuscated_id=person.obfuscated_id))
    for person in sent:
        _describe(people, person)
    rows = {row.pk: row for row in people.values()}
    create_rows([row for pk, row in rows.items() if pk not in before], reason)
    changed = [row for pk, row in rows.items() if pk in before and before[pk] != _state(row)]
    update_rows(changed, _PERSON_FIELDS, reason)
    return people


def _known_people(ids: Iterable[str]) -> dict[str, Person]:
    """Existing people by the CRM's ID, or by our own: people added here are exported with it."""
    people: dict[str, Person] = {}
    for piece in pieces(ids):
        own = [each for each in piece if to_uuid(each, ("per",)) is not None]
        people |= {str(row.pk): row for row in Person.objects.filter(pk__in=own)}
        people |= {str(row.obfuscated_id): row for row in Person.objects.filter(obfuscated_id__in=piece)}
    return people


def _state(row: Person) -> list[Any]:
    return [getattr(row, name) for name in _PERSON_FIELDS]


def _describe(people: dict[str, Person], person: CrmPerson) -> None:
    row = people[person.obfuscated_id]
    metadata = person.metadata
    assign_values(row, {"name": person.name, "related_documents": person.related_documents})
    if metadata is UNSET:
        return
    # Null metadata empties every field.
    given = metadata or CrmPersonMetadata(**dict.fromkeys((*METADATA_FIELDS, "manager")))
    values = {name: getattr(given, name) for name in METADATA_FIELDS}
    if given.social_network:
        values["social_network"] = [to_plain(trim(network)) for network in given.social_network]
    assign_values(row, values)
    if given.manager is not UNSET and "manager" not in row.pinned_fields:
        row.manager_id = people[given.manager.obfuscated_id].pk if given.manager else None
