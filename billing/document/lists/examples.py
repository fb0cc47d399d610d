"""Examples for the description of the API."""

from typing import Any

from billing.document.examples import CUSTOMER as _DOCUMENT

_CUSTOMER_ID = "cus_01h3vjs3b16yc3f9q8q9pfrb78"
_DOCUMENT_PARTS: dict[str, Any] = dict(_DOCUMENT)

INVOICE = {
    "plan_ids": ["pro"],
    "stripe_id": "in_0100",
    "status": "open",
    "total": 49.9,
    "currency": "usd",
    "created_at": 1724674500000,
    "hosted_invoice_url": "https://invoice.example.com/0100",
    "id": "inv_01h3vjs3b16yc3f9q8q9pfrb7c",
    "customer_id": _CUSTOMER_ID,
    "entity_id": None,
    "subscription_id": "sub_0100",
    "number": None,
    "amount_paid": None,
    "amount_credited": 0,
    "amount_due": 49.9,
    "refunded_amount": 0,
    "processor_type": "stripe",
    "period_start": None,
    "period_end": None,
    "issued_at": None,
    "due_at": None,
    "closed_at": None,
}

INVOICE_ITEM = {
    "id": "line_01h3vjs3b16yc3f9q8q9pfrb7d",
    "description": "Pro",
    "kind": "base",
    "period_start": 1724674500000,
    "period_end": 1727352900000,
    "plan_id": "pro",
    "feature_id": None,
    "feature_name": None,
    "quantity": 1,
    "amount": 49.9,
    "entities": [],
}

SUBSCRIPTION = _DOCUMENT_PARTS["subscriptions"][0] | {
    "customer_id": _CUSTOMER_ID,
    "entity_id": None,
    "scope": "customer",
    "created_at": 1724674500000,
}

PURCHASE = _DOCUMENT_PARTS["purchases"][0] | {
    "id": "pur_01h3vjs3b16yc3f9q8q9pfrb7e",
    "status": "active",
    "customer_id": _CUSTOMER_ID,
    "entity_id": None,
    "scope": "customer",
    "created_at": 1724674500000,
}

BALANCE = _DOCUMENT_PARTS["balances"]["api_calls"] | {
    "id": "bal_01h3vjs3b16yc3f9q8q9pfrb7f",
    "customer_id": _CUSTOMER_ID,
}

GRANT = _DOCUMENT_PARTS["balances"]["api_calls"]["breakdown"][0] | {
    "feature_id": "api_calls",
    "status": "active",
    "rollovers": [],
    "customer_id": "acme-42",
    "entity_id": None,
    "created_at": 1724674500000,
    "source": "customer",
}

PLAN = {
    "id": "pro",
    "name": "Pro",
    "description": None,
    "group": None,
    "version": 2,
    "add_on": False,
    "auto_enable": False,
    "price": {"amount": 49.9, "interval": "month"},
    "items": [
        {
            "feature_id": "api_calls",
            "included": 1000,
            "unlimited": False,
            "reset": {"interval": "month"},
            "price": None,
        }
    ],
    "created_at": 1724674500000,
    "env": "live",
    "archived": False,
    "base_variant_id": None,
    "config": {},
    "metadata": {},
}

FEATURE = {
    "id": "api_calls",
    "name": "API calls",
    "type": "metered",
    "consumable": True,
    "archived": False,
    "event_names": ["api.call"],
    "display": {"singular": "call", "plural": "calls"},
}

ENTITY = {
    "id": "seat-1",
    "name": "Jane Doe",
    "customer_id": "acme-42",
    "feature_id": "seats",
    "created_at": 1724674500000,
    "env": "live",
    "subscriptions": [_DOCUMENT_PARTS["subscriptions"][0] | {"scope": "customer"}],
    "purchases": [_DOCUMENT_PARTS["purchases"][0] | {"scope": "customer"}],
    "balances": _DOCUMENT_PARTS["balances"],
    "flags": _DOCUMENT_PARTS["flags"],
}

EVENT = {
    "id": "post_01h3vjs3b16yc3f9q8q9pfrb7p",
    "timestamp": 1724674500000,
    "feature_id": "api_calls",
    "customer_id": "acme-42",
    "value": 20.5,
    "properties": {},
    "deductions": [
        {
            "balance_id": "grant-0100",
            "feature_id": "api_calls",
            "plan_id": "pro",
            "reset": {"interval": "month", "resets_at": 1727352900000},
            "value": 20.5,
        }
    ],
}
