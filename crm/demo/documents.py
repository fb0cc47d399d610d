"""Documents of invented customers for the three platforms. The same count and day give the same documents."""

from __future__ import annotations

import random
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from crm.demo import names
from crm.demo.billing_documents import LEAVES, STATES, billing_document
from customers.json_types import to_epoch_ms, to_iso
from customers.typed_ids import with_prefix

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

SEED_EXAMPLE: dict[str, Any] = {
    "id": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
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


@dataclass(frozen=True, slots=True)
class InventedCustomer:
    """What all platforms' documents of one invented customer have in common."""

    number: int
    company: str
    short_name: str
    domain: str
    place: names.City
    people: tuple[tuple[str, str], ...]
    email: str
    since: datetime

    @property
    def external_id(self) -> str:
        """The ID in the integrator's own system."""
        return f"{self.short_name.lower().replace(' ', '-')}-{self.number}"


#: Whom the pictures in the documentation show.
KESTREL = InventedCustomer(
    number=1,
    company="Kestrel Robotics, Inc.",
    short_name="Kestrel Robotics",
    domain="kestrel-robotics.example",
    place=names.PLACES[1],
    people=(("Mateo", "Castillo"), ("Grace", "O’Neill"), ("Tomoko", "Ito")),
    email="mateo.castillo@kestrel-robotics.example",
    since=datetime(2024, 3, 4, 9, tzinfo=UTC),
)


def demo_documents(count: int, today: datetime) -> dict[str, list[dict[str, Any]]]:
    """The documents of `count` customers, by source. All dates are relative to `today`."""
    documents: dict[str, list[dict[str, Any]]] = {"payments": [SEED_EXAMPLE], "billing": [], "crm": []}
    for number in range(1, count):
        rng = random.Random(number)
        customer = invent(rng, number, today) if number != KESTREL.number else KESTREL
        sources = _sources_of(number)
        if "payments" in sources:
            documents["payments"].append(payments_document(rng, customer, today))
        billed = None
        if "billing" in sources:
            billed = billing_document(
                rng, customer.number, _billing_facts(customer), _currency_of(customer), today
            )
            documents["billing"].append(billed)
        if "crm" in sources:
            documents["crm"].append(crm_document(rng, customer, billed))
        elif number % 20 == 7:
            documents["crm"].append(_unlinked(rng, customer))
        if number % 15 == 0:
            documents["payments"].append(_duplicate(rng, customer, today))
    return documents


def invent(rng: random.Random, number: int, today: datetime) -> InventedCustomer:
    place = rng.choice(names.PLACES)
    short = f"{rng.choice(names.FIRST_WORDS)} {rng.choice(names.SECOND_WORDS)}"
    people = tuple(
        (rng.choice(names.GIVEN_NAMES), rng.choice(names.FAMILY_NAMES)) for _ in range(rng.randint(1, 3))
    )
    domain = f"{short.lower().replace(' ', '-')}-{number}.example"
    return InventedCustomer(
        number=number,
        company=f"{short} {names.LEGAL_FORMS[place.country]}",
        short_name=short,
        domain=domain,
        place=place,
        people=people,
        email=f"{_ascii(people[0][0])}.{_ascii(people[0][1])}@{domain}",
        since=today - timedelta(days=rng.randint(40, 1500), minutes=rng.randint(0, 1440)),
    )


def payments_document(rng: random.Random, customer: InventedCustomer, today: datetime) -> dict[str, Any]:
    typed_id = _typed_id(rng, "cus", customer.since)
    place = customer.place
    address = {
        "line1": f"{rng.randint(1, 240)} {rng.choice(names.STREETS)}",
        "line2": rng.choice([None, None, "2nd floor"]),
        "city": place.city,
        "state": place.state or None,
        "postal_code": place.postal_code,
        "country": place.country_as_sent,
    }
    times = {
        "created_at": to_iso(customer.since),
        "updated_at": to_iso(today - timedelta(hours=rng.randint(1, 900))),
    }
    method_id, methods = _payment_methods(rng, typed_id, customer)
    return {
        "id": typed_id,
        "name": customer.company,
        "email": customer.email,
        "phone": place.phone.format(rng.randint(0, 99)),
        "address": address,
        "payment_method": method_id,
        **times,
        "status": rng.choices(["active", "inactive", "suspended"], [18, 1, 1])[0],
        "custom_data": {"loyalty_program": rng.choice(names.CUSTOMS)} if rng.random() < 0.5 else None,
        "addresses": [
            {
                "id": with_prefix(typed_id, "adr"),
                "customer_id": typed_id,
                "description": "Head office",
                "is_default": True,
                "status": "active",
                **times,
                "custom_data": None,
                **address,
            }
        ],
        "businesses": [
            {
                "id": with_prefix(typed_id, "biz"),
                "customer_id": typed_id,
                "name": customer.company,
                "company_number": f"{rng.randint(10**7, 10**8 - 1)}",
                "tax_identifier": None,
                "contacts": [{"name": " ".join(customer.people[0]), "email": customer.email}],
                "status": "active",
                **times,
                "custom_data": None,
            }
        ],
        "payment_methods": methods,
    }


def crm_document(
    rng: random.Random, customer: InventedCustomer, billed: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The CRM document, for every twelfth customer with a merged customer.

    `billed` is the billing document, which the contract value is computed from.
    """
    place = customer.place
    document: dict[str, Any] = {
        "id": customer.external_id,
        "company": {
            "name": customer.company,
            "website_urls": [f"https://www.{customer.domain}"],
            "location": place.city,
            "phone": place.phone.format(rng.randint(0, 99)),
            "industry": rng.choice(names.INDUSTRIES),
            "annual_revenue": rng.randint(5, 900) * 100_000,
            "number_of_employees": rng.randint(4, 2500),
            "about": f"{customer.short_name} works in {place.city}.",
        },
        "domains": [customer.domain],
        "document_counts": {"contract": rng.randint(1, 3), "presentation": rng.randint(1, 8)},
        "poc": [
            _person(rng, customer, given, family, place) for given, family in dict.fromkeys(customer.people)
        ],
        "metadata": {
            "datasource_id": f"A-{customer.number:05d}",
            "custom_data": {
                "tier": {"display_label": "Account tier", "string_value": rng.choice(names.CUSTOMS)},
                "nps": {"display_label": "NPS", "number_value": rng.randint(-20, 90)},
            },
        },
        "start_date": customer.since.date().isoformat(),
        "contract_annual_revenue": _contract(customer.number, rng.randint(6, 240) * 500, billed),
        "notes": rng.choice(names.REMARKS),
    }
    if customer.number % 12 == 0:
        document["merged_customers"] = [
            {
                "id": f"{customer.external_id}-old",
                "company": {"name": f"{customer.short_name} (old record)", "location": place.city},
                "domains": [f"old-{customer.domain}"],
                "notes": "Entered twice; the newer record was kept.",
            }
        ]
    return document


def _contract(number: int, imagined: int, billed: dict[str, Any] | None) -> int | None:
    """The yearly contract value: as billed, a third more for every eighth customer; `imagined` without billing."""
    if billed is None:
        return imagined
    times = {"month": 12, "year": 1}
    yearly = sum(
        price["amount"] * times[price["interval"]] * each["quantity"]
        for each in billed["subscriptions"]
        if (price := each["plan"]["price"]) is not None
    )
    agreed = round(yearly * 4 / 3) if number % 8 == 4 else round(yearly)
    return agreed or None


def _sources_of(number: int) -> tuple[str, ...]:
    """The platforms that have the customer: all three for most customers, fewer for some."""
    return {
        7: ("payments",),
        8: ("crm",),
        9: ("billing",),
        5: ("payments", "billing"),
        6: ("billing", "crm"),
    }.get(number % 10, ("payments", "billing", "crm"))


def _currency_of(customer: InventedCustomer) -> str:
    """One currency a customer: that of the plans for those with a subscription, else that of the place."""
    never_paid = STATES[customer.number % len(STATES)] == "ended" and customer.number % 20 != LEAVES
    return customer.place.currency if never_paid else "USD"


def _billing_facts(customer: InventedCustomer) -> dict[str, Any]:
    return {
        "id": customer.external_id,
        "name": customer.company,
        "email": customer.email,
        "created_at": to_epoch_ms(customer.since),
        "fingerprint": f"device-{customer.number:04d}" if customer.number % 4 == 0 else None,
        "stripe_id": f"cus_demo{customer.number:05d}",
        "env": "sandbox" if customer.number % 20 == 9 else "live",
        "metadata": {"region": customer.place.country, "seats_sold": customer.number % 17},
        "send_email_receipts": customer.number % 3 == 0,
    }


def _duplicate(rng: random.Random, customer: InventedCustomer, today: datetime) -> dict[str, Any]:
    """The same company entered a second time, with small differences."""
    return {
        "id": _typed_id(rng, "cus", customer.since + timedelta(days=20)),
        "name": customer.short_name,
        "email": customer.email.replace(".", "", 1),
        "phone": None,
        "address": {"city": customer.place.city, "country": customer.place.country},
        "payment_method": None,
        "created_at": to_iso(customer.since + timedelta(days=20)),
        "updated_at": to_iso(today - timedelta(days=3)),
        "status": "active",
        "custom_data": None,
    }


def _unlinked(rng: random.Random, customer: InventedCustomer) -> dict[str, Any]:
    """A CRM record of a customer that no sure sign joins with it: a link to be suggested."""
    colleague = ("Wanjiru", "Kimaro")
    return {
        "id": f"lead-{customer.number}",
        "company": {"name": customer.short_name, "website_urls": [f"https://www.{customer.domain}"]},
        "domains": [customer.domain],
        "poc": [_person(rng, customer, *colleague, customer.place)],
        "metadata": {"datasource_id": f"L-{customer.number:05d}"},
        "notes": "Came in through the website.",
    }


def _payment_methods(
    rng: random.Random, typed_id: str, customer: InventedCustomer
) -> tuple[str | None, list[dict[str, Any]]]:
    kind = rng.choice(["card", "card", "mobile_money", "bank_account", None])
    if kind is None:
        return None, []
    prefix = {"card": "card", "mobile_money": "momo", "bank_account": "bank"}[kind]
    facts_by_kind: dict[str, dict[str, Any]] = {
        "card": {
            "brand": "Visa",
            "last4": f"{rng.randint(0, 9999):04d}",
            "exp_month": rng.randint(1, 12),
            "exp_year": 2028,
        },
        "mobile_money": {"provider": "M-Pesa", "phone": customer.place.phone.format(rng.randint(0, 99))},
        "bank_account": {
            "bank_name": "First Example Bank",
            "last4": f"{rng.randint(0, 9999):04d}",
            "country": customer.place.country,
        },
    }
    method_id = with_prefix(typed_id, prefix)
    method = {
        "id": method_id,
        "customer_id": typed_id,
        "type": kind,
        "is_default": True,
        "status": "active",
        **facts_by_kind[kind],
    }
    return method_id, [method]


def _person(
    rng: random.Random, customer: InventedCustomer, given: str, family: str, place: names.City
) -> dict[str, Any]:
    return {
        "name": f"{given} {family}",
        "obfuscated_id": f"{customer.number:05d}{_ascii(given)}{_ascii(family)}",
        "metadata": {
            "type": "NON_EMPLOYEE",
            "first_name": given,
            "last_name": family,
            "title": rng.choice(names.TITLES),
            "email": f"{_ascii(given)}.{_ascii(family)}@{customer.domain}",
            "location": place.city,
            "phone": place.phone.format(rng.randint(0, 99)),
            "timezone": place.timezone,
        },
    }


def _typed_id(rng: random.Random, prefix: str, moment: datetime) -> str:
    """A well-formed ID with the time `moment`, reproducible from `rng`."""
    number = (
        (int(to_epoch_ms(moment)) << 80)
        | (0x7 << 76)
        | (rng.getrandbits(12) << 64)
        | (0b10 << 62)
        | rng.getrandbits(62)
    )
    letters = ""
    for _ in range(26):
        letters = ALPHABET[number & 31] + letters
        number >>= 5
    return f"{prefix}_{letters}"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("ı", "i")).encode("ascii", "ignore").decode()
    return re.sub("[^a-z]", "", plain.lower())
