"""Converts values of columns to those of the billing document."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import UNSET, UnsetType

from billing.document.schema import Count, NonNegative
from customers.json_types import EpochMs


def moment(value: datetime) -> EpochMs:
    return EpochMs.fromisoformat(value.isoformat())


def nullable_moment(value: datetime | None) -> EpochMs | None:
    return None if value is None else moment(value)


def nullable_figure(value: Decimal | None) -> NonNegative | None:
    return None if value is None else NonNegative(value)


def optional_figure(value: Decimal | None) -> NonNegative | UnsetType:
    return UNSET if value is None else NonNegative(value)


def choice(value: str) -> Any:
    """The value of a choice column, typed as the document's Literal. The column allows only the same values."""
    return value


def optional_count(value: int | None) -> Count | UnsetType:
    return UNSET if value is None else Count(value)
