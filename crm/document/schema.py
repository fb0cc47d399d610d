"""The CRM document: its types, its two key styles, and the rule that empty values are left out.

Input has keys in snake_case or camelCase, even mixed. An absent key (`UNSET`) changes nothing; an empty value (null, a
list or object without items) empties the field. Output leaves empty values out, with all keys in the requested style.
The keys of free-form objects (custom data, document counts, related documents) stay as they are in both directions.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Self, TypeAlias, TypeVar

from msgspec import UNSET, Meta, UnsetType

from billing.document.schema.scalars import NonNegative, Whole
from crm.document.key_case import Case, as_it_came, with_keys
from customers import limits
from customers.json_types import (
    IsoDate,
    JsonDocument,
    Link,
    Number,
    Refused,
    Remark,
    Scalar,
    each_object,
    free_form,
    is_plain_link,
    optional_keys,
    parse,
    within,
)
from customers.json_types import encode as encode_snake
from customers.json_types import to_plain as to_plain_snake
from customers.readings import normalize
from customers.readings.emails import tidy_emails
from customers.readings.links import tidy_links
from customers.readings.mailboxes import domain as read_domain
from customers.readings.normalize import quoted, tidy_texts

PERSON_TYPES = ("FULL_TIME", "CONTRACTOR", "NON_EMPLOYEE", "FORMER_EMPLOYEE")

_PICTURE_DATA = re.compile(r"data:image/(?:png|jpe?g|gif|webp|avif|bmp|x-icon);base64,[A-Za-z0-9+/]*={0,2}")


class Picture(Link, Scalar):
    """A picture: a link, or base64 data of a format that can't contain a script."""

    __slots__ = ()

    SCHEMA: ClassVar[dict[str, Any]] = {"type": "string", "format": "uri-reference"}

    @classmethod
    def from_json(cls, value: object) -> Self:
        if not isinstance(value, str):
            raise ValueError("Expected the link of a picture as a text")
        if not (is_plain_link(value) or _PICTURE_DATA.fullmatch(value)):
            raise ValueError(
                "Expected a link that begins with http:// or https://, or a picture as data:image/png;base64,…"
            )
        return cls(value)

    def to_json(self) -> str:
        return str(self)


Text: TypeAlias = str | UnsetType | None
Texts: TypeAlias = list[str] | UnsetType | None
Date: TypeAlias = IsoDate | UnsetType | None
PersonType: TypeAlias = (
    Annotated[str, Meta(extra_json_schema={"enum": list(PERSON_TYPES)})] | UnsetType | None
)
#: Free-form: a group of documents related to a person, kept as received.
RelatedDocuments: TypeAlias = dict[str, Any]


class CrmSocialNetwork(JsonDocument, kw_only=True):
    """A person's profile at a social network."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("name", "profile_url")

    name: str
    profile_url: Link
    profile_name: Text = UNSET
    icon_url: Picture | UnsetType | None = UNSET


class CrmPersonMetadata(JsonDocument, kw_only=True):
    """A person's directory entry. `manager` is a complete person, with their own manager and so on."""

    type: PersonType = UNSET
    first_name: Text = UNSET
    last_name: Text = UNSET
    title: Text = UNSET
    business_unit: Text = UNSET
    department: Text = UNSET
    email: Text = UNSET
    alias_emails: Texts = UNSET
    location: Text = UNSET
    phone: Text = UNSET
    timezone: Text = UNSET
    photo_url: Picture | UnsetType | None = UNSET
    start_date: Date = UNSET
    end_date: Date = UNSET
    bio: Text = UNSET
    pronoun: Text = UNSET
    preferred_name: Text = UNSET
    social_network: list[CrmSocialNetwork] | UnsetType | None = UNSET
    manager: CrmPerson | UnsetType | None = UNSET


class CrmPerson(JsonDocument, kw_only=True):
    """A person at a company. `obfuscated_id` is their ID in the CRM."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("obfuscated_id",)

    name: str
    obfuscated_id: str
    metadata: CrmPersonMetadata | UnsetType | None = UNSET
    related_documents: list[RelatedDocuments] | UnsetType | None = UNSET


class CrmCompany(JsonDocument, kw_only=True):
    """The company behind a customer."""

    name: str
    profile_url: Link | UnsetType | None = UNSET
    website_urls: list[Link] | UnsetType | None = UNSET
    logo_url: Picture | UnsetType | None = UNSET
    location: Text = UNSET
    phone: Text = UNSET
    fax: Text = UNSET
    industry: Text = UNSET
    annual_revenue: NonNegative | UnsetType | None = UNSET
    number_of_employees: Whole | UnsetType | None = UNSET
    stock_symbol: Text = UNSET
    founded_date: Date = UNSET
    about: Text = UNSET


class CrmCustomDataValue(JsonDocument, kw_only=True):
    """The value and label of a custom field."""

    display_label: Text = UNSET
    string_value: Text = UNSET
    string_list_value: Texts = UNSET
    number_value: Number | UnsetType | None = UNSET
    boolean_value: bool | UnsetType | None = UNSET


class CrmCustomerMetadata(JsonDocument, kw_only=True):
    """The ID that CRM users see, and the custom fields."""

    datasource_id: Text = UNSET
    custom_data: dict[str, CrmCustomDataValue] | UnsetType | None = UNSET


class CrmCustomer(JsonDocument, kw_only=True):
    """A customer company, and the customers merged into it."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)

    id: str
    company: CrmCompany
    domains: Texts = UNSET
    document_counts: dict[str, Whole] | UnsetType | None = UNSET
    poc: list[CrmPerson] | UnsetType | None = UNSET
    metadata: CrmCustomerMetadata | UnsetType | None = UNSET
    merged_customers: list[CrmCustomer] | UnsetType | None = UNSET
    start_date: Date = UNSET
    contract_annual_revenue: NonNegative | UnsetType | None = UNSET
    notes: Text = UNSET


_TRIMMED = frozenset({"id", "obfuscated_id", "datasource_id"})
_LIMITS = dict.fromkeys(("id", "obfuscated_id", "datasource_id", "domains"), limits.IDENTIFIER)
D = TypeVar("D", bound=JsonDocument)


def parse_customer(value: object) -> tuple[CrmCustomer, list[Remark]]:
    """Parse and normalize a value of the strict reader; return the customer, and remarks on what was changed.

    Raises `Refused`, with the path in `value` as received, for the first problem: a wrong type, a missing ID or company
    name, an unknown type of person, a link that could run a script, a customer that is in the document twice, a contact
    that is in a list twice with differences.
    """
    plain = with_keys(CrmCustomer, value, "snake")
    try:
        customer = parse(CrmCustomer, plain)
        remarks = _tidy(customer)
    except Refused as refused:
        raise Refused(as_it_came(refused.path, value), refused.reason) from None
    return customer, [Remark(as_it_came(remark.path, value), remark.text) for remark in remarks]


def trim(document: D) -> D:
    """A copy of `document` with all empty values `UNSET`, so that they are left out of the output.

    Empty are null, an empty text, a list or object without items, and `metadata` without any value. Items of lists and
    of `custom_data` stay even if they become empty, and free-form objects are unchanged.
    """
    kept = {}
    optional = optional_keys(type(document))
    for name in document.__struct_fields__:
        value = _trimmed(getattr(document, name))
        kept[name] = UNSET if name in optional and _is_empty(value) else value
    return type(document)(**kept)


def to_plain(document: CrmCustomer, case: Case = "snake") -> Any:
    """`document` as dicts, lists and scalars, without what is empty, its keys in `case`."""
    plain = to_plain_snake(trim(document))
    return plain if case == "snake" else with_keys(type(document), plain, case)


def encode_customer(document: CrmCustomer, case: Case = "snake") -> bytes:
    """`document` as JSON, without what is empty, its keys in `case`."""
    return encode_snake(trim(document) if case == "snake" else to_plain(document, case))


def _trimmed(value: Any) -> Any:
    if isinstance(value, JsonDocument):
        return trim(value)
    if isinstance(value, list):
        return [trim(item) if isinstance(item, JsonDocument) else item for item in value]
    if isinstance(value, dict):
        return {key: trim(item) if isinstance(item, JsonDocument) else item for key, item in value.items()}
    return value


def _is_empty(value: Any) -> bool:
    if isinstance(value, JsonDocument):
        return all(getattr(value, name) is UNSET for name in value.__struct_fields__)
    return value is None or (isinstance(value, str | list | dict) and not value)


def _tidy(customer: CrmCustomer) -> list[Remark]:
    remarks: list[Remark] = []
    seen: set[str] = set()
    for path, thing in each_object(customer):
        remarks += tidy_emails(path, thing) + tidy_links(path, thing)
        remarks += tidy_texts(path, thing, trimmed=_TRIMMED)
        if isinstance(thing, CrmCustomer):
            remarks += _tidy_customer(path, thing, seen)
        elif isinstance(thing, CrmPerson):
            _tidy_person(path, thing)
        elif isinstance(thing, CrmPersonMetadata):
            remarks += _tidy_type(path, thing)
        elif isinstance(thing, CrmCustomerMetadata):
            for key in thing.custom_data or {}:
                limits.refuse_too_long(within(path, "custom_data", key), key, limits.IDENTIFIER)
    limits.refuse_oversized(customer, _LIMITS)
    for path, thing in each_object(customer):
        if isinstance(thing, CrmPerson):
            remarks += _drop_circular_managers(path, thing)
    for path, thing in each_object(customer):
        if isinstance(thing, CrmCustomer):
            remarks += _drop_repeated_contacts(path, thing)
    return remarks


def _tidy_customer(path: str, customer: CrmCustomer, seen: set[str]) -> list[Remark]:
    if not customer.id:
        raise Refused(within(path, "id"), "A customer must have an id.")
    if not customer.company.name.strip():
        raise Refused(within(path, "company", "name"), "A company must have a name.")
    if customer.id in seen:
        raise Refused(
            within(path, "id"),
            f"{quoted(customer.id)} is in this document twice. Keep one.",
        )
    seen.add(customer.id)
    remarks: list[Remark] = []
    domains: list[str] = []
    for index, text in enumerate(customer.domains or []):
        domain, remark = read_domain(text)
        at = within(path, "domains", index)
        limits.refuse_too_long(at, domain, limits.IDENTIFIER)
        if not domain or domain in domains:
            reason = f"{quoted(domain)} is in the list already" if domain else "This is empty"
            remarks.append(Remark(at, f"{reason}, so it was left out."))
        else:
            domains.append(domain)
            remarks += [Remark(at, remark)] if remark else []
    if customer.domains:
        customer.domains = domains
    return remarks


def _tidy_person(path: str, person: CrmPerson) -> None:
    if not person.obfuscated_id:
        raise Refused(within(path, "obfuscated_id"), "A person must have an id.")
    if person.related_documents:
        try:
            person.related_documents = free_form(person.related_documents)
        except ValueError as problem:
            raise Refused(within(path, "related_documents"), f"{problem}.") from None


def _tidy_type(path: str, metadata: CrmPersonMetadata) -> list[Remark]:
    if not metadata.type:
        return []
    chosen, remark = normalize.choice(metadata.type, PERSON_TYPES)
    if chosen is None:
        raise Refused(
            within(path, "type"), f"{quoted(metadata.type)} is not one of {', '.join(PERSON_TYPES)}."
        )
    metadata.type = chosen
    return [Remark(within(path, "type"), remark)] if remark else []


def _drop_repeated_contacts(path: str, customer: CrmCustomer) -> list[Remark]:
    remarks: list[Remark] = []
    kept: dict[str, CrmPerson] = {}
    for index, person in enumerate(customer.poc or []):
        at = within(path, "poc", index)
        known = kept.setdefault(person.obfuscated_id, person)
        if known is person:
            continue
        repeated = f"{quoted(person.obfuscated_id)} is in this list"
        if known != person:
            raise Refused(within(at, "obfuscated_id"), f"{repeated} twice, with differences. Keep one.")
        remarks.append(Remark(at, f"{repeated} already, so it was left out."))
    if customer.poc:
        customer.poc = list(kept.values())
    return remarks


def _drop_circular_managers(path: str, person: CrmPerson) -> list[Remark]:
    """Cut the chain of managers above `person` where it would repeat a person."""
    below: set[str] = set()
    current: CrmPerson | UnsetType | None = person
    while current:
        below.add(current.obfuscated_id)
        path = within(path, "metadata", "manager")
        metadata = current.metadata
        if not metadata or not metadata.manager:
            return []
        if metadata.manager.obfuscated_id in below:
            text = f"{quoted(metadata.manager.obfuscated_id)} can't be their own manager, so the manager was left out."
            metadata.manager = UNSET
            return [Remark(path, text)]
        current = metadata.manager
    return []
