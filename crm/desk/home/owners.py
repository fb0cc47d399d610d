"""Whose customers the home page counts."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

#: IDs of account managers; None for all customers.
Owners = Collection[Any] | None
