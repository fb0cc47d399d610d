"""Subscriptions for tests of reports, at a fixed moment."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from customers.models import Customer
from tests.factories import make_plan, make_subscription

NOW = datetime(2026, 4, 15, 12, tzinfo=UTC)
TODAY = date(2026, 4, 15)


def at(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def subscribe(
    customer: Customer, price: int, start: datetime, end: datetime | None = None, **fields: Any
) -> None:
    """A monthly subscription, in USD unless a currency is given."""
    plan = make_plan(
        price_amount=Decimal(price), price_interval="month", currency=fields.pop("currency", "USD")
    )
    status = "ended" if end is not None and end <= NOW else "active"
    make_subscription(
        customer=customer, plan=plan, started_at=start, expires_at=end, status=status, quantity=1, **fields
    )
