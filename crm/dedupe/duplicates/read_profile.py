"""Read customers as profiles, in pieces."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, Model, OuterRef

from crm.dedupe.duplicates.addresses import Place, read_location, read_place
from crm.dedupe.duplicates.profile import ContactProfile, Profile
from crm.models import Company, Contact, Domain, Person, Relationship
from customers.ingest.matching import STAND_INS
from customers.ingest.precedence import claimed_value
from customers.models import Address, Business, Customer, PaymentMethod, SourceRecord
from customers.models.customer import CustomerQuerySet
from customers.readings.countries import COUNTRY_CODES
from customers.readings.mailboxes import Mailbox, company_domains, read_host, read_mailbox
from customers.readings.names import Name, read_name
from customers.readings.phones import read_phone
from customers.readings.tax_ids import is_placeholder, read_company_number, read_tax_id
from customers.typed_ids import to_uuid

#: Customers in memory at a time.
PIECE = 1000
#: Rows of a list that are read; the others are ignored.
_MOST = 20

_COLUMNS = ("pk", "env", "name", "email", "phone", "external_id", "stripe_id", "fingerprint")


def read_profiles(customers: CustomerQuerySet) -> Iterator[list[Profile]]:
    """The profiles of `customers` by rising ID, one piece at a time. Each piece takes the same number of queries."""
    ordered = customers.order_by("pk")
    piece = list(ordered.values(*_COLUMNS)[:PIECE])
    while piece:
        yield _profiles(piece)
        piece = list(ordered.filter(pk__gt=piece[-1]["pk"]).values(*_COLUMNS)[:PIECE])


def changed_since(ids: Sequence[str], since: datetime) -> set[str]:
    """Which of the customers `ids` were created, changed or received at `since` or later, in any of their rows.

    Changes by people and imports are in the histories, received documents at the source records.
    """
    found: set[Any] = set()
    models: tuple[Any, ...] = (Address, Business, PaymentMethod, Company)
    for model in models:
        changed = model.history.filter(customer_id__in=ids, history_date__gte=since)
        found.update(changed.values_list("customer_id", flat=True))
    customers: Any = Customer
    found.update(customers.history.filter(id__in=ids, history_date__gte=since).values_list("id", flat=True))
    found.update(customers.objects.filter(pk__in=ids, created_at__gte=since).values_list("pk", flat=True))
    people: Any = Person
    changed = people.history.filter(id=OuterRef("person_id"), history_date__gte=since)
    contacts = Contact.objects.filter(Exists(changed), customer_id__in=ids)
    found.update(contacts.values_list("customer_id", flat=True))
    received = SourceRecord.objects.filter(customer_id__in=ids, last_received_at__gte=since)
    found.update(received.values_list("customer_id", flat=True))
    return set(map(str, found))


def _profiles(rows: list[dict[str, Any]]) -> list[Profile]:
    lists = _ListedRows([to_uuid(row["pk"], ("cus",)) for row in rows])
    return [_profile(row, lists) for row in rows]


class _ListedRows:
    """The rows of customers, by customer."""

    def __init__(self, ids: Sequence[UUID | None]) -> None:
        self.addresses = _by_customer(
            Address, ids, "line1", "line2", "city", "postal_code", "country", "is_default"
        )
        self.businesses = _by_customer(Business, ids, "name", "company_number", "tax_identifier", "contacts")
        self.methods = _by_customer(
            PaymentMethod,
            ids,
            "type",
            "brand",
            "last4",
            "exp_month",
            "exp_year",
            "phone",
            "bank_name",
            "country",
        )
        self.companies = _by_customer(Company, ids, "name", "website_urls", "location", "phone")
        self.domains = _by_customer(Domain, ids, "name")
        self.people = _by_customer(
            Contact, ids, "person__name", "person__email", "person__alias_emails", "person__phone"
        )
        self.records = _by_customer(SourceRecord, ids, "source_id", "claims")
        self.relationships = _by_customer(Relationship, ids, "crm_id")


def _by_customer(
    model: type[Model], ids: Sequence[UUID | None], *columns: str
) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    found = model._default_manager.filter(customer__in=ids).order_by("pk")
    for row in found.values("customer_id", *columns).iterator():
        kept = rows[row["customer_id"]]
        if len(kept) < _MOST:
            kept.append(row)
    return rows


def _profile(row: dict[str, Any], lists: _ListedRows) -> Profile:
    pk = row["pk"]
    addresses = sorted(lists.addresses[pk], key=lambda address: not address["is_default"])
    companies, records = lists.companies[pk], lists.records[pk]
    claims = [record["claims"] for record in records]
    places = _once([*map(_place, addresses), *(read_location(each["location"]) for each in companies)])
    region = next((place.country for place in places if place.country in COUNTRY_CODES), "")
    mailboxes = _mailboxes([row["email"], *(_text(claimed_value(claim, "email")) for claim in claims)])
    phones = [row["phone"], *(each["phone"] for each in companies)]
    phones += [method["phone"] for method in lists.methods[pk]]
    contacts = _contacts(lists, pk, region)
    return Profile(
        id=pk,
        env=row["env"],
        ids=_ids(row, records, lists.relationships[pk]),
        names=_names(row["name"], claims, companies, lists.businesses[pk]),
        mailboxes=mailboxes,
        phones=_phones(phones, region),
        fingerprint=row["fingerprint"].strip(),
        named_elsewhere=tuple(
            f"{words}:{row[column]}"
            for column, words in (("external_id", "external ID"), ("stripe_id", "Stripe ID"))
            if row[column]
        ),
        tax_ids=_once(
            read_tax_id(business["tax_identifier"], region)
            for business in lists.businesses[pk]
            if business["tax_identifier"] and not is_placeholder(business["tax_identifier"])
        ),
        company_numbers=_once(
            read_company_number(business["company_number"])
            for business in lists.businesses[pk]
            if not is_placeholder(business["company_number"])
        ),
        domains=_domains(mailboxes, lists.domains[pk], companies, contacts),
        places=places,
        contacts=contacts,
        methods=_once(map(method_mark, lists.methods[pk])),
    )


def method_mark(method: dict[str, Any]) -> str:
    """Identifies a payment method by its display facts. Empty if they do not suffice."""
    if method["type"] == "mobile_money":
        return read_phone(method["phone"])
    if method["type"] == "card" and method["last4"] and method["exp_year"]:
        facts = (method["brand"].casefold(), method["last4"], method["exp_month"], method["exp_year"])
    elif method["type"] == "bank_account" and method["last4"] and method["bank_name"]:
        facts = (method["bank_name"].casefold(), method["last4"], method["country"], "")
    else:
        return ""
    return " ".join(map(str, facts)).strip()


def _ids(
    row: dict[str, Any], records: list[dict[str, Any]], relationships: list[dict[str, Any]]
) -> tuple[str, ...]:
    sources = (record["source_id"] for record in records if not record["source_id"].startswith(STAND_INS))
    crm = (relationship["crm_id"] for relationship in relationships)
    known = (row["pk"], row["external_id"], row["stripe_id"], *sources, *crm)
    return tuple(dict.fromkeys(each for each in known if each))


def _names(
    own: str,
    claims: list[dict[str, Any]],
    companies: list[dict[str, Any]],
    businesses: list[dict[str, Any]],
) -> tuple[Name, ...]:
    organizations = [each["name"] for each in (*companies, *businesses) if each["name"]]
    texts = [own, *(_text(claimed_value(claim, "name")) for claim in claims)]
    found = [
        read_name(text, is_company=text in organizations and _is_not_a_person(text))
        for text in dict.fromkeys(texts)
        if text
    ]
    found += [read_name(text, is_company=True) for text in dict.fromkeys(organizations) if text not in texts]
    kept: dict[tuple[str, ...], Name] = {}
    for name in found:
        if name is not None:
            kept.setdefault(name.words, name)
    return tuple(kept.values())


def _is_not_a_person(text: str) -> bool:
    """Whether `text` is not the name of a person. Only then does a business profile of that name mean a company."""
    name = read_name(text)
    return name is None or name.kind != "person"


def _place(address: dict[str, Any]) -> Place:
    return read_place(
        line1=address["line1"],
        line2=address["line2"],
        city=address["city"],
        postal=address["postal_code"],
        country=address["country"],
    )


def _mailboxes(texts: Iterable[str]) -> tuple[Mailbox, ...]:
    kept: dict[str, Mailbox] = {}
    for text in texts:
        mailbox = read_mailbox(text) if text else None
        if mailbox is not None:
            kept.setdefault(mailbox.box, mailbox)
    return tuple(kept.values())


def _phones(texts: Iterable[str], region: str) -> tuple[str, ...]:
    return _once(read_phone(text, region) for text in texts if text)


def _contacts(lists: _ListedRows, pk: str, region: str) -> tuple[ContactProfile, ...]:
    found = [
        ContactProfile(
            read_name(person["person__name"]),
            _mailboxes([person["person__email"], *map(_text, person["person__alias_emails"] or [])]),
            _phones([person["person__phone"]], region),
        )
        for person in lists.people[pk]
    ]
    for business in lists.businesses[pk]:
        listed = business["contacts"] if isinstance(business["contacts"], list) else []
        for contact in listed[:_MOST]:
            if isinstance(contact, dict):
                name, email = _text(contact.get("name")), _text(contact.get("email"))
                found.append(ContactProfile(read_name(name) if name else None, _mailboxes([email])))
    return _once(found)


def _domains(
    mailboxes: tuple[Mailbox, ...],
    domains: list[dict[str, Any]],
    companies: list[dict[str, Any]],
    contacts: tuple[ContactProfile, ...],
) -> tuple[str, ...]:
    websites = [_text(url) for company in companies for url in company["website_urls"] or []]
    own = [*(read_host(domain["name"]) for domain in domains), *map(read_host, websites)]
    hosts = [mailbox.host for mailbox in mailboxes] + own
    if not any(map(company_domains, hosts)):
        hosts = [mailbox.host for contact in contacts for mailbox in contact.mailboxes]
    return tuple(dict.fromkeys(domain for host in hosts for domain in company_domains(host)))[:_MOST]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _once(values: Iterable[Any]) -> tuple[Any, ...]:
    """Non-empty values, each once."""
    return tuple(dict.fromkeys(value for value in values if value))
