"""What every list of rows of customers has in common: paging, access, its customer filters, a fixed number of queries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from tests.api.fixtures import error_of
from tests.api.steps import archive, merge
from tests.factories import (
    make_balance,
    make_company,
    make_contact,
    make_customer,
    make_customer_tag,
    make_domain,
    make_entity,
    make_feature,
    make_grant,
    make_invoice,
    make_invoice_line,
    make_note,
    make_person,
    make_plan,
    make_plan_item,
    make_rollover,
    make_segment,
    make_subscription,
    make_tag,
    make_task,
    make_user,
    make_worklist_entry,
    make_worklist_reason,
)

pytestmark = pytest.mark.django_db


def make_listed_invoice(customer: Customer) -> Any:
    """An invoice of a seat, with a line."""
    entity = make_entity(customer=customer)
    subscription = make_subscription(customer=customer, entity=entity)
    invoice = make_invoice(customer=customer, subscription=subscription)
    make_invoice_line(invoice=invoice, plan=make_plan())
    return invoice


def make_listed_subscription(customer: Customer) -> Any:
    """A seat's subscription of a plan with an item."""
    plan = make_plan()
    make_plan_item(plan=plan)
    return make_subscription(customer=customer, plan=plan, entity=make_entity(customer=customer))


def make_listed_balance(customer: Customer) -> Any:
    """A balance with a grant and a rollover."""
    balance = make_balance(customer=customer)
    make_rollover(balance=balance, grant=make_grant(balance=balance))
    return balance


def make_listed_company(customer: Customer) -> Any:
    """A company with a domain."""
    make_domain(customer=customer)
    return make_company(customer=customer)


def make_listed_person(customer: Customer) -> Any:
    """A contact."""
    return make_contact(customer=customer).person


def make_listed_entry(customer: Customer) -> Any:
    """A worklist entry with two reasons."""
    entry = make_worklist_entry(customer=customer)
    make_worklist_reason(entry=entry)
    make_worklist_reason(entry=entry)
    return entry


@dataclass(frozen=True)
class Rows:
    """A list, how to make a row of it, and what it needs."""

    path: str
    make: Callable[[Customer], Any]
    permissions: tuple[str, ...]
    expand: str
    orders: tuple[str, ...]
    #: The token, the rows, and what their documents need.
    queries: int
    shown_id: str = "pk"


_BY_ID = ("id", "-id")
LISTS = [
    Rows(
        "/api/v1/invoices",
        make_listed_invoice,
        ("view_invoice",),
        "customer,items",
        (*_BY_ID, "created_at", "-created_at"),
        5,
    ),
    Rows(
        "/api/v1/subscriptions",
        make_listed_subscription,
        ("view_subscription",),
        "customer,plan",
        (*_BY_ID, "started_at", "-started_at"),
        7,
        "subscription_id",
    ),
    Rows("/api/v1/balances", make_listed_balance, ("view_balance",), "customer,feature", _BY_ID, 9),
    Rows(
        "/api/v1/companies", make_listed_company, ("view_company",), "customer", (*_BY_ID, "name", "-name"), 4
    ),
    Rows("/api/v1/people", make_listed_person, ("view_person",), "customer", (*_BY_ID, "name", "-name"), 5),
    Rows(
        "/api/v1/notes",
        lambda customer: make_note(customer=customer, author=make_user()),
        ("view_note",),
        "customer",
        (*_BY_ID, "created_at", "-created_at"),
        3,
    ),
    Rows(
        "/api/v1/tasks",
        lambda customer: make_task(customer=customer, owner=make_user()),
        ("view_task",),
        "customer",
        (*_BY_ID, "created_at", "-created_at"),
        3,
    ),
    Rows(
        "/api/v1/worklist",
        make_listed_entry,
        ("view_customer", "view_worklistentry"),
        "customer",
        ("weight", "-weight"),
        4,
    ),
]

each_list = pytest.mark.parametrize("listed", LISTS, ids=[each.path.rpartition("/")[2] for each in LISTS])


def ids(page: Any) -> list[str]:
    return [each["id"] for each in page["data"]]


@each_list
class TestEveryList:
    def test_it_is_empty_without_rows(self, read, listed):
        assert read(listed.path) == {"data": [], "has_more": False, "next_cursor": None}

    def test_pages_together_are_the_list_in_every_order(self, read, listed):
        made = [getattr(listed.make(make_customer()), listed.shown_id) for _ in range(5)]
        for order in listed.orders:
            found: list[str] = []
            after: dict[str, str] = {}
            while True:
                page = read(listed.path, order=order, limit=2, **after)
                found += ids(page)
                assert page["has_more"] is (page["next_cursor"] is not None)
                if not page["has_more"]:
                    break
                after = {"after": page["next_cursor"]}
            assert sorted(found) == sorted(made)
            assert found == ids(read(listed.path, order=order))
            if order.endswith("id"):
                assert found == (made if order == "id" else made[::-1])

    def test_a_page_of_ten_takes_as_many_queries_as_a_page_of_one(self, api, listed):
        for _ in range(11):
            listed.make(make_customer())
        counts = []
        for limit in (1, 10):
            with CaptureQueriesContext(connection) as queries:
                page = api.get(listed.path, {"limit": limit, "expand": listed.expand}).json()
            assert len(page["data"]) == limit
            counts.append(len(queries))
        assert counts == [listed.queries, listed.queries]

    def test_it_needs_a_token_or_permission(self, client, listed):
        listed.make(make_customer())
        assert client.get(listed.path).status_code == 401
        user = User.objects.create_user("viewer")
        client.force_login(user)
        for codename in listed.permissions:
            response = client.get(listed.path)
            assert (response.status_code, error_of(response)["code"]) == (403, "forbidden")
            user.user_permissions.add(Permission.objects.get(codename=codename))
        assert client.get(listed.path).status_code == 200

    def test_customers_are_expanded_for_those_who_may_view_them(self, client, read, listed):
        customer = make_customer(external_id="acme-42", name="Acme", email="acme@example.com")
        listed.make(customer)
        (row,) = read(listed.path, expand="customer")["data"]
        summary = row["contact_of"][0]["customer"] if "contact_of" in row else row["customer"]
        assert summary == {
            "id": customer.pk,
            "external_id": "acme-42",
            "name": "Acme",
            "email": "acme@example.com",
            "env": "live",
            "status": "active",
        }
        (row,) = read(listed.path)["data"]
        assert "customer" not in (row["contact_of"][0] if "contact_of" in row else row)
        if "view_customer" not in listed.permissions:
            user = User.objects.create_user("viewer")
            user.user_permissions.set(Permission.objects.filter(codename__in=listed.permissions))
            client.force_login(user)
            response = client.get(listed.path, {"expand": "customer"})
            assert response.status_code == 403
            assert "customers.view_customer" in error_of(response)["message"]

    def test_by_any_identifier_of_the_customer(self, read, listed):
        survivor = make_customer(external_id="acme-42", email="acme@example.com", stripe_id="cus_stripe")
        merged = make_customer()
        merge(merged, survivor)
        row = getattr(listed.make(survivor), listed.shown_id)
        listed.make(make_customer())
        for identifier in (survivor.pk, "acme-42", "cus_stripe", "acme@example.com", merged.pk):
            assert ids(read(listed.path, customer=identifier)) == [row]

    def test_an_unknown_customer_is_404(self, refuse, listed):
        error = refuse(404, listed.path, customer="nobody")
        assert (error["code"], error["param"]) == ("customer_not_found", "customer")

    def test_an_identifier_of_several_is_not_guessed_at(self, refuse, listed):
        for _ in range(2):
            make_customer(email="office@example.com")
        error = refuse(400, listed.path, customer="office@example.com")
        assert (error["code"], error["param"]) == ("ambiguous_identifier", "customer")

    def test_by_environment(self, read, listed):
        live = listed.make(make_customer(external_id="acme-42"))
        sandbox = listed.make(make_customer(external_id="acme-42", env="sandbox"))
        for env, row in (("live", live), ("sandbox", sandbox)):
            assert ids(read(listed.path, env=env)) == [getattr(row, listed.shown_id)]
            assert ids(read(listed.path, env=env, customer="acme-42")) == [getattr(row, listed.shown_id)]

    def test_by_tag_and_segment(self, read, refuse, listed):
        tagged = make_customer(status="suspended")
        make_customer_tag(customer=tagged, tag=make_tag(name="Pilot"))
        row = getattr(listed.make(tagged), listed.shown_id)
        listed.make(make_customer())
        make_segment(name="Stopped", query={"status": ["suspended"]}, is_shared=True)
        assert ids(read(listed.path, tag="pilot")) == [row]
        assert ids(read(listed.path, tag="other")) == []
        assert ids(read(listed.path, segment="Stopped")) == [row]
        assert ids(read(listed.path, segment="Stopped", tag="pilot", env="live")) == [row]
        assert ids(read(listed.path, segment="Stopped", env="sandbox")) == []
        assert refuse(400, listed.path, segment="none")["param"] == "segment"

    def test_rows_of_archived_customers_when_asked_for(self, read, refuse, listed):
        archived = make_customer(external_id="old")
        row = getattr(listed.make(archived), listed.shown_id)
        archive(archived)
        assert ids(read(listed.path, customer="old")) == [row]
        if listed.path.endswith("people"):
            assert ids(read(listed.path)) == [row]
            return
        assert ids(read(listed.path)) == []
        assert ids(read(listed.path, archived="true")) == [row]

    @pytest.mark.parametrize(
        "bad", [{"limit": "0"}, {"after": "x"}, {"order": "nonsense"}, {"expand": "customer,nonsense"}]
    )
    def test_a_bad_value_is_refused_with_its_parameter(self, refuse, listed, bad):
        error = refuse(400, listed.path, **bad)
        assert (error["code"], error["param"]) == ("invalid_parameter", next(iter(bad)))

    def test_an_unknown_parameter_is_refused(self, refuse, listed):
        assert refuse(400, listed.path, nonsense="1")["code"] == "unknown_parameter"


@pytest.mark.parametrize(
    ("path", "make", "permission", "orders"),
    [
        ("/api/v1/plans", make_plan, "view_plan", ("id", "-id", "name", "created_at")),
        ("/api/v1/features", make_feature, "view_feature", ("id", "-id", "name")),
    ],
)
class TestCatalog:
    def test_pages_together_are_the_list(self, read, path, make, permission, orders):
        for _ in range(5):
            make()
        for order in orders:
            first = read(path, order=order, limit=3)
            second = read(path, order=order, limit=3, after=first["next_cursor"])
            assert ids(first) + ids(second) == ids(read(path, order=order))
            assert len(ids(second)) == 2

    def test_it_needs_permission(self, path, make, permission, orders):
        client = Client()
        assert client.get(path).status_code == 401
        user = User.objects.create_user("viewer")
        client.force_login(user)
        assert client.get(path).status_code == 403
        user.user_permissions.add(Permission.objects.get(codename=permission))
        assert client.get(path).status_code == 200

    def test_a_page_of_ten_takes_as_many_queries_as_a_page_of_one(self, api, path, make, permission, orders):
        for _ in range(11):
            row = make()
            if path.endswith("plans"):
                make_plan_item(plan=row, feature=make_feature(archived=True))
        counts = []
        for limit in (1, 10):
            with CaptureQueriesContext(connection) as queries:
                assert len(api.get(path, {"limit": limit}).json()["data"]) == limit
            counts.append(len(queries))
        # The token, the rows, credit costs; of plans their items too.
        assert counts == ([4, 4] if path.endswith("plans") else [3, 3])


def test_managers_are_in_the_list_of_people_without_being_contacts(read):
    boss = make_person(name="Boss")
    person = make_contact(person=make_person(name="Jane", manager=boss)).person
    assert set(ids(read("/api/v1/people"))) == {boss.pk, person.pk}
    (jane,) = read("/api/v1/people", q="jane")["data"]
    assert jane["metadata"]["manager"]["name"] == "Boss"
    assert ids(read("/api/v1/people", env="live")) == [person.pk]
