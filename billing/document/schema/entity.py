"""The parts of a customer that have balances of their own: seats, workspaces."""

from __future__ import annotations

from billing.document.schema.scalars import Env, Identifier
from customers.json_types import EpochMs, JsonDocument


class Entity(JsonDocument, kw_only=True):
    """One of a customer's entities; `feature_id` is the feature that counts them."""

    id: Identifier | None = None
    name: str | None = None
    customer_id: Identifier | None = None
    feature_id: Identifier | None = None
    created_at: EpochMs
    env: Env
