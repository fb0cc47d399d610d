"""What lists of rows of customers have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from crm.desk.lists import cells
from crm.desk.lists.column import Cell, May
from crm.desk.lists.customers import found_customers
from customers.formats import (
    BAD,
    GOOD,
    NEWS,
    WAITING,
    customer_url,
)
from customers.typed_ids import to_uuid

#: The color of each kind of state.
STATE_COLORS = {GOOD: "good", NEWS: "info", WAITING: "warn", BAD: "bad"}
#: The customer of the row isn't archived.
CURRENT = Q(customer__archived_at=None)


def of_customers(customers: QuerySet[Any]) -> Q:
    """The row is of one of these customers."""
    return Q(customer__in=customers.values("pk"))


def by_customer(term: str, may: May, prefix: str) -> Q:
    """Rows of the customers that the search finds; the row alone if the term is its ID."""
    if to_uuid(term.lower(), (prefix,)) is not None:
        return Q(pk=term.lower())
    return Q(customer__in=found_customers(term, may))


def customer_cell(row: Any, at: datetime) -> Cell:
    """The name of the row's customer, as a link to its page."""
    return cells.also(customer_url(row.customer_id), str(row.customer))
