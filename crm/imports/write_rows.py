"""Write what tables say beside the columns of customers: as a user would add it, in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Model
from msgspec import UNSET

from crm.document.import_people import METADATA_FIELDS
from crm.document.importer import CUSTOM_FIELD_VALUES
from crm.document.reported import COMPANY_FIELDS, company_values, relationship_values
from crm.document.schema import CrmPerson
from crm.imports.document import FileCustomer, parse_file_customer
from crm.imports.field_values import write_field_values
from crm.imports.owners import Users
from crm.models import (
    Company,
    Contact,
    CustomerTag,
    CustomField,
    Domain,
    Note,
    Person,
    Relationship,
    Tag,
    Task,
)
from customers.bulk import create_rows, update_rows
from customers.configuration.table import DEFAULT_CURRENCY
from customers.configuration.values import value_of
from customers.document.importer import POSTAL_FIELDS
from customers.ingest.importer import Incoming
from customers.ingest.reader import read_value
from customers.json_types import Remark
from customers.models import Address, Business, ReceivedPayload, SourceRecord

_DETAILS = ("start_date", "contract_annual_revenue")
_LONGEST_TAG = 50
_LONGEST_TITLE = 255
#: How the remark on a customer that keeps its account manager ends.
OWNER_STAYS = "who stays."
Batch = Sequence[Incoming[FileCustomer]]


class _Held:
    """The rows of one model that the customers of a batch have."""

    def __init__(self, model: type[Model], batch: Batch, related: str = "") -> None:
        rows: Any = model._default_manager.filter(customer__in=[each.customer for each in batch])
        self._rows: dict[str, list[Any]] = defaultdict(list)
        for row in rows.select_related(related) if related else rows:
            self._rows[str(row.customer_id)].append(row)

    def of(self, incoming: Incoming[FileCustomer]) -> list[Any]:
        return self._rows[str(incoming.customer.pk)]

    def one(self, incoming: Incoming[FileCustomer]) -> Any:
        return next(iter(self.of(incoming)), None)


def write_rows(batch: Batch, source: str, reason: str, *, by: Any, replaces_owners: bool) -> None:
    """Write the other rows of a batch. What a platform or a user entered stays; a remark says what was left alone."""
    before = _earlier(batch, source)
    _addresses(batch, source, reason)
    _businesses(batch, source, reason)
    _companies(batch, before, reason)
    _details(batch, before, reason, replaces_owners)
    _domains(batch, reason)
    _custom_fields(batch, before, reason)
    write_field_values(batch, before, reason)
    _people(batch, before, reason)
    _tags(batch, reason, by)
    _notes(batch, before, reason, by)
    _tasks(batch, before, reason, by)


def _earlier(batch: Batch, source: str) -> Mapping[str, FileCustomer]:
    """What the latest file said before, by the ID of the record."""
    known = SourceRecord.objects.filter(
        source=source, env="live", source_id__in=[each.document.id for each in batch]
    )
    payloads = ReceivedPayload.objects.latest_of(list(known)).values_list("record__source_id", "text")
    return {key: parse_file_customer(read_value(text))[0] for key, text in payloads}


def _is_ours(held: Any, said: Any) -> bool:
    """Whether a value may be replaced: it is empty, or an earlier file said it."""
    empty = held is None or held in ("", [], {})
    return empty or (said is not UNSET and said is not None and held == said)


def _fill(row: Any, values: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Set the columns of `row` that the file says and that are its own; return whether any differed."""
    changed = False
    locked = getattr(row, "pinned_fields", ())
    for name, value in values.items():
        if value is UNSET or value is None or value == "" or name in locked:
            continue
        held = getattr(row, name)
        if held != value and _is_ours(held, earlier.get(name, UNSET)):
            setattr(row, name, value)
            changed = True
    return changed


def _postal(document: FileCustomer) -> dict[str, str]:
    address = document.payments.address
    if not address:
        return {}
    values = {name: getattr(address, name) or "" for name in POSTAL_FIELDS}
    return values if any(values.values()) else {}


def _addresses(batch: Batch, source: str, reason: str) -> None:
    held = _Held(Address, batch)
    new, changed = [], []
    for incoming in batch:
        postal = _postal(incoming.document)
        rows = held.of(incoming)
        if not postal or any(_says_all(row, postal) for row in rows):
            continue
        own_id = f"{source} {incoming.document.id}"[:255]
        own = next((row for row in rows if row.source_id == own_id), None)
        if own is not None:
            for name, value in postal.items():
                setattr(own, name, value)
            changed.append(own)
        else:
            is_default = not any(row.is_default and row.came_with_id is None for row in rows)
            new.append(
                Address(
                    customer=incoming.customer,
                    source_id=own_id,
                    position=len(rows),
                    is_default=is_default,
                    **postal,
                )
            )
    update_rows(changed, POSTAL_FIELDS, reason)
    create_rows(new, reason)


def _says_all(row: Address, postal: Mapping[str, str]) -> bool:
    """Whether an address says all that the file does."""
    return all(
        not value or getattr(row, name).casefold() == value.casefold() for name, value in postal.items()
    )


def _businesses(batch: Batch, source: str, reason: str) -> None:
    held = _Held(Business, batch)
    names = ("name", "tax_identifier", "company_number")
    new, changed = [], []
    for incoming in batch:
        sent = next(iter(incoming.document.payments.businesses or ()), None)
        if sent is None:
            continue
        values = {name: getattr(sent, name) or "" for name in names}
        own_id = f"{source} {incoming.document.id}"[:255]
        own = next((row for row in held.of(incoming) if row.source_id == own_id), None)
        same = [
            row
            for row in held.of(incoming)
            if all(not values[name] or getattr(row, name) == values[name] for name in names[1:])
        ]
        if own is not None and any(values[name] and getattr(own, name) != values[name] for name in names):
            for name in filter(values.get, names):
                setattr(own, name, values[name])
            changed.append(own)
        elif own is None and not same:
            new.append(
                Business(
                    customer=incoming.customer, source_id=own_id, position=len(held.of(incoming)), **values
                )
            )
    update_rows(changed, names, reason)
    create_rows(new, reason)


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (UNSET, None, "")}


def _companies(batch: Batch, before: Mapping[str, FileCustomer], reason: str) -> None:
    held = _Held(Company, batch)
    new, changed = [], []
    for incoming in batch:
        values = _given(company_values(incoming.document.crm))
        row = held.one(incoming)
        if not values:
            continue
        if row is None:
            row = Company(customer=incoming.customer, name=incoming.customer.name)
            _fill(row, values, {"name": row.name})
            new.append(row)
        else:
            said = before.get(incoming.document.id)
            if _fill(row, values, company_values(said.crm) if said else {}):
                changed.append(row)
    create_rows(new, reason)
    update_rows(changed, COMPANY_FIELDS, reason)


def _details(batch: Batch, before: Mapping[str, FileCustomer], reason: str, replaces_owners: bool) -> None:
    held = _Held(Relationship, batch)
    users = Users()
    new, changed = [], []
    for incoming in batch:
        document = incoming.document
        values = {
            name: value for name, value in relationship_values(document.crm).items() if name in _DETAILS
        }
        row = held.one(incoming)
        is_new = row is None
        if row is None:
            row = Relationship(customer=incoming.customer, currency=value_of(DEFAULT_CURRENCY))
        said = before.get(document.id)
        differs = _fill(row, values, relationship_values(said.crm) if said else {})
        differs |= _set_owner(incoming, row, users, replaces_owners)
        if is_new and (differs or _has_account(document)):
            new.append(row)
        elif differs and not is_new:
            changed.append(row)
    create_rows(new, reason)
    update_rows(changed, (*_DETAILS, "owner"), reason)


def _has_account(document: FileCustomer) -> bool:
    """Whether the record says anything that belongs to the account details of a customer."""
    crm = document.crm
    return bool(crm.poc or crm.domains or crm.metadata or _given(company_values(crm)))


def _set_owner(incoming: Incoming[FileCustomer], row: Relationship, users: Users, replaces: bool) -> bool:
    named = incoming.document.owner
    if not named:
        return False
    user = users.named(named)
    if user is None:
        text = f"No user is called “{named[:80]}”. The account manager stays."
        incoming.remarks.append(Remark("$.owner", text))
        return False
    if row.owner_id == user.pk:
        return False
    if row.owner_id is not None and not replaces:
        text = f"The customer has another account manager than “{named[:80]}”, {OWNER_STAYS}"
        incoming.remarks.append(Remark("$.owner", text))
        return False
    row.owner = user
    return True


def _domains(batch: Batch, reason: str) -> None:
    held = _Held(Domain, batch)
    new = []
    for incoming in batch:
        known = {row.name for row in held.of(incoming)}
        wanted = [name for name in dict.fromkeys(incoming.document.crm.domains or ()) if name not in known]
        new += [
            Domain(customer=incoming.customer, name=name, position=len(known) + place)
            for place, name in enumerate(wanted)
        ]
    create_rows(new, reason)


def _custom(document: FileCustomer | None) -> Mapping[str, Any]:
    metadata = document.crm.metadata if document else None
    return (metadata.custom_data or {}) if metadata else {}


def _custom_fields(batch: Batch, before: Mapping[str, FileCustomer], reason: str) -> None:
    held = _Held(CustomField, batch)
    new, changed = [], []
    for incoming in batch:
        rows = {row.key: row for row in held.of(incoming)}
        earlier = _custom(before.get(incoming.document.id))
        for key, sent in _custom(incoming.document).items():
            values = {
                name: getattr(sent, name) for name in CUSTOM_FIELD_VALUES if getattr(sent, name) is not UNSET
            }
            if key not in rows:
                new.append(CustomField(customer=incoming.customer, key=key, position=len(rows), **values))
                rows[key] = new[-1]
            elif key in earlier and _fill(
                rows[key], values, _given(_slots(earlier[key], CUSTOM_FIELD_VALUES))
            ):
                changed.append(rows[key])
    create_rows(new, reason)
    update_rows(changed, CUSTOM_FIELD_VALUES, reason)


def _slots(thing: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in names}


def _person_values(person: CrmPerson) -> dict[str, Any]:
    metadata = person.metadata
    values = _slots(metadata, METADATA_FIELDS) if metadata else {}
    return _given({"name": person.name, **values})


def _people(batch: Batch, before: Mapping[str, FileCustomer], reason: str) -> None:
    held = _Held(Contact, batch, "person")
    known = _people_by_email(batch)
    new_people: list[Person] = []
    new_contacts: list[Contact] = []
    changed: dict[Any, Person] = {}
    for incoming in batch:
        contacts = list(held.of(incoming))
        earlier = before.get(incoming.document.id)
        said = {each.obfuscated_id: each for each in (earlier.crm.poc or () if earlier else ())}
        for sent in incoming.document.crm.poc or ():
            values = _person_values(sent)
            email = values.get("email", "").casefold()
            person = next((row.person for row in contacts if _is_same(row.person, values)), None)
            if person is not None:
                same = said.get(sent.obfuscated_id)
                if _fill(person, values, _person_values(same) if same else {}) and not person._state.adding:
                    changed[person.pk] = person
                continue
            person = known.get(email) if email else None
            if person is None:
                person = Person(**values)
                new_people.append(person)
                if email:
                    known[email] = person
            contact = Contact(customer=incoming.customer, person=person, position=len(contacts))
            contacts.append(contact)
            new_contacts.append(contact)
    create_rows(new_people, reason)
    update_rows(list(changed.values()), ("name", *METADATA_FIELDS), reason)
    create_rows(new_contacts, reason)


def _is_same(person: Person, values: Mapping[str, Any]) -> bool:
    """Whether a contact of the customer is the person that a row describes: by email, else by name."""
    email = str(values.get("email", "")).casefold()
    if email and person.email:
        return person.email.casefold() == email or email in map(str.casefold, person.alias_emails)
    return person.name.casefold() == str(values.get("name", "")).casefold()


def _people_by_email(batch: Batch) -> dict[str, Person]:
    emails = {
        person.metadata.email
        for incoming in batch
        for person in incoming.document.crm.poc or ()
        if person.metadata and person.metadata.email
    }
    found = Person.objects.filter(email__in=[*emails, *map(str.lower, emails)]).order_by("-pk")
    return {row.email.casefold(): row for row in found}


def _tags(batch: Batch, reason: str, by: Any) -> None:
    named = {
        name.strip()[:_LONGEST_TAG]: None
        for incoming in batch
        for name in incoming.document.tags or ()
        if name.strip()
    }
    if not named:
        return
    tags = {tag.name.casefold(): tag for tag in Tag.objects.all()}
    missing = {name.casefold(): Tag(name=name) for name in named if name.casefold() not in tags}
    create_rows(list(missing.values()), reason)
    tags |= missing
    held = _Held(CustomerTag, batch)
    new = []
    for incoming in batch:
        known = {row.tag_id for row in held.of(incoming)}
        wanted = [
            tags[name.strip()[:_LONGEST_TAG].casefold()]
            for name in incoming.document.tags or ()
            if name.strip()
        ]
        missing = {tag.pk: tag for tag in wanted if tag.pk not in known}
        new += [CustomerTag(customer=incoming.customer, tag=tag, given_by=by) for tag in missing.values()]
    create_rows(new, reason)


def _notes(batch: Batch, before: Mapping[str, FileCustomer], reason: str, by: Any) -> None:
    new = []
    for incoming in batch:
        earlier = before.get(incoming.document.id)
        said = set(earlier.notes or ()) if earlier else set()
        new += [
            Note(customer=incoming.customer, body=text, author=by)
            for text in dict.fromkeys(incoming.document.notes or ())
            if text not in said
        ]
    create_rows(new, reason, by=by)


def _tasks(batch: Batch, before: Mapping[str, FileCustomer], reason: str, by: Any) -> None:
    """Add a task for each text that an earlier file of this source didn't have, for the account manager."""
    wanted = [incoming for incoming in batch if incoming.document.tasks]
    if not wanted:
        return
    found = Relationship.objects.filter(customer__in=[each.customer for each in wanted])
    owners = {str(customer): owner for customer, owner in found.values_list("customer", "owner")}
    new = []
    for incoming in wanted:
        earlier = before.get(incoming.document.id)
        said = set(earlier.tasks or ()) if earlier else set()
        for text in dict.fromkeys(incoming.document.tasks or ()):
            if text in said:
                continue
            title, rest = text[:_LONGEST_TITLE], text[_LONGEST_TITLE:]
            owner = owners.get(str(incoming.customer.pk))
            new.append(
                Task(customer=incoming.customer, title=title, body=rest, owner_id=owner, created_by=by)
            )
    create_rows(new, reason, by=by)
