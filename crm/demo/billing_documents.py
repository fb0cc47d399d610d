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
#: Of twenty customers, the one whose subscription has ended not long ago. It is in live mode.
LEAVES = 19
#: The share of what is included that each customer in turn has used.
_SHARES = (0.12, 1.2, 0.83, 0.5, 0.62, 0.34, 0.28, 0.55, 0.97, 0.71, 1.0)
_SEATS_TAKEN = (0.3, 0.8, 0.5, 0.6, 1.0)
#: Customers whose usage is recorded day by day, and for how many days.
_WITH_HISTORY, _HISTORY_DAYS = 9, 90
DIGITS = {"JPY": 0, "KWD": 3, "TZS": 2}
#: Rough exchange rates of one US dollar, for plausible amounts.
RATES = {"USD": 1.0, "EUR": 0.9, "GBP": 0.8, "TZS": 2500.0, "KWD": 0.3, "JPY": 150.0, "BRL": 5.0, "INR": 83.0}


def billing_document(
    rng: random.Random, number: int, facts: dict[str, Any], currency: str, today: datetime
) -> dict[str, Any]:
    """The document with the customer's `facts`; `number` decides the state of the subscription."""
    # Number 1 is the customer of the pictures: on the big plan, with an invoice that is late.
    state = STATES[number % len(STATES)]
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
        "invoices": _invoices(rng, number, state, subscriptions, currency, today),
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
    has_left = state == "ended" and number % 20 == LEAVES
    if state == "ended" and not has_left:
        return []
    length = timedelta(days=365 if plan_id == "enterprise" else 30)
    start = today - timedelta(days=rng.randint(1, 300 if plan_id == "enterprise" else 28))
    if state == "scheduled":
        start = today + timedelta(days=rng.randint(2, 20))
    env = facts["env"]
    periods = 0
    if state not in ("trial", "scheduled"):
        known_for = timedelta(milliseconds=to_epoch_ms(start) - facts["created_at"])
        periods = max(0, min(max(number * 7 % 13, 3 * has_left), known_for // length))
    subscription = {
        "id": f"sub_demo{number:05d}",
        "plan_id": plan_id,
        "plan": _plan(plan_id, env),
        "auto_enable": plan_id == "free",
        "add_on": False,
        "status": "scheduled" if state == "scheduled" else "active",
        "past_due": state == "past_due",
        "canceled_at": to_epoch_ms(today - timedelta(days=2 if state == "canceling" else 50))
        if state == "canceling" or has_left
        else None,
        "expires_at": to_epoch_ms(start + length * (state == "canceling"))
        if state == "canceling" or has_left
        else None,
        "trial_ends_at": to_epoch_ms(today + timedelta(days=rng.randint(1, 12)))
        if state == "trial"
        else None,
        "started_at": to_epoch_ms(start - periods * length),
        "current_period_start": None if state == "scheduled" else to_epoch_ms(start),
        "current_period_end": None if state == "scheduled" else to_epoch_ms(start + length),
        "quantity": 1 if has_left else rng.choice([1, 1, 2, 5]),
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
    return [subscription, add_on] if number % 11 == 0 or number == 1 else [subscription]


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
    """Balances that, by `number`, are fresh, near their limit, at it or above it.

    What the first customers use is recorded day by day (`crm.demo.uses`): what resets is as it was before that.
    """
    share = _SHARES[number % len(_SHARES)]
    next_reset = today + timedelta(days=rng.randint(1, 28))
    # Balances of past-due customers are not reset.
    has_history = number <= _WITH_HISTORY and STATES[number % len(STATES)] != "past_due"
    resets_at = to_epoch_ms(_first_reset(next_reset, today) if has_history else next_reset)
    balances: dict[str, Any] = {}
    for position, item in enumerate(PLANS[plan_id]["items"]):
        feature = FEATURES[item["feature_id"]]
        if feature["type"] == "boolean":
            continue
        price = item["price"]
        included = item["included"]
        taken = share if item["reset"] else _SEATS_TAKEN[(number + position) % len(_SEATS_TAKEN)]
        is_unused = item["unlimited"] or (has_history and item["reset"])
        used = 0 if is_unused else round(included * taken)
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
        rollovers = [] if has_history else _rollovers(number, item, today)
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


def _first_reset(next_reset: datetime, today: datetime) -> datetime:
    """The first of the monthly resets within the days whose usage is recorded."""
    day, month, year = min(next_reset.day, 28), next_reset.month, next_reset.year
    first = next_reset.replace(day=day)
    while True:
        month, year = (month - 1, year) if month > 1 else (12, year - 1)
        earlier = first.replace(month=month, year=year)
        if earlier <= today - timedelta(days=_HISTORY_DAYS):
            return first
        first = earlier


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
    rng: random.Random,
    number: int,
    state: str,
    subscriptions: list[dict[str, Any]],
    currency: str,
    today: datetime,
) -> list[dict[str, Any]]:
    """What the subscriptions charged so far; of a customer without any, what the plan cost that it had."""
    plans = [(PLANS[each["plan_id"]], each["quantity"]) for each in subscriptions] or [(PLANS["pro"], 1)]
    charged = sum(plan["price"]["amount"] * quantity for plan, quantity in plans if plan["price"])
    if not charged or state in ("scheduled", "trial"):
        return []
    days = 365 if state == "enterprise" else 30
    digits = DIGITS.get(currency, 2)
    # Payment terms are 45 days: the open invoice of a past-due customer is 18, 41 or 74 days late.
    is_late = state == "past_due" or number == 1
    late = 45 + (0, 23, 56)[number // len(STATES) % 3] if is_late else 0
    invoices = []
    months = 1 if state == "enterprise" else rng.randint(2, 6)
    for months_ago in range(months):
        total = round(charged * RATES[currency], digits)
        invoices.append(
            {
                "plan_ids": [plan["id"] for plan, _ in plans],
                "stripe_id": f"INV-{1000 + number}-{months - months_ago}",
                "status": "open" if is_late and months_ago == 0 else "paid",
                "total": int(total) if digits == 0 else total,
                "currency": currency.lower(),
                "created_at": to_epoch_ms(today - timedelta(days=days * months_ago + 18 + late)),
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
