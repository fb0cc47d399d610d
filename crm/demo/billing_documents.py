"""Billing documents of invented customers, with subscriptions in every state."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from crm.demo.catalog import FEATURES, PLANS
from customers.json_types import to_epoch_ms

STATES = (
    "active",
    "active",
    "active",
    "trial",
    "past_due",
    "canceling",
    "scheduled",
    "free",
    "enterprise",
    "ended",
)
DIGITS = {"JPY": 0, "KWD": 3, "TZS": 2}
#: Rough exchange rates of one US dollar, for plausible amounts.
RATES = {"USD": 1.0, "EUR": 0.9, "GBP": 0.8, "TZS": 2500.0, "KWD": 0.3, "JPY": 150.0, "BRL": 5.0, "INR": 83.0}


def billing_document(
    rng: random.Random, number: int, facts: dict[str, Any], currency: str, today: datetime
) -> dict[str, Any]:
    """The document with the customer's `facts`; `number` decides the state of the subscription."""
    # Number 1 is the customer of the pictures: on the big plan, with an invoice that is late.
    state = STATES[number % len(STATES)] if number != 1 else "past_due"
    plan_id = {"free": "free", "enterprise": "enterprise"}.get(state, rng.choice(["pro", "pro", "scale"]))
    plan_id = "scale" if number == 1 else plan_id
    subscriptions = _subscriptions(rng, number, state, plan_id, facts, today)
    return {
        **facts,
        "billing_controls": _controls(number),
        "subscriptions": subscriptions,
        "purchases": _purchases(rng, number, facts["env"], today),
        "balances": _balances(rng, number, plan_id, today) if state not in ("ended", "scheduled") else {},
        "flags": _flags(number, plan_id),
        "licenses": [],
        "invoices": _invoices(rng, number, state, plan_id, currency, today),
        "entities": _entities(number, facts["env"], today),
        "trials_used": [{"plan_id": "pro", "customer_id": facts["id"], "fingerprint": facts["fingerprint"]}]
        if state == "trial"
        else [],
        "rewards": {"discounts": _discounts(number, today)},
        "referrals": [
            {
                "program_id": "friends",
                "customer": {"id": f"referred-{number}", "name": "Referred Company", "email": None},
                "reward_applied": number % 2 == 0,
                "created_at": to_epoch_ms(today - timedelta(days=60)),
            }
        ]
        if number % 13 == 0
        else [],
        "payment_method": None,
    }


def _plan(plan_id: str, env: str) -> dict[str, Any]:
    return {**PLANS[plan_id], "env": env}


def _subscriptions(
    rng: random.Random, number: int, state: str, plan_id: str, facts: dict[str, Any], today: datetime
) -> list[dict[str, Any]]:
    if state == "ended":
        return []
    length = timedelta(days=365 if plan_id == "enterprise" else 30)
    start = today - timedelta(days=rng.randint(1, 300 if plan_id == "enterprise" else 28))
    if state == "scheduled":
        start = today + timedelta(days=rng.randint(2, 20))
    env = facts["env"]
    periods = 0
    if state not in ("trial", "scheduled"):
        known_for = timedelta(milliseconds=to_epoch_ms(start) - facts["created_at"])
        periods = max(0, min(number * 7 % 13, known_for // length))
    subscription = {
        "id": f"sub_demo{number:05d}",
        "plan_id": plan_id,
        "plan": _plan(plan_id, env),
        "auto_enable": plan_id == "free",
        "add_on": False,
        "status": "scheduled" if state == "scheduled" else "active",
        "past_due": state == "past_due",
        "canceled_at": to_epoch_ms(today - timedelta(days=2)) if state == "canceling" else None,
        "expires_at": to_epoch_ms(start + length) if state == "canceling" else None,
        "trial_ends_at": to_epoch_ms(today + timedelta(days=rng.randint(1, 12)))
        if state == "trial"
        else None,
        "started_at": to_epoch_ms(start - periods * length),
        "current_period_start": None if state == "scheduled" else to_epoch_ms(start),
        "current_period_end": None if state == "scheduled" else to_epoch_ms(start + length),
        "quantity": rng.choice([1, 1, 1, 5]),
    }
    add_on = {
        **subscription,
        "id": f"sub_demo{number:05d}_storage",
        "plan_id": "extra_storage",
        "plan": _plan("extra_storage", env),
        "add_on": True,
        "started_at": to_epoch_ms(start - periods // 2 * length),
        "quantity": 2,
    }
    return [subscription, add_on] if number % 11 == 0 else [subscription]


def _purchases(rng: random.Random, number: int, env: str, today: datetime) -> list[dict[str, Any]]:
    if number % 5:
        return []
    return [
        {
            "plan_id": "credit_pack",
            "plan": _plan("credit_pack", env),
            "started_at": to_epoch_ms(today - timedelta(days=rng.randint(5, 200))),
            "expires_at": None,
            "quantity": 1,
        }
    ]


def _balances(rng: random.Random, number: int, plan_id: str, today: datetime) -> dict[str, Any]:
    """Balances that, by `number`, are fresh, near their limit, at it or above it."""
    share = (0.15, 0.5, 0.83, 0.97, 1.0, 1.2)[number % 6]
    resets_at = to_epoch_ms(today + timedelta(days=rng.randint(1, 29)))
    balances: dict[str, Any] = {}
    for position, item in enumerate(PLANS[plan_id]["items"]):
        feature = FEATURES[item["feature_id"]]
        if feature["type"] == "boolean":
            continue
        price = item["price"]
        included = item["included"]
        used = (
            0
            if item["unlimited"]
            else round(included * (share if position == 0 or price else min(share, 1.0)))
        )
        if price is None:
            used = min(used, included)
        row = {
            "id": f"grant-{number}-{feature['id']}",
            "plan_id": plan_id,
            "included_grant": included,
            "prepaid_grant": 0,
            "remaining": max(0, included - used),
            "usage": used,
            "unlimited": item["unlimited"],
            "reset": {**item["reset"], "resets_at": resets_at} if item["reset"] else None,
            "price": _row_price(price),
            "expires_at": None,
        }
        rollovers = _rollovers(number, item, today)
        carried = sum(each["balance"] for each in rollovers)
        balances[feature["id"]] = {
            "feature_id": feature["id"],
            "feature": feature,
            "granted": 0 if item["unlimited"] else included + sum(each["granted"] for each in rollovers),
            "remaining": 0 if item["unlimited"] else max(0, included - used) + carried,
            "usage": used + sum(each["granted"] - each["balance"] for each in rollovers),
            "unlimited": item["unlimited"],
            "overage_allowed": bool(price and price["billing_method"] == "usage_based"),
            "max_purchase": price["max_purchase"] if price else None,
            "next_reset_at": resets_at if item["reset"] else None,
            "breakdown": [row],
            "rollovers": rollovers,
        }
    return balances


def _row_price(price: dict[str, Any] | None) -> dict[str, Any] | None:
    if price is None:
        return None
    return {key: value for key, value in price.items() if key not in ("interval", "interval_count")}


def _rollovers(number: int, item: dict[str, Any], today: datetime) -> list[dict[str, Any]]:
    if "rollover" not in item or number % 4:
        return []
    return [{"balance": 2500, "granted": 6000, "expires_at": to_epoch_ms(today + timedelta(days=20))}]


def _flags(number: int, plan_id: str) -> dict[str, Any]:
    return {
        item["feature_id"]: {
            "id": f"flag-{number}-{item['feature_id']}",
            "feature_id": item["feature_id"],
            "feature": FEATURES[item["feature_id"]],
            "plan_id": plan_id,
            "expires_at": None,
        }
        for item in PLANS[plan_id]["items"]
        if FEATURES[item["feature_id"]]["type"] == "boolean"
    }


def _invoices(
    rng: random.Random, number: int, state: str, plan_id: str, currency: str, today: datetime
) -> list[dict[str, Any]]:
    price = PLANS[plan_id]["price"]
    if price is None or state in ("scheduled", "trial"):
        return []
    digits = DIGITS.get(currency, 2)
    # Payment terms are 45 days: the open invoice of a past-due customer is 18, 41 or 74 days late.
    late = 45 + (0, 23, 56)[number // len(STATES) % 3] if state == "past_due" else 0
    invoices = []
    for months_ago in range(rng.randint(1, 5)):
        total = round(price["amount"] * RATES[currency] * rng.choice([1, 1, 1.25]), digits)
        invoices.append(
            {
                "plan_ids": [plan_id],
                "stripe_id": f"in_demo{number:05d}_{months_ago}",
                "status": "open" if state == "past_due" and months_ago == 0 else "paid",
                "total": int(total) if digits == 0 else total,
                "currency": currency.lower(),
                "created_at": to_epoch_ms(today - timedelta(days=30 * months_ago + 18 + late)),
                "hosted_invoice_url": f"https://billing.example.com/invoices/{number}-{months_ago}",
            }
        )
    return invoices


def _entities(number: int, env: str, today: datetime) -> list[dict[str, Any]]:
    if number % 6:
        return []
    return [
        {
            "id": f"workspace-{number}-{place}",
            "name": place.capitalize(),
            "feature_id": "seats",
            "created_at": to_epoch_ms(today - timedelta(days=100)),
            "env": env,
        }
        for place in ("north", "south")
    ]


def _discounts(number: int, today: datetime) -> list[dict[str, Any]]:
    if number % 9:
        return []
    return [
        {
            "id": "spring",
            "name": "Spring offer",
            "type": "percentage_discount",
            "discount_value": 20,
            "duration_type": "months",
            "duration_value": 6,
            "start": to_epoch_ms(today - timedelta(days=50)),
            "end": to_epoch_ms(today + timedelta(days=130)),
        }
    ]


def _controls(number: int) -> dict[str, Any]:
    controls: dict[str, Any] = {}
    if number % 4 == 0:
        controls["auto_topups"] = [
            {
                "feature_id": "ai_credits",
                "threshold": 50,
                "quantity": 500,
                "enabled": True,
                "purchase_limit": {"interval": "month", "limit": 3},
            }
        ]
    if number % 3 == 0:
        controls["spend_limits"] = [{"feature_id": "api_calls", "enabled": True, "overage_limit": 250.5}]
        controls["usage_alerts"] = [
            {
                "feature_id": "api_calls",
                "threshold": 80,
                "threshold_type": "usage_percentage",
                "enabled": True,
            }
        ]
    return controls
