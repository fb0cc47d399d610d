"""Examples for the description of the API."""

from typing import Any

from crm.document.examples import CUSTOMER

_DOCUMENT: dict[str, Any] = dict(CUSTOMER)

COMPANY = _DOCUMENT["company"] | {
    "id": "com_01h3vjs3b16yc3f9q8q9pfrb7g",
    "customer_id": "cus_01h3vjs3b16yc3f9q8q9pfrb78",
    "domains": ["example.com"],
}

PERSON = _DOCUMENT["poc"][0] | {
    "id": "per_01h3vjs3b16yc3f9q8q9pfrb7h",
    "contact_of": [{"customer_id": "cus_01h3vjs3b16yc3f9q8q9pfrb78", "role": "Decision maker"}],
}
