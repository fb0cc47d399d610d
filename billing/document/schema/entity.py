"""Entities: parts of a customer with balances of their own, such as seats or workspaces."""

from __future__ import annotations

from typing import ClassVar

from billing.document.schema.scalars import Env, Identifier
from customers.json_types import EpochMs, JsonDocument


class Entity(JsonDocument, kw_only=True):
    """An entity of a customer. `feature_id` is the feature that counts such entities."""

    IDENTITY: ClassVar[tuple[str, ...]] = ("id",)

    id: Identifier | None = None
    name: str | None = None
    customer_id: Identifier | None = None
    feature_id: Identifier | None = None
    created_at: EpochMs
    env: Env
