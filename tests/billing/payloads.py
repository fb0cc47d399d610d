"""Billing documents written out by hand, and what becomes of them."""

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET

from billing.document.schema import BillingCustomer, parse_customer
from customers.json_types import Refused, Remark, encode
from tests.strategies_billing import as_read
from tests.strategies_catalog import Json

JANUARY = 1_735_689_600_000  # 2025-01-01
FEBRUARY = 1_738_368_000_000  # 2025-02-01
MARCH = 1_740_787_200_000  # 2025-03-01

ROW: Json = {
    "id": "row_1",
    "plan_id": "pro",
    "included_grant": 1000,
    "prepaid_grant": 0,
    "remaining": 400,
    "usage": 600,
    "unlimited": False,
    "reset": {"interval": "month", "resets_at": FEBRUARY},
    "price": None,
    "expires_at": None,
}
BALANCE: Json = {
    "feature_id": "api_calls",
    "granted": 1000,
    "remaining": 400,
    "usage": 600,
    "unlimited": False,
    "overage_allowed": False,
    "max_purchase": None,
    "next_reset_at": FEBRUARY,
    "breakdown": [ROW],
}
SUBSCRIPTION: Json = {
    "id": "sub_1",
    "plan_id": "pro",
    "auto_enable": False,
    "add_on": False,
    "status": "active",
    "past_due": False,
    "canceled_at": None,
    "expires_at": None,
    "trial_ends_at": None,
    "started_at": JANUARY,
    "current_period_start": JANUARY,
    "current_period_end": FEBRUARY,
    "quantity": 1,
}
INVOICE: Json = {
    "plan_ids": ["pro"],
    "stripe_id": "in_1",
    "status": "paid",
    "total": 19.99,
    "currency": "usd",
    "created_at": JANUARY,
    "hosted_invoice_url": None,
}
FEATURE: Json = {
    "id": "api_calls",
    "name": "API calls",
    "type": "metered",
    "consumable": True,
    "archived": False,
}
PLAN: Json = {
    "id": "pro",
    "name": "Pro",
    "description": None,
    "group": None,
    "version": 2,
    "add_on": False,
    "auto_enable": False,
    "price": {"amount": 20, "interval": "month"},
    "items": [
        {
            "feature_id": "api_calls",
            "included": 1000,
            "unlimited": False,
            "reset": {"interval": "month"},
            "price": {
                "tiers": [{"to": 100, "amount": 0.5}, {"to": "inf", "amount": 0.25, "flat_amount": 1}],
                "interval": "month",
                "billing_units": 1,
                "billing_method": "usage_based",
                "max_purchase": None,
            },
        }
    ],
    "created_at": JANUARY,
    "env": "live",
    "archived": False,
    "base_variant_id": None,
    "config": {},
    "metadata": {},
}
CUSTOMER: Json = {
    "id": "acme",
    "name": "Acme Example",
    "email": "billing@acme.example.com",
    "created_at": JANUARY,
    "fingerprint": None,
    "stripe_id": "cus_example",
    "env": "sandbox",
    "metadata": {"tier": "gold", "score": 1.5, "seats": 3},
    "send_email_receipts": True,
    "billing_controls": {
        "auto_topups": [
            {
                "feature_id": "api_calls",
                "threshold": 100,
                "quantity": 500,
                "enabled": True,
                "purchase_limit": {"interval": "month", "interval_count": 1, "limit": 3},
            }
        ],
        "spend_limits": [],
    },
    "subscriptions": [SUBSCRIPTION | {"plan": PLAN}],
    "purchases": [
        {"plan_id": "boost", "started_at": JANUARY, "expires_at": None, "quantity": 2},
    ],
    "licenses": [
        {
            "license_plan_id": "seat",
            "parent_plan_id": "pro",
            "license_plan_name": "Seat",
            "granted": 5,
            "usage": 2,
            "remaining": 3,
            "paid_quantity": 4,
        }
    ],
    "balances": {
        "api_calls": BALANCE
        | {
            "granted": 1050,
            "remaining": 425,
            "usage": 625,
            "rollovers": [{"granted": 50, "balance": 25, "expires_at": 0}],
            "feature": FEATURE | {"event_names": [], "display": {"singular": "API call", "plural": None}},
        }
    },
    "flags": {
        "sso": {"id": "flag_1", "feature_id": "sso", "plan_id": "pro", "expires_at": None},
    },
    "invoices": [INVOICE],
    "entities": [
        {
            "id": "team_a",
            "name": None,
            "customer_id": "acme",
            "feature_id": "seats",
            "created_at": JANUARY,
            "env": "sandbox",
        }
    ],
    "trials_used": [{"plan_id": "pro", "customer_id": "acme", "fingerprint": None}],
    "rewards": {
        "discounts": [
            {
                "id": "launch",
                "name": "Launch",
                "type": "percentage_discount",
                "discount_value": 12.5,
                "duration_type": "months",
                "duration_value": 3,
                "currency": None,
                "start": JANUARY,
                "end": None,
                "subscription_id": None,
                "total_discount_amount": None,
            }
        ]
    },
    "referrals": [
        {
            "program_id": "friends",
            "customer": {"id": "other", "name": "Other Example", "email": None},
            "reward_applied": False,
            "created_at": JANUARY,
        }
    ],
    "payment_method": {"type": "card", "card": {"last4": "4242", "exp_year": 2031}},
}


def parsed(payload: Any) -> BillingCustomer:
    return parse_customer(as_read(payload))[0]


def remarks(payload: Any) -> list[Remark]:
    return parse_customer(as_read(payload))[1]


def sent(document: Any) -> Any:
    return json.loads(encode(document), parse_float=Decimal)


def changed(payload: Json, *steps: str | int, to: Any) -> Json:
    """`payload` with the value at `steps` replaced, or removed if `to` is UNSET."""
    copied = copy.deepcopy(payload)
    place: Any = copied
    for step in steps[:-1]:
        place = place[step]
    if to is UNSET:
        del place[steps[-1]]
    else:
        place[steps[-1]] = to
    return copied


def with_balance(**changes: Any) -> Json:
    return {"id": "acme", "balances": {"api_calls": BALANCE | changes}}


def with_row(**changes: Any) -> Json:
    return with_balance(breakdown=[ROW | changes])


def refused(payload: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        parse_customer(as_read(payload))
    return caught.value.path, caught.value.reason
