"""Each order of the customers is read from an index: no page sorts all customers, on neither database."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection

from crm.desk.lists.customers import CUSTOMERS
from crm.desk.lists.paging import Cursor, page_of_rows
from customers import clock
from customers.models import Customer
from tests.desk import refresh_all_facts

pytestmark = pytest.mark.django_db


def plans_of(read: Callable[[], Any]) -> list[str]:
    """The plans of the queries that `read` makes."""
    asked: list[tuple[str, Any]] = []

    def remember(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(remember):
        read()
    verb = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    found = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table of one row is read as a whole otherwise.
            for kind in ("seqscan", "sort", "bitmapscan", "hashjoin", "mergejoin"):
                cursor.execute(f"SET LOCAL enable_{kind} = off")
        for sql, params in asked:
            cursor.execute(f"{verb} {sql}", params)
            found.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return found


def test_each_order_of_the_customers_is_read_from_an_index() -> None:
    Customer.objects.bulk_create(Customer(name=f"Ash {number}") for number in range(60))
    refresh_all_facts()
    # SQLite knows only from its statistics that nearly all customers are current.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    customer = Customer.objects.earliest("pk")
    values: dict[str, Any] = {"name": "ash", "created": clock.now(), "health": 50, "mrr": 1, "due": 1}
    for column in CUSTOMERS.columns:
        order = column.order
        if order is None:
            continue
        place = Cursor(values.get(column.name, clock.now()), str(customer.pk), 50)
        for descending in (False, True):
            places: tuple[dict[str, Any], ...] = ({}, {"after": place}, {"before": place})
            for where in places:
                read = partial(
                    page_of_rows,
                    CUSTOMERS.dress(Customer.objects.current()),
                    order,
                    descending=descending,
                    **where,
                )
                plans = plans_of(read)
                assert plans
                for plan in plans:
                    assert "Sort" not in plan, (column.name, descending, where, plan)
                    assert "TEMP B-TREE" not in plan, (column.name, descending, where, plan)
