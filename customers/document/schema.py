"""The payments document: its types, how it is tidied at import, and which keys are always sent.

At import every key may be absent (`UNSET`: our value stays) or null (our value is emptied). On export every key is
sent, null when empty. `addresses`, `businesses` and `payment_methods` are the exception: files include them, while the
API has endpoints of their own for them. A payment method has only the keys of its type.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeAlias, cast

from msgspec import UNSET, Meta, UnsetType

from customers import limits
from customers.ingest.card_numbers import refuse_account_numbers
from customers.json_types import (
    IsoInstant,
    JsonDocument,
    Refused,
    Remark,
    RemarkKind,
    each_object,
    free_form,
    parse_tolerantly,
    within,
)
from customers.json_types.keys import has_camel_keys, in_snake_case
from customers.readings import countries, normalize
from customers.readings.emails import tidy_emails
from customers.readings.normalize import quoted

STATUSES = ("active", "inactive", "suspended")
METHOD_TYPES = ("card", "mobile_money", "bank_account")

#: The keys of a payment method, by its type.
METHOD_FACTS = {
    "card": ("brand", "last4", "exp_month", "exp_year"),
    "mobile_money": ("provider", "phone"),
    "bank_account": ("bank_name", "last4", "country"),
}
_ALL_FACTS = tuple(dict.fromkeys(fact for facts in METHOD_FACTS.values() for fact in facts))

Text: TypeAlias = str | UnsetType | None
Flag: TypeAlias = bool | UnsetType | None
Instant: TypeAlias = IsoInstant | UnsetType | None
FreeForm: TypeAlias = dict[str, Any] | UnsetType | None
Month: TypeAlias = Annotated[int, Meta(ge=1, le=12)] | UnsetType | None
Year: TypeAlias = Annotated[int, Meta(ge=1, le=9999)] | UnsetType | None
Status: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(STATUSES)})] | UnsetType | None
MethodType: TypeAlias = (
    Annotated[str, Meta(extra_json_schema={"enum": list(METHOD_TYPES)})] | UnsetType | None
)


class PostalAddress(JsonDocument):
    """A postal address; `country` is ISO 3166-1 alpha-2 if the country was recognized."""

    line1: Text = UNSET
    line2: Text = UNSET
    city: Text = UNSET
    state: Text = UNSET
    postal_code: Text = UNSET
    country: Text = UNSET


class PaymentsAddress(PostalAddress):
    """One of a customer's billing addresses."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)

    id: Text = UNSET
    customer_id: Text = UNSET
    description: Text = UNSET
    is_default: Flag = UNSET
    status: Text = UNSET
    created_at: Instant = UNSET
    updated_at: Instant = UNSET
    custom_data: FreeForm = UNSET


class PaymentsBusinessContact(JsonDocument):
    """A contact at a business; a list of contacts is always replaced as a whole."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("email", "name")

    name: str | None = None
    email: str | None = None


class PaymentsBusiness(JsonDocument):
    """A business profile: a company that the customer buys for."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)

    id: Text = UNSET
    customer_id: Text = UNSET
    name: Text = UNSET
    company_number: Text = UNSET
    tax_identifier: Text = UNSET
    contacts: list[PaymentsBusinessContact] | UnsetType | None = UNSET
    status: Text = UNSET
    created_at: Instant = UNSET
    updated_at: Instant = UNSET
    custom_data: FreeForm = UNSET


class PaymentsMethod(JsonDocument):
    """A payment method. Empty keys that belong to other types count as absent."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)

    id: Text = UNSET
    customer_id: Text = UNSET
    type: MethodType = UNSET
    brand: Text = UNSET
    last4: Annotated[str, Meta(extra_json_schema={"pattern": "^[0-9]{4}$"})] | UnsetType | None = UNSET
    exp_month: Month = UNSET
    exp_year: Year = UNSET
    provider: Text = UNSET
    phone: Text = UNSET
    bank_name: Text = UNSET
    country: Text = UNSET
    is_default: Flag = UNSET
    status: Text = UNSET

    def __post_init__(self) -> None:
        for fact in _foreign_facts(self):
            if getattr(self, fact) is None:
                setattr(self, fact, UNSET)


class PaymentsCustomer(JsonDocument):
    """A person or an organization that buys."""

    id: Text = UNSET
    name: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    address: PostalAddress | UnsetType | None = UNSET
    payment_method: Text = UNSET
    created_at: Instant = UNSET
    updated_at: Instant = UNSET
    status: Status = UNSET
    custom_data: FreeForm = UNSET
    addresses: list[PaymentsAddress] | UnsetType | None = UNSET
    businesses: list[PaymentsBusiness] | UnsetType | None = UNSET
    payment_methods: list[PaymentsMethod] | UnsetType | None = UNSET


_LISTS = ("addresses", "businesses", "payment_methods")
_KINDS: tuple[type[JsonDocument], ...] = (
    *(PostalAddress, PaymentsAddress, PaymentsBusiness, PaymentsMethod, PaymentsCustomer),
)
for _kind in _KINDS:
    _kind.ALWAYS_SENT = frozenset(_kind.__struct_fields__).difference(
        _LISTS, _ALL_FACTS if _kind is PaymentsMethod else ()
    )

_TRIMMED = frozenset({"id", "customer_id", "payment_method", "phone", "company_number", "tax_identifier"})
_LIMITS = {
    **dict.fromkeys(("id", "customer_id", "payment_method"), limits.IDENTIFIER),
    "status": 50,
    **dict.fromkeys(("phone", "country", "brand", "provider", "bank_name"), 255),
}
#: The usual statuses of an address, a business or a payment method; any other one is kept.
_USUAL_STATUSES = (*STATUSES, "archived")
_FOUR_DIGITS = re.compile(r"[0-9]{4}")
_Listed: TypeAlias = PaymentsAddress | PaymentsBusiness | PaymentsMethod


def parse_customer(value: object) -> tuple[PaymentsCustomer, list[Remark]]:
    """The customer in `value`, as the strict reader read it, tidied, and remarks on what was changed or is doubtful.

    Keys may be in camelCase. What can't be read is left empty, with a remark. Raises `Refused` with the place of the first problem: a full card
    or account number, a text that is too long, a customer with neither ID nor email.
    """
    refuse_account_numbers(value)
    if has_camel_keys(PaymentsCustomer, value):
        return in_snake_case(PaymentsCustomer, value, parse_customer)
    reading = parse_tolerantly(PaymentsCustomer, value)
    customer = reading.document
    remarks: list[Remark] = []
    for path, thing in each_object(customer):
        remarks += tidy_emails(path, thing)
        remarks += normalize.tidy_texts(path, thing, trimmed=_TRIMMED)
        if isinstance(thing, PaymentsCustomer):
            remarks += normalize.tidy_ids(path, thing, ["id"])
            remarks += _choose(path, thing, "status", STATUSES, is_closed=True)
        if isinstance(thing, PaymentsMethod):
            remarks += _choose(path, thing, "type", METHOD_TYPES, is_closed=True)
            remarks += _tidy_facts(path, thing)
        if isinstance(thing, PaymentsAddress | PaymentsBusiness | PaymentsMethod):
            remarks += _choose(path, thing, "status", _USUAL_STATUSES, is_closed=False)
        if isinstance(thing, PostalAddress | PaymentsMethod) and thing.country:
            thing.country, remark = countries.country(thing.country)
            remarks += _as_remarks(within(path, "country"), remark)
        if isinstance(thing, PaymentsCustomer | PaymentsAddress | PaymentsBusiness) and thing.custom_data:
            remarks += _tidy_custom_data(within(path, "custom_data"), thing)
    limits.refuse_oversized(customer, _LIMITS)
    if not customer.id and not customer.email:
        raise Refused("$", "The customer has neither an id nor an email. Add one of them.")
    remarks += _tidy_phones(customer)
    for name in _LISTS:
        remarks += _check_list(customer, name)
    return customer, reading.with_later(remarks) + _times_without_zone(value)


def _choose(
    path: str, thing: JsonDocument, name: str, allowed: tuple[str, ...], *, is_closed: bool
) -> list[Remark]:
    text = getattr(thing, name)
    if not text:
        return []
    chosen, remark = normalize.choice(text, allowed)
    if chosen is not None:
        setattr(thing, name, chosen)
    elif is_closed:
        setattr(thing, name, None)
        text = f"{quoted(text)} is not one of {', '.join(allowed)}. It was left empty."
        return [Remark(within(path, name), text, RemarkKind.UNKNOWN_WORD)]
    return _as_remarks(within(path, name), remark)


def _tidy_facts(path: str, method: PaymentsMethod) -> list[Remark]:
    remarks: list[Remark] = []
    if method.last4 and not _FOUR_DIGITS.fullmatch(method.last4):
        method.last4 = None
        text = "Send exactly the last four digits, such as 4242. It was left empty."
        remarks.append(Remark(within(path, "last4"), text, RemarkKind.UNREADABLE))
    for fact in _foreign_facts(method):
        if getattr(method, fact):
            text = f"A payment method of type {method.type} has none, so it was left out."
            remarks.append(Remark(within(path, fact), text))
        setattr(method, fact, UNSET)
    return remarks


def _foreign_facts(method: PaymentsMethod) -> list[str]:
    """The keys of other types; none if the type of the method is unknown."""
    own = METHOD_FACTS.get(method.type or "", _ALL_FACTS)
    return [fact for fact in _ALL_FACTS if fact not in own]


def _tidy_custom_data(
    path: str, thing: PaymentsCustomer | PaymentsAddress | PaymentsBusiness
) -> list[Remark]:
    try:
        thing.custom_data = cast("dict[str, Any]", free_form(thing.custom_data))
    except ValueError as problem:
        thing.custom_data = UNSET
        return [Remark(path, f"{problem}. It was left empty.", RemarkKind.UNREADABLE)]
    return []


def _tidy_phones(customer: PaymentsCustomer) -> list[Remark]:
    """Format phone numbers; those without a country code are read as numbers of the billing country."""
    country = customer.address.country if customer.address else None
    region = country if country in countries.COUNTRY_CODES else None
    remarks: list[Remark] = []
    places: list[tuple[str, PaymentsCustomer | PaymentsMethod]] = [("$", customer)]
    for index, method in enumerate(customer.payment_methods or []):
        places.append((within("$", "payment_methods", index), method))
    for path, thing in places:
        if thing.phone:
            thing.phone, remark = normalize.phone(thing.phone, region)
            remarks += _as_remarks(within(path, "phone"), remark)
    return remarks


def _check_list(customer: PaymentsCustomer, name: str) -> list[Remark]:
    """Keep the first item with an ID and the first default; replace another customer's `customer_id`."""
    things: list[_Listed] = getattr(customer, name) or []
    remarks: list[Remark] = []
    seen: dict[str, _Listed] = {}
    kept: list[_Listed] = []
    has_default = False
    for index, thing in enumerate(things):
        path = within("$", name, index)
        if customer.id and thing.customer_id and thing.customer_id != customer.id:
            text = f"{quoted(thing.customer_id)} is not the ID of this customer. It was replaced."
            remarks.append(Remark(within(path, "customer_id"), text))
            thing.customer_id = customer.id
        if thing.id and thing.id in seen:
            differs = " with other values" if thing != seen[thing.id] else ""
            text = f"{quoted(thing.id)} is already in this list{differs}, so it was left out."
            remarks.append(Remark(path, text))
            continue
        if thing.id:
            seen[thing.id] = thing
        kept.append(thing)
        if not isinstance(thing, PaymentsBusiness) and thing.is_default:
            if has_default:
                thing.is_default = False
                text = f"More than one of the {name} is the default. The first one was used."
                remarks.append(Remark(within(path, "is_default"), text))
            has_default = True
    if things:
        setattr(customer, name, kept)
    return remarks


def _times_without_zone(value: Any) -> list[Remark]:
    places = [("$", value)]
    for name in _LISTS:
        listed = value.get(name)
        if isinstance(listed, list):
            places += [(within("$", name, index), item) for index, item in enumerate(listed)]
    return [
        Remark(within(path, key), "The time has no zone. It was read as UTC.")
        for path, item in places
        if isinstance(item, dict)
        for key in ("created_at", "updated_at")
        if _lacks_zone(item.get(key))
    ]


def _lacks_zone(text: object) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text.strip()).tzinfo is None
    except ValueError:
        return False


def _as_remarks(path: str, text: str | None) -> list[Remark]:
    return [Remark(path, text)] if text else []
