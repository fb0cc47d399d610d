"""The plans and features that the demo company sells, as the billing documents carry them."""

from __future__ import annotations

from typing import Any

CATALOGUE_AT = 1704067200000

FEATURES: dict[str, dict[str, Any]] = {
    "api_calls": {
        "id": "api_calls", "name": "API calls", "type": "metered", "consumable": True, "archived": False,
        "event_names": ["api.call"], "display": {"singular": "API call", "plural": "API calls"},
    },
    "seats": {
        "id": "seats", "name": "Seats", "type": "metered", "consumable": False, "archived": False,
        "display": {"singular": "seat", "plural": "seats"},
    },
    "storage_gb": {"id": "storage_gb", "name": "Storage (GB)", "type": "metered", "consumable": False, "archived": False},
    "small_model": {
        "id": "small_model", "name": "Small model runs", "type": "metered", "consumable": True, "archived": False,
    },
    "large_model": {
        "id": "large_model", "name": "Large model runs", "type": "metered", "consumable": True, "archived": False,
    },
    "ai_credits": {
        "id": "ai_credits", "name": "AI credits", "type": "credit_system", "consumable": True, "archived": False,
        "credit_schema": [
            {"metered_feature_id": "small_model", "credit_cost": 0.2},
            {"metered_feature_id": "large_model", "credit_cost": 3},
        ],
    },
    "sso": {"id": "sso", "name": "Single sign-on", "type": "boolean", "consumable": False, "archived": False},
    "audit_log": {"id": "audit_log", "name": "Audit log", "type": "boolean", "consumable": False, "archived": False},
}  # fmt: skip


def _item(feature: str, included: float = 0, **more: Any) -> dict[str, Any]:
    return {
        "feature_id": feature,
        "included": included,
        "unlimited": False,
        "reset": None,
        "price": None,
        **more,
    }


def _plan(
    plan_id: str, name: str, amount: float | None, interval: str, items: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    return {
        "id": plan_id, "name": name, "description": None, "group": "main", "version": 1, "add_on": False,
        "auto_enable": False, "price": None if amount is None else {"amount": amount, "interval": interval},
        "items": items, "created_at": CATALOGUE_AT, "env": "live", "archived": False, "base_variant_id": None,
        "config": {}, "metadata": {}, **more,
    }  # fmt: skip


MONTHLY = {"interval": "month"}

PLANS: dict[str, dict[str, Any]] = {
    "free": _plan(
        "free", "Free", None, "month", [_item("api_calls", 1000, reset=MONTHLY), _item("seats", 2)], auto_enable=True
    ),
    "pro": _plan(
        "pro", "Pro", 49, "month",
        [
            _item(
                "api_calls", 50000, reset=MONTHLY,
                price={
                    "amount": 0.5, "interval": "month", "billing_units": 1000, "billing_method": "usage_based",
                    "max_purchase": 200000,
                },
                rollover={"max": 10000, "expiry_duration_type": "month", "expiry_duration_length": 2},
            ),
            _item("seats", 10),
            _item("ai_credits", 500, reset=MONTHLY),
        ],
        description="For growing teams",
        free_trial={"duration_length": 14, "duration_type": "day", "card_required": True},
    ),
    "scale": _plan(
        "scale", "Scale", 499.99, "month",
        [
            _item(
                "api_calls", 1000000, reset=MONTHLY,
                price={
                    "tiers": [{"to": 500000, "amount": 0.4}, {"to": "inf", "amount": 0.25}],
                    "tier_behavior": "graduated", "interval": "month", "billing_units": 1000,
                    "billing_method": "usage_based", "max_purchase": None,
                },
            ),
            _item("seats", 50),
            _item("storage_gb", 500),
            _item("ai_credits", 5000, reset=MONTHLY),
            _item("sso", 0),
            _item("audit_log", 0),
        ],
    ),
    "enterprise": _plan(
        "enterprise", "Enterprise", 24000, "year",
        [_item("api_calls", 0, unlimited=True), _item("seats", 500), _item("sso", 0), _item("audit_log", 0)],
        description="Yearly, with everything",
    ),
    "extra_storage": _plan(
        "extra_storage", "Extra storage", 15, "month", [_item("storage_gb", 100)], add_on=True, group=None
    ),
    "credit_pack": _plan(
        "credit_pack", "Credit pack", 99, "one_off", [_item("ai_credits", 2000)], add_on=True, group=None
    ),
}  # fmt: skip
