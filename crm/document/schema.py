"""The CRM document: its types, its two key styles, and the rule that empty values are left out.

Input has keys in snake_case or camelCase, even mixed. An absent key (`UNSET`) changes nothing; an empty value (null, a
list or object without items) empties the field. Output leaves empty values out, with all keys in the requested style.
The keys of free-form objects (custom data, document counts, related documents) stay as they are in both directions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self, TypeAlias, TypeVar

from msgspec import UNSET, Meta, UnsetType

from billing.document.schema.scalars import NonNegative, Whole
from customers import limits
from customers.json_types import (
    IsoDate,
    JsonDocument,
    Link,
    Number,
    Refused,
    Remark,
    RemarkKind,
    Scalar,
    each_object,
    free_form,
    is_plain_link,
    optional_keys,
    parse_tolerantly,
    within,
)
from customers.json_types import encode as encode_snake
from customers.json_types import to_plain as to_plain_snake
from customers.json_types.keys import Case, has_camel_keys, in_snake_case, with_keys
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
    """A person at a company. `obfuscated_id` is their ID in the CRM: without it, the person is left out."""

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": ""}

    IDENTITY: ClassVar[tuple[str, ...]] = ("obfuscated_id",)

    name: str
    obfuscated_id: Annotated[str, Meta(min_length=1)]
    metadata: CrmPersonMetadata | UnsetType | None = UNSET
    related_documents: list[RelatedDocuments] | UnsetType | None = UNSET


class CrmCompany(JsonDocument, kw_only=True):
    """The company behind a customer."""

    DEFAULTS: ClassVar[Mapping[str, Any]] = {"name": ""}

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
    DEFAULTS: ClassVar[Mapping[str, Any]] = {"company": {"name": ""}}

    id: Annotated[str, Meta(min_length=1)]
    company: CrmCompany
    domains: Texts = UNSET
    document_counts: dict[str, Whole] | UnsetType | None = UNSET
    poc: list[CrmPerson] | UnsetType | None = UNSET
    metadata: CrmCustomerMetadata | UnsetType | None = UNSET
    merged_customers: list[CrmCustomer] | UnsetType | None = UNSET
    start_date: Date = UNSET
    contract_annual_revenue: NonNegative | UnsetType | None = UNSET
    notes: Text = UNSET


#: As long as the column of a person's type.
_LONGEST_TYPE = 20
_TRIMMED = frozenset({"id", "obfuscated_id", "datasource_id"})
_LIMITS = dict.fromkeys(("id", "obfuscated_id", "datasource_id", "domains"), limits.IDENTIFIER)
D = TypeVar("D", bound=JsonDocument)


def parse_customer(value: object) -> tuple[CrmCustomer, list[Remark]]:
    """Parse and normalize a value of the strict reader; return the customer, and remarks on what was changed.

    What can't be read is left empty, with a remark. Raises `Refused`, with the path in `value` as received, for a
    customer without ID and for a text that is too long.
    """
    if has_camel_keys(CrmCustomer, value):
        return in_snake_case(CrmCustomer, value, parse_customer)
    reading = parse_tolerantly(CrmCustomer, value)
    return reading.document, reading.with_later(_tidy(reading.document))


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
    for path, thing in each_object(customer):
        remarks += tidy_emails(path, thing) + tidy_links(path, thing)
        remarks += tidy_texts(path, thing, trimmed=_TRIMMED)
        if isinstance(thing, CrmCustomer):
            remarks += _tidy_domains(path, thing)
        elif isinstance(thing, CrmPerson):
            remarks += _tidy_related_documents(path, thing)
        elif isinstance(thing, CrmPersonMetadata):
            remarks += _tidy_type(path, thing)
        elif isinstance(thing, CrmCustomerMetadata):
            for key in thing.custom_data or {}:
                limits.refuse_too_long(within(path, "custom_data", key), key, limits.IDENTIFIER)
    limits.refuse_oversized(customer, _LIMITS)
    if not customer.id:
        raise Refused("$.id", "A customer must have an id.")
    for path, thing in each_object(customer):
        if isinstance(thing, CrmPerson):
            remarks += _drop_circular_managers(path, thing)
    seen = {customer.id}
    for path, thing in each_object(customer):
        if isinstance(thing, CrmCustomer):
            remarks += _drop_repeated_contacts(path, thing) + _drop_repeated_customers(path, thing, seen)
    return remarks


def _tidy_domains(path: str, customer: CrmCustomer) -> list[Remark]:
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


def _tidy_related_documents(path: str, person: CrmPerson) -> list[Remark]:
    if not person.related_documents:
        return []
    try:
        person.related_documents = free_form(person.related_documents)
    except ValueError as problem:
        person.related_documents = UNSET
        at = within(path, "related_documents")
        return [Remark(at, f"{problem}. It was left empty.", RemarkKind.UNREADABLE)]
    return []


def _tidy_type(path: str, metadata: CrmPersonMetadata) -> list[Remark]:
    """A type that we don't know is kept, as far as there is room for it: the CRM may have more types than we know."""
    if not metadata.type:
        return []
    at = within(path, "type")
    chosen, remark = normalize.choice(metadata.type, PERSON_TYPES)
    if chosen is not None:
        metadata.type = chosen
        return [Remark(at, remark)] if remark else []
    text = f"{quoted(metadata.type)} is not one of {', '.join(PERSON_TYPES)}."
    is_kept = len(metadata.type) <= _LONGEST_TYPE
    metadata.type = metadata.type if is_kept else None
    end = "It was kept." if is_kept else "It was left empty."
    return [Remark(at, f"{text} {end}", RemarkKind.UNKNOWN_WORD)]


def _drop_repeated_contacts(path: str, customer: CrmCustomer) -> list[Remark]:
    remarks: list[Remark] = []
    kept: dict[str, CrmPerson] = {}
    for index, person in enumerate(customer.poc or []):
        at = within(path, "poc", index)
        if not person.obfuscated_id:
            text = "A person must have an id. The person was left out."
            remarks.append(Remark(within(at, "obfuscated_id"), text, RemarkKind.UNREADABLE))
            continue
        known = kept.setdefault(person.obfuscated_id, person)
        if known is not person:
            differs = " with other values" if known != person else ""
            text = f"{quoted(person.obfuscated_id)} is in this list already{differs}, so it was left out."
            remarks.append(Remark(at, text))
    if customer.poc:
        customer.poc = list(kept.values())
    return remarks


def _drop_repeated_customers(path: str, customer: CrmCustomer, seen: set[str]) -> list[Remark]:
    """Leave out merged customers without an ID, and those that the document has already, as itself or elsewhere."""
    remarks: list[Remark] = []
    kept: list[CrmCustomer] = []
    for index, merged in enumerate(customer.merged_customers or []):
        at = within(path, "merged_customers", index, "id")
        if not merged.id:
            text = "A customer must have an id. The customer was left out."
            remarks.append(Remark(at, text, RemarkKind.UNREADABLE))
        elif merged.id in seen:
            text = f"{quoted(merged.id)} is in this document already, so it was left out."
            remarks.append(Remark(at, text))
        else:
            seen.add(merged.id)
            kept.append(merged)
    if customer.merged_customers:
        customer.merged_customers = kept
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
        if not metadata.manager.obfuscated_id:
            metadata.manager = UNSET
            text = "A person must have an id. The manager was left out."
            return [Remark(within(path, "obfuscated_id"), text, RemarkKind.UNREADABLE)]
        if metadata.manager.obfuscated_id in below:
            text = f"{quoted(metadata.manager.obfuscated_id)} can't be their own manager, so the manager was left out."
            metadata.manager = UNSET
            return [Remark(path, text)]
        current = metadata.manager
    return []
