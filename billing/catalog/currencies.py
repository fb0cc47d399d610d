"""The prices of a plan in several currencies.

A plan has its prices in its own currency, and may have them in others, each stated, none converted. It is sold in a
currency only if all its prices have it; a price of 0 is 0 in every currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.models import Plan, PlanItem
from billing.rules.money import is_known


class NoPrice(ValueError):
    """A plan has no price in a currency; the message says which and where."""


@dataclass(frozen=True, slots=True)
class ItemPrice:
    """The price of an item in one currency: an amount or tiers, as columns store them."""

    amount: Decimal | None
    tiers: list[dict[str, Any]] | None


def base_price_in(plan: Plan, currency: str) -> Decimal | None:
    """The base price of a plan in a currency; None if the plan has no base price. Raises `NoPrice`."""
    amount: Decimal | None = plan.price_amount
    if not amount or currency == plan.currency:
        return amount
    return _stated(plan.additional_currencies, "amount", currency, f"{plan} has no base price in {currency}")


def item_price_in(item: PlanItem, plan: Plan, currency: str) -> ItemPrice:
    """The price of an item of the plan in a currency. Raises `NoPrice`."""
    if currency == plan.currency:
        return ItemPrice(item.price_amount, item.price_tiers)
    missing = f"{plan} has no price for {item.feature} in {currency}"
    amount: Decimal | None = item.price_amount
    if amount:
        amount = _stated(item.additional_currencies, "amount", currency, missing)
    tiers = item.price_tiers and [_tier_in(tier, currency, missing) for tier in item.price_tiers]
    return ItemPrice(amount, tiers)


def currencies_of(plan: Plan, items: Iterable[PlanItem]) -> list[str] | None:
    """The currencies in which the plan is sold, its own first; None if nothing of it costs anything."""
    listed = [plan.additional_currencies] if plan.price_amount else []
    for item in items:
        if item.price_amount:
            listed.append(item.additional_currencies)
        listed += [tier.get("additional_currencies") for tier in item.price_tiers or () if _has_price(tier)]
    if not listed:
        return None
    others = dict.fromkeys(_code(each) for entries in listed for each in entries or ())
    return [
        plan.currency,
        *(code for code in others if code != plan.currency and _is_sold(plan, items, code)),
    ]


def _is_sold(plan: Plan, items: Iterable[PlanItem], currency: str) -> bool:
    try:
        base_price_in(plan, currency)
        for item in items:
            item_price_in(item, plan, currency)
    except NoPrice:
        return False
    return is_known(currency)


def _tier_in(tier: Mapping[str, Any], currency: str, missing: str) -> dict[str, Any]:
    """The tier with its amounts in the currency."""
    found: dict[str, Any] = {"to": tier.get("to")}
    for name in ("amount", "flat_amount"):
        amount = tier.get(name)
        if amount is not None and Decimal(str(amount)):
            amount = str(_stated(tier.get("additional_currencies"), name, currency, missing))
        found[name] = amount
    return found


def _has_price(tier: Mapping[str, Any]) -> bool:
    return any(Decimal(str(tier.get(name) or 0)) for name in ("amount", "flat_amount"))


def _stated(others: Any, name: str, currency: str, missing: str) -> Decimal:
    for each in others or ():
        if _code(each) == currency and each.get(name) is not None:
            return Decimal(str(each[name]))
    raise NoPrice(missing)


def _code(entry: Mapping[str, Any]) -> str:
    return str(entry["currency"]).upper()
