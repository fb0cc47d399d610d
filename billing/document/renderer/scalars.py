"""Values of ours as the billing document holds them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import UNSET, UnsetType

from billing.document.schema import Count, NonNegative
from customers.json_types import EpochMs


def moment(value: datetime) -> EpochMs:
    """An instant."""
    return EpochMs.fromisoformat(value.isoformat())


def nullable_moment(value: datetime | None) -> EpochMs | None:
    """An instant, null where there is none."""
    return None if value is None else moment(value)


def nullable_figure(value: Decimal | None) -> NonNegative | None:
    """A figure, null where there is none."""
    return None if value is None else NonNegative(value)


def optional_figure(value: Decimal | None) -> NonNegative | UnsetType:
    """A figure, left out where there is none."""
    return UNSET if value is None else NonNegative(value)


def choice(value: str) -> Any:
    """A word that its column restricts to those the document knows."""
    return value


def optional_count(value: int | None) -> Count | UnsetType:
    """A count, left out where there is none."""
    return UNSET if value is None else Count(value)
