"""Lists page by page: everything once, whatever comes or goes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Address, Customer
from tests.api.steps import archive, merge
from tests.factories import MOMENT, make_customer

pytestmark = pytest.mark.django_db

LIST = "/api/v1/customers"


def ids(page) -> list[str]:
    return [each["id"] for each in page["data"]]


@pytest.fixture
def pages(read):
    """All pages of the list, one after another."""

    def pages(**parameters) -> Iterator[list[str]]:
        while True:
            page = read(LIST, **parameters)
            yield ids(page)
            assert page["has_more"] is (page["next_cursor"] is not None)
            if not page["has_more"]:
                return
            parameters["after"] = page["next_cursor"]

    return pages


def test_an_empty_list(read):
    assert read(LIST) == {"data": [], "has_more": False, "next_cursor": None}


def test_the_newest_come_first(read):
    made = [make_customer() for _ in range(3)]
    assert ids(read(LIST)) == [customer.pk for customer in reversed(made)]


def test_fifty_at_a_time_unless_asked_for_more(read):
    Customer.objects.bulk_create(Customer(name=str(number)) for number in range(201))
    assert [len(read(LIST, **asked)["data"]) for asked in ({}, {"limit": 1}, {"limit": 200})] == [50, 1, 200]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.0", "ten", "٣", "1e2", "9" * 5000])
def test_a_limit_out_of_bounds_is_refused(refuse, limit):
    error = refuse(400, LIST, limit=limit)
    assert (error["param"], "from 1 to 200" in error["message"]) == ("limit", True)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("order", ["created_at", "-created_at", "updated_at", "-updated_at", "name", "-name"])
def test_pages_together_are_the_list_even_among_equals(pages, order, size):
    made = [
        make_customer(name=f"N{number // 3}", created_at=MOMENT, updated_at=MOMENT) for number in range(6)
    ]
    expected = [customer.pk for customer in made]
    if order.startswith("-"):
        expected.reverse()
    found = list(pages(order=order, limit=size))
    assert [pk for page in found for pk in page] == expected
    assert [len(page) for page in found] == [size] * (6 // size) + ([6 % size] if 6 % size else [])


def test_a_list_in_order_of_names(pages):
    for name in ("Bea", "", "Abe", "Cal", "Abe"):
        make_customer(name=name)
    (page,) = pages(order="name")
    assert [Customer.objects.get(pk=pk).name for pk in page] == ["", "Abe", "Abe", "Bea", "Cal"]
    (page,) = pages(order="-name")
    assert [Customer.objects.get(pk=pk).name for pk in page] == ["Cal", "Bea", "Abe", "Abe", ""]


def test_who_comes_or_goes_meanwhile_neither_repeats_nor_hides_another(read):
    made = [make_customer(created_at=MOMENT + timedelta(seconds=number)) for number in range(6)]
    newest_first = [customer.pk for customer in reversed(made)]
    first = read(LIST, limit=2)
    make_customer()
    Customer.objects.filter(pk=newest_first[1]).delete()
    late = make_customer(created_at=made[0].created_at)
    second = read(LIST, limit=2, after=first["next_cursor"])
    archive(Customer.objects.get(pk=newest_first[3]))
    third = read(LIST, limit=9, after=second["next_cursor"])
    assert ids(first) + ids(second) + ids(third) == [*newest_first[:5], late.pk, newest_first[5]]


def test_a_cursor_stays_short_however_long_the_names_are(pages, read):
    name = "株" * 3000
    made = [make_customer(name=f"{name}{number}") for number in range(3)]
    assert [pk for page in pages(order="name", limit=1) for pk in page] == [customer.pk for customer in made]
    assert len(quote(read(LIST, order="name", limit=1)["next_cursor"])) < 1500


def test_a_cursor_belongs_to_its_order(read, refuse):
    make_customer()
    make_customer()
    cursor = read(LIST, limit=1)["next_cursor"]
    for order in ("created_at", "name", "-updated_at"):
        error = refuse(400, LIST, after=cursor, order=order)
        assert (error["code"], error["param"]) == ("invalid_parameter", "after")
    assert len(read(LIST, after=cursor, order="-created_at")["data"]) == 1


@pytest.mark.parametrize("change", [lambda it: it[:-1], lambda it: it[1:], str.upper, lambda it: it + "é"])
def test_a_cursor_that_was_tampered_with_is_refused(read, refuse, change):
    make_customer()
    make_customer()
    assert refuse(400, LIST, after=change(read(LIST, limit=1)["next_cursor"]))["param"] == "after"


@pytest.mark.parametrize("cursor", ["x", "a:b", ":", "eyJ4IjoxfQ:aGVsbG8", "é", "0", "a" * 5000])
def test_what_is_no_cursor_is_refused(refuse, cursor):
    assert "start at the beginning" in refuse(400, LIST, after=cursor)["message"]


@pytest.mark.parametrize("order", ["", "id", "password", "created_at,name", "--name", "?"])
def test_an_order_that_is_not_on_the_list_is_refused(refuse, order):
    assert refuse(400, LIST, order=order)["param"] == "order"


def test_merged_customers_are_never_listed_and_archived_ones_when_asked_for(read):
    survivor, merged, archived = make_customer(), make_customer(), make_customer()
    merge(merged, survivor)
    archive(archived)
    assert ids(read(LIST)) == ids(read(LIST, archived="false")) == [survivor.pk]
    assert ids(read(LIST, archived="true")) == [archived.pk, survivor.pk]


def test_a_page_of_thirty_takes_as_many_queries_as_a_page_of_one(api):
    for _ in range(31):
        customer = make_customer()
        Address.objects.create(customer=customer, is_default=True, city="Springfield")
    counts = []
    for limit in (1, 30):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(api.get(LIST, {"limit": limit}).json()["data"]) == limit
        counts.append(len(queries))
    # The token, the customers, their addresses, their payment methods, what was not understood of their records.
    assert counts == [5, 5]


def test_the_lists_of_a_customer_are_paged_too(read):
    customer = make_customer()
    made = [
        Address.objects.create(customer=customer, position=position, city=str(position))
        for position in (2, 0, 1, 1)
    ]
    Address.objects.create(customer=make_customer(), city="elsewhere")
    address = f"/api/v1/customers/{customer.pk}/addresses"
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = read(address, limit=1, **after)
        seen += ids(page)
        if not page["has_more"]:
            break
        after = {"after": page["next_cursor"]}
    assert seen == [made[1].pk, made[2].pk, made[3].pk, made[0].pk]
    positions = [each["city"] for each in read(address, order="-position")["data"]]
    assert all(later <= earlier for earlier, later in pairwise(positions))
