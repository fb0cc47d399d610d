"""Lists filter by custom fields from an index, and on PostgreSQL sort from one."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from crm.desk.lists.custom_columns import with_custom_fields
from crm.desk.lists.customers import CUSTOMERS
from crm.desk.lists.paging import Cursor, page_of_rows
from crm.desk.segments.filter import FilterContext
from crm.desk.segments.query import Query
from customers import clock
from customers.models import Customer
from tests.crm.desk.lists.test_plans import PLACES, SORTS, plans_of
from tests.desk import refresh_all_facts
from tests.factories import make_customer, make_field_definition

pytestmark = pytest.mark.django_db

KINDS = ("text", "number", "date", "yes_no")


@pytest.fixture(autouse=True)
def _rows() -> None:
    """Sixty customers, each with a value of each type but yes or no."""
    for kind in KINDS:
        make_field_definition(name=kind, label=kind, type=kind, origin="payments", key=kind)
    for number in range(60):
        data = {"text": f"Ash {number}", "number": number, "date": f"2026-03-{number % 28 + 1:02}"}
        make_customer(custom_data={**data, "yes_no": number % 2 == 0} if number % 3 else data)
    refresh_all_facts()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("descending", [False, True])
# SQLite sorts where there are few customers.
@pytest.mark.postgresql
def test_each_order_is_read_from_an_index(kind: str, descending: bool) -> None:
    row_list = with_custom_fields(CUSTOMERS)
    column = row_list.column(f"custom.{kind}")
    assert column is not None
    assert column.order is not None
    place = Cursor(PLACES[column.order.read], str(Customer.objects.earliest("pk").pk), 50)
    rows = row_list.dress(Customer.objects.current())
    places: tuple[dict[str, Any], ...] = ({}, {"after": place}, {"before": place})
    for where in places:
        plans = plans_of(partial(page_of_rows, rows, column.order, descending=descending, **where))
        assert plans
        for plan in plans:
            assert not SORTS.search(plan), (kind, descending, where, plan)


@pytest.mark.parametrize(
    ("address", "index"),
    [
        ("custom.text=ash+5", "field_facts_by_sort"),
        ("custom.yes_no=yes", "field_facts_by_sort"),
        ("custom.number_from=58", "field_facts_by_number"),
        ("custom.date_to=2026-03-02", "field_facts_by_day"),
        ("custom.text_is=misfit", "field_facts_by_fit"),
    ],
)
def test_each_filter_is_read_from_an_index(address: str, index: str) -> None:
    query = Query.read(QueryDict(address))
    rows = query.customers(FilterContext(None, clock.now()))
    [plan] = plans_of(lambda: list(rows[:50]))
    # The rows of the field that match, or for each customer its one row.
    once = "sqlite_autoindex_crm_fieldfacts_1" if connection.vendor == "sqlite" else "field_facts_once"
    assert index in plan or once in plan, plan
    assert "Seq Scan on crm_fieldfacts" not in plan
