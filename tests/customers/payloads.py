"""Payments documents to build on, and their customer."""

from typing import Any

from customers.models import Address, Customer
from tests.customers.import_documents import take_payments
from tests.strategies_payments import POSTAL_KEYS, Json

ID = "cus_01h3vjs3b16yc3f9q8q9pfrb78"
TAIL = "01h3vjs3b16yc3f9q8q9pfrb7"

SEED: Json = {
    "id": ID,
    "name": "Jane Doe",
    "email": "jane.doe@example.com",
    "phone": "+1234567890",
    "address": {
        "line1": "123 Main St",
        "line2": "Apt 4B",
        "city": "Springfield",
        "state": "IL",
        "postal_code": "62701",
        "country": "US",
    },
    "payment_method": "momo_01h3vjs3b16yc3f9q8q9pfrb78",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-09-01T14:30:00.000Z",
    "status": "active",
    "custom_data": {"loyalty_program": "gold"},
}
RECORD: Json = {
    "status": "active",
    "created_at": "2024-08-26T12:15:00.000Z",
    "updated_at": "2024-09-01T14:30:00.125Z",
    "custom_data": {"floor": 3},
}


def address(number: int, **changes: Any) -> Json:
    return {
        **dict.fromkeys(POSTAL_KEYS),
        "city": f"City {number}",
        "id": f"adr_{TAIL}{number}",
        "customer_id": ID,
        "description": None,
        "is_default": False,
        **RECORD,
        **changes,
    }


def business(number: int, **changes: Any) -> Json:
    return {
        "id": f"biz_{TAIL}{number}",
        "customer_id": ID,
        "name": f"Business {number}",
        "company_number": "HRB 12345",
        "tax_identifier": None,
        "contacts": [{"name": "Jo", "email": None}],
        **RECORD,
        **changes,
    }


def card(number: int, **changes: Any) -> Json:
    return {
        "id": f"card_{TAIL}{number}",
        "customer_id": ID,
        "type": "card",
        "brand": "visa",
        "last4": "0042",
        "exp_month": 12,
        "exp_year": 2030,
        "is_default": False,
        "status": "active",
        **changes,
    }


def postal(item: Json) -> Json:
    return {key: item[key] for key in POSTAL_KEYS}


def whole(addresses: Any = (), businesses: Any = (), payment_methods: Any = ()) -> Json:
    """A document as an export writes it, its defaults being those of its lists."""
    default = next((each for each in addresses if each["is_default"]), None)
    method = next((each for each in payment_methods if each["is_default"]), None)
    return {
        **SEED,
        "address": postal(default) if default else None,
        "payment_method": method["id"] if method else None,
        "addresses": list(addresses),
        "businesses": list(businesses),
        "payment_methods": list(payment_methods),
    }


def take_one(**changes: Any) -> Customer:
    take_payments({"id": ID, **changes})
    return Customer.objects.get(pk=ID)


def cities() -> list[tuple[str, bool]]:
    """The addresses: (city, whether it is the default one)."""
    return list(Address.objects.values_list("city", "is_default"))
