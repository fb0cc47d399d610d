"""Payments documents to try things on: hypothesis strategies for dicts that `json.dumps` can write.

They are as an export writes them, every key there, and agree with themselves: ids are TypeIDs and unique within
a customer, `address` is the default one of `addresses`, `payment_method` the id of the default one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from customers.readings.normalize import is_blank

Json = dict[str, Any]

POSTAL_KEYS = ("line1", "line2", "city", "state", "postal_code", "country")
_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"

#: No digits but in the samples: a long row of them may look like a card number.
_LETTERS = st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Nd"])
#: Something to see in each: a text of spaces alone is read as an empty one.
texts = st.text(_LETTERS, min_size=1, max_size=30).filter(lambda text: not is_blank(text)) | st.sampled_from(
    ["Flat 4B, 123 Main St", "Søn & Söhne"]
)
emails = st.builds("{}@example.com".format, st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
countries = st.sampled_from(["TZ", "US", "GB", "DE", "JP", "KW", "NA", "NO", "XK", "Atlantis"])
phones = st.sampled_from(["+12025550123", "+442079460958", "+61491570156", "+33199001234", "+1234567890"])
instants = st.integers(86_400_000, 4_102_444_799_999).map(
    lambda ms: datetime.fromtimestamp(ms // 1000, UTC).strftime(f"%Y-%m-%dT%H:%M:%S.{ms % 1000:03}Z")
)
statuses = st.sampled_from(["active", "inactive", "suspended"])
usual_statuses = st.sampled_from(["active", "inactive", "archived"])
last4s = st.text("0123456789", min_size=4, max_size=4)

METHOD_PREFIXES = {"card": "card", "mobile_money": "momo", "bank_account": "bank"}
METHOD_FACTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "card": {
        "brand": st.sampled_from(["visa", "mastercard"]),
        "last4": last4s,
        "exp_month": st.integers(1, 12),
        "exp_year": st.integers(2020, 2050),
    },
    "mobile_money": {"provider": texts, "phone": phones},
    "bank_account": {"bank_name": texts, "last4": last4s, "country": countries},
}

_numbers = st.integers(-(10**12), 10**12) | st.integers(1, 10**9).map(lambda n: (n * 8 + 1) / 8)
_keys = st.text("abcdefghijklmnopqrstuvwxyzABCDEFG_- .é", max_size=12)
free_form_objects = st.dictionaries(
    _keys,
    st.recursive(
        st.none() | st.booleans() | _numbers | st.just("") | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def typed_id(prefix: str, milliseconds: int, random: int) -> str:
    """The TypeID over the UUIDv7 of a time in milliseconds and 74 random bits."""
    uuid = milliseconds << 80 | 7 << 76 | (random >> 62) << 64 | 2 << 62 | (random & (2**62 - 1))
    return f"{prefix}_" + "".join(_BASE32[uuid >> shift & 31] for shift in range(125, -1, -5))


@st.composite
def addresses(draw: st.DrawFn, address_id: str, customer_id: str, is_default: bool = False) -> Json:
    """One of a customer's addresses."""
    return {
        **{key: draw(st.none() | texts) for key in POSTAL_KEYS},
        "country": draw(st.none() | countries),
        "id": address_id,
        "customer_id": customer_id,
        "description": draw(st.none() | texts),
        "is_default": is_default,
        **draw(_record_keys()),
    }


@st.composite
def businesses(draw: st.DrawFn, business_id: str, customer_id: str) -> Json:
    """One of a customer's business profiles."""
    contact = st.fixed_dictionaries({"name": st.none() | texts, "email": st.none() | emails})
    return {
        "id": business_id,
        "customer_id": customer_id,
        "name": draw(st.none() | texts),
        "company_number": draw(st.none() | st.sampled_from(["HRB 12345", "555-0100"])),
        "tax_identifier": draw(st.none() | st.sampled_from(["DE000000100", "TZ-000-000-100"])),
        "contacts": draw(st.lists(contact, max_size=3)),
        **draw(_record_keys()),
    }


@st.composite
def payment_methods(
    draw: st.DrawFn, milliseconds: int, random: int, customer_id: str, is_default: bool = False
) -> Json:
    """A payment method with the facts of its type, under an id that has the prefix of its type."""
    kind = draw(st.sampled_from(list(METHOD_FACTS)))
    return {
        "id": typed_id(METHOD_PREFIXES[kind], milliseconds, random),
        "customer_id": customer_id,
        "type": kind,
        **{name: draw(st.none() | values) for name, values in METHOD_FACTS[kind].items()},
        "is_default": is_default,
        "status": draw(usual_statuses),
    }


@st.composite
def customers(draw: st.DrawFn, embedded: bool = True) -> Json:
    """A customer; with `embedded` as an export writes it, without as the view shows it."""
    milliseconds, random = draw(st.integers(1, 2**41)), draw(st.integers(0, 2**69)) << 4
    customer_id = typed_id("cus", milliseconds, random)
    amounts = [draw(st.integers(0, 3)) for _ in range(3)]
    default_address, default_method = (
        draw(st.none() | st.integers(0, amount - 1)) if amount else None for amount in amounts[:2]
    )
    listed = {
        "addresses": [
            draw(
                addresses(
                    typed_id("adr", milliseconds, random + index), customer_id, index == default_address
                )
            )
            for index in range(amounts[0])
        ],
        "businesses": [
            draw(businesses(typed_id("biz", milliseconds, random + index), customer_id))
            for index in range(amounts[2])
        ],
        "payment_methods": [
            draw(payment_methods(milliseconds, random + index, customer_id, index == default_method))
            for index in range(amounts[1])
        ],
    }
    address = next((each for each in listed["addresses"] if each["is_default"]), None)
    method = next((each for each in listed["payment_methods"] if each["is_default"]), None)
    return {
        "id": customer_id,
        "name": draw(st.none() | texts),
        "email": draw(st.none() | emails),
        "phone": draw(st.none() | phones),
        "address": {key: address[key] for key in POSTAL_KEYS} if address else None,
        "payment_method": method["id"] if method else None,
        "created_at": draw(instants),
        "updated_at": draw(instants),
        "status": draw(statuses),
        "custom_data": draw(st.none() | free_form_objects),
        **(listed if embedded else {}),
    }


def files(max_size: int = 5) -> st.SearchStrategy[list[Json]]:
    """Customers that are different people: neither an id nor an e-mail is in the list twice."""
    return st.lists(
        customers(),
        max_size=max_size,
        unique_by=(_uuid, lambda customer: customer["email"] or _uuid(customer)),
    )


def _uuid(customer: Json) -> str:
    return str(customer["id"])


def _record_keys() -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "status": usual_statuses,
            "created_at": instants,
            "updated_at": instants,
            "custom_data": st.none() | free_form_objects,
        }
    )
