"""Each order of each list is read from an index: no page sorts all rows, on neither database."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from crm.desk.lists import paging
from crm.desk.lists.balances import BALANCES
from crm.desk.lists.column import RowList
from crm.desk.lists.companies import COMPANIES
from crm.desk.lists.customers import CUSTOMERS
from crm.desk.lists.invoices import INVOICES
from crm.desk.lists.paging import Cursor, page_of_rows
from crm.desk.lists.people import PEOPLE
from crm.desk.lists.subscriptions import SUBSCRIPTIONS
from crm.desk.lists.tasks import TASKS
from crm.desk.lists.urls import LISTS
from customers.models import Customer
from tests.desk import refresh_all_facts
from tests.factories import (
    make_balance,
    make_company,
    make_contact,
    make_customer,
    make_feature,
    make_grant,
    make_invoice,
    make_person,
    make_plan,
    make_subscription,
    make_task,
)

pytestmark = pytest.mark.django_db


def plans_of(read: Callable[[], Any]) -> list[str]:
    """The plans of the queries of a page that `read` makes."""
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
            cursor.execute("SET LOCAL jit = off")
        for sql, params in asked:
            # The rows of a page; what belongs to them is fetched by their IDs.
            if "LIMIT" not in sql:
                continue
            cursor.execute(f"{verb} {sql}", params)
            found.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return found


#: A place of each kind.
PLACES: dict[Any, Any] = {
    paging.text: "ash",
    paging.whole: 1,
    paging.share: 1.0,
    paging.moment: datetime(2026, 3, 10, tzinfo=UTC),
    paging.day: date(2026, 3, 10),
}
#: A step that sorts more than the rows with one value: PostgreSQL's, and SQLite's.
SORTS = re.compile(r"^\s*(->\s+)?Sort\s+\(|TEMP B-TREE FOR ORDER BY|USE SORTER", re.MULTILINE)


@pytest.fixture
def _rows() -> None:
    """Sixty customers, each with a row in each list."""
    plan, feature = make_plan(), make_feature()
    for number in range(60):
        text = f"Ash {number}"
        customer = make_customer(name=text, email=f"{number}@example.com")
        make_subscription(customer=customer, plan=plan)
        make_invoice(customer=customer, status="open")
        make_grant(balance=make_balance(customer=customer, feature=feature))
        make_company(customer=customer, industry=text, location=text)
        person = make_person(title=text, location=text, email=f"{number}@example.com")
        make_contact(customer=customer, person=person)
        make_task(customer=customer)
    refresh_all_facts()
    # SQLite knows only from its statistics that nearly all customers are current.
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def rows_of(row_list: RowList) -> QuerySet[Any]:
    """The rows that a list shows without a filter."""
    if row_list is CUSTOMERS:
        return row_list.dress(Customer.objects.current())
    rows = row_list.rows()
    return row_list.dress(rows if row_list.current is None else rows.filter(row_list.current))


@pytest.mark.usefixtures("_rows")
def test_each_order_is_read_from_an_index() -> None:
    orders = [
        (row_list, column, column.order)
        for row_list in LISTS
        for column in row_list.columns
        if column.order is not None
    ]
    keys = {row_list.name: str(row_list.rows().earliest("pk").pk) for row_list in LISTS}
    for row_list, column, order in orders:
        key = keys[row_list.name]
        place = Cursor(PLACES[order.read], key, 50)
        for descending in (False, True):
            places: tuple[dict[str, Any], ...] = ({}, {"after": place}, {"before": place})
            for where in places:
                plans = plans_of(
                    partial(page_of_rows, rows_of(row_list), order, descending=descending, **where)
                )
                assert plans
                for plan in plans:
                    assert not SORTS.search(plan), (row_list.name, column.name, descending, where, plan)


@pytest.mark.once
@pytest.mark.parametrize(
    ("row_list", "unsorted"),
    [
        (CUSTOMERS, ["Tags", "Phone"]),
        (COMPANIES, ["Domain", "Phone"]),
        (PEOPLE, ["Customers", "Phone"]),
        (SUBSCRIPTIONS, []),
        (INVOICES, []),
        (BALANCES, []),
        (TASKS, ["Assignee"]),
    ],
)
def test_only_columns_that_nobody_sorts_by_have_no_order(row_list: RowList, unsorted: list[str]) -> None:
    assert [column.label for column in row_list.columns if column.order is None] == unsorted
