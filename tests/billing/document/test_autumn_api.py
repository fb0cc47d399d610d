"""Reads of customers by the billing platform's public client, asked by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer
from tests.api.fixtures import error_of
from tests.api.steps import archive, merge
from tests.factories import (
    make_balance,
    make_billing_account,
    make_customer,
    make_invoice,
    make_plan,
    make_subscription,
)

pytestmark = pytest.mark.django_db

LIST = "/v1/customers.list"
GET = "/v1/customers.get"


def ids(page) -> list[str]:
    return [each["id"] for each in page["list"]]


def make_customers(*names: str) -> None:
    """Live customers, each created an hour after the one before."""
    for hour, name in enumerate(names):
        make_customer(external_id=name, created_at=datetime(2024, 8, 26, hour, tzinfo=UTC))


class TestEnvelope:
    def test_it_has_what_every_version_reads(self, ask):
        make_customers("a", "b", "c")
        page = ask(LIST, {"limit": 2})
        documents = page.pop("list")
        cursor = page.pop("next_cursor")
        assert [each["id"] for each in documents] == ["c", "b"]
        assert isinstance(cursor, str)
        assert page == {
            "has_more": True,
            "offset": 0,
            "limit": 2,
            "total": 2,
            "total_count": 3,
            "total_filtered_count": 3,
        }

    def test_the_documents_are_those_of_the_billing_view(self, ask, read):
        customer = make_customer(external_id="acme-42")
        make_subscription(customer=customer)
        make_invoice(customer=customer)
        assert ask(LIST)["list"] == read("/api/v1/billing/customers")["data"]
        assert ask(GET, {"customer_id": "acme-42"}) == read("/api/v1/billing/customers/acme-42")
        assert ask(GET, {"customer_id": "acme-42", "expand": ["invoices"]}) == read(
            "/api/v1/billing/customers/acme-42", expand="invoices"
        )

    def test_nobody_is_a_page_too(self, ask):
        assert ask(LIST) == {
            "list": [],
            "has_more": False,
            "offset": 0,
            "limit": 10,
            "total": 0,
            "total_count": 0,
            "total_filtered_count": 0,
            "next_cursor": None,
        }

    def test_the_names_of_the_addresses(self):
        assert reverse("client-list-customers") == LIST
        assert reverse("client-get-customer") == GET


class TestPaging:
    def test_by_offset(self, ask):
        make_customers("a", "b", "c")
        pages = [ask(LIST, {"offset": offset, "limit": 2}) for offset in (0, 2, 4)]
        assert [ids(page) for page in pages] == [["c", "b"], ["a"], []]
        assert [page["has_more"] for page in pages] == [True, False, False]
        assert [page["offset"] for page in pages] == [0, 2, 4]

    def test_by_cursor(self, ask):
        make_customers("a", "b", "c")
        first = ask(LIST, {"start_cursor": "", "limit": 2})
        make_customer(external_id="new")
        second = ask(LIST, {"start_cursor": first["next_cursor"], "limit": 2})
        assert (ids(first), ids(second), second["next_cursor"]) == (["c", "b"], ["a"], None)

    def test_a_page_by_offset_can_be_gone_on_from_by_cursor(self, ask):
        make_customers("a", "b", "c", "d")
        page = ask(LIST, {"offset": 1, "limit": 2})
        assert ids(page) == ["c", "b"]
        assert ids(ask(LIST, {"start_cursor": page["next_cursor"]})) == ["a"]

    @pytest.mark.parametrize(
        ("body", "version", "limit"),
        [
            (None, None, 10),
            ({}, "2.2.0", 10),
            ({"offset": 0}, None, 10),
            ({"start_cursor": ""}, None, 50),
            ({"start_cursor": ""}, "2.2.0", 50),
            ({}, "2.5.0", 50),
            ({}, "10.0", 50),
            ({}, "newest", 10),
            ({"limit": 5000}, None, 5000),
        ],
    )
    def test_each_version_gets_its_usual_page(self, ask, body, version, limit):
        Customer.objects.bulk_create(Customer(name=str(number)) for number in range(60))
        page = ask(LIST, body, headers={"x-api-version": version} if version else None)
        assert (page["limit"], page["total"]) == (limit, min(limit, 60))

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"limit": 0}, "limit"),
            ({"limit": 5001}, "limit"),
            ({"limit": "ten"}, "limit"),
            ({"offset": -1}, "offset"),
            ({"offset": 2**63 - 1}, "offset"),
            ({"start_cursor": "x"}, "start_cursor"),
            ({"start_cursor": 1}, "start_cursor"),
        ],
    )
    def test_what_is_out_of_bounds_is_refused(self, refuse_body, body, param):
        assert refuse_body(LIST, body)["param"] == param

    def test_one_way_of_paging_at_a_time(self, ask, refuse_body):
        make_customers("a", "b")
        cursor = ask(LIST, {"limit": 1})["next_cursor"]
        assert refuse_body(LIST, {"start_cursor": cursor, "offset": 1})["param"] == "offset"
        assert refuse_body(LIST, {"start_cursor": cursor, "sort_order": "asc"})["param"] == "start_cursor"

    def test_a_page_of_thirty_takes_as_many_queries_as_a_page_of_one(self, api):
        plan = make_plan()
        for _ in range(31):
            customer = make_customer()
            make_subscription(customer=customer, plan=plan)
            make_balance(customer=customer)
        counts = []
        for limit in (1, 30):
            with CaptureQueriesContext(connection) as queries:
                assert api.post(LIST, {"limit": limit}, "application/json").json()["total"] == limit
            counts.append(len(queries))
        assert counts[0] == counts[1] < 25


class TestFilters:
    def test_both_environments_are_listed_unless_the_address_names_one(self, ask, api):
        live, merged, archived = (make_customer(external_id=name) for name in ("live", "merged", "archived"))
        merge(merged, live)
        archive(archived)
        make_customer(external_id="sandbox", env="sandbox")
        assert ids(ask(LIST)) == ["sandbox", "live"]
        assert ids(ask(f"{LIST}?env=live")) == ["live"]
        page = ask(f"{LIST}?env=sandbox")
        assert (ids(page), page["total_count"]) == (["sandbox"], 1)
        assert api.post(f"{LIST}?env=both", {}, "application/json").status_code == 400
        assert api.post(f"{LIST}?limit=1", {}, "application/json").status_code == 400

    def test_by_plan_and_version(self, ask):
        first, second, free = (
            make_plan(plan_id="pro"),
            make_plan(plan_id="pro", version=2),
            make_plan(plan_id="free"),
        )
        for name, plan, status in (
            ("pro1", first, "active"),
            ("pro2", second, "active"),
            ("free", free, "active"),
            ("soon", first, "scheduled"),
            ("gone", first, "ended"),
        ):
            make_subscription(customer=make_customer(external_id=name), plan=plan, status=status)

        def found(**body: Any) -> set[str]:
            page = ask(LIST, body)
            assert (page["total_count"], page["total_filtered_count"]) == (5, page["total"])
            return set(ids(page))

        assert found(plans=[{"id": "pro"}]) == {"pro1", "pro2", "soon"}
        assert found(plans=[{"id": "pro", "versions": [2.0]}]) == {"pro2"}
        assert found(plans=[{"id": "pro", "versions": [1, 3]}, {"id": "free"}]) == {"pro1", "soon", "free"}
        assert found(plans=[{"id": "pro"}], subscription_status="scheduled") == {"soon"}
        assert found(subscription_status="active") == {"pro1", "pro2", "free"}
        assert found(plans=[], search="", processors=[], created_at_range={}, subscription_status=None) == {
            "pro1",
            "pro2",
            "free",
            "soon",
            "gone",
        }

    def test_by_text_in_id_name_or_address(self, ask):
        make_customer(external_id="ACME-1")
        make_customer(external_id="b", name="Acme Trading")
        make_customer(external_id="c", email="sales@acme.example.com")
        make_customer(external_id="d")
        assert set(ids(ask(LIST, {"search": " acme "}))) == {"ACME-1", "b", "c"}

    def test_by_time_both_ends_included(self, ask):
        make_customers("a", "b", "c", "d")
        hour = 1000 * 60 * 60
        midnight = 1724630400000
        make_billing_account(
            customer=make_customer(external_id="billed"),
            created_at=datetime(2024, 8, 26, 1, 30, tzinfo=UTC),
        )
        between = {"start": midnight + hour, "end": midnight + 2.0 * hour}
        assert ids(ask(LIST, {"created_at_range": between})) == ["c", "billed", "b"]
        assert ids(ask(LIST, {"created_at_range": between, "sort_order": "asc"})) == ["b", "billed", "c"]
        assert ids(ask(LIST, {"created_at_range": {"end": midnight}})) == ["a"]

    def test_by_processor(self, ask):
        make_customer(external_id="a", stripe_id="cus_1")
        make_customer(external_id="b")
        assert ids(ask(LIST, {"processors": ["stripe", "vercel"]})) == ["a"]
        assert ids(ask(LIST, {"processors": ["revenuecat"]})) == []

    @pytest.mark.parametrize(
        ("body", "param", "told"),
        [
            ({"serach": "x"}, "serach", "Possible keys: start_cursor, offset, limit, plans"),
            ({"plans": [{"id": "pro", "version": 1}]}, "plans[0]", "version"),
            ({"plans": [{"versions": [1]}]}, "plans[0]", "id"),
            ({"plans": [{"id": "pro", "versions": [1.5]}]}, "plans[0].versions[0]", "whole"),
            ({"plans": "pro"}, "plans", "array"),
            ({"subscription_status": "ended"}, "subscription_status", "active, scheduled"),
            ({"sort_order": "up"}, "sort_order", "asc, desc"),
            ({"processors": ["cash"]}, "processors[0]", "revenuecat, stripe, vercel"),
            ({"search": "x" * 256}, "search", "255"),
            ({"created_at_range": {"start": "today"}}, "created_at_range.start", "milliseconds"),
            ({"created_at_range": {"start": 1e300}}, "created_at_range.start", "out of range"),
        ],
    )
    def test_what_cannot_be_asked_is_refused_with_its_place(self, refuse_body, body, param, told):
        error = refuse_body(LIST, body)
        assert (error["param"], told in error["message"]) == (param, True), error


class TestBody:
    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b"[]",
            b'"x"',
            b"null",
            b"NaN",
            b'{"search": "\\u0000"}',
            b'{"search": "\\ud800"}',
            b'{"search": "\xff"}',
            b'{"limit": 1, "limit": 2}',
            b'{"limit": 1e999}',
            b'{"limit": 99999999999999999999}',
            b"[" * 5000,
            b'{"a":' * 100,
            b"limit=1",
        ],
    )
    def test_what_is_no_strict_json_object_is_refused(self, api, body):
        for address in (LIST, GET):
            response = api.generic("POST", address, body, "application/json")
            assert response.status_code == 400
            error_of(response)

    def test_a_body_that_is_too_large_is_not_read(self, api):
        body = b'{"search": "' + b"x" * 65_536 + b'"}'
        response = api.generic("POST", LIST, body, "application/json")
        assert response.status_code == 413
        assert error_of(response)["code"] == "body_too_large"
        assert "65536" in response.json()["error"]["message"]

    def test_a_body_of_unknown_length_is_refused(self, api):
        response = api.post(LIST, {}, "application/json", headers={"transfer-encoding": "chunked"})
        assert (response.status_code, error_of(response)["code"]) == (400, "length_required")

    @pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "text/plain", ""])
    def test_the_content_type_does_not_matter(self, api, content_type):
        response = api.generic("POST", LIST, b' \xef\xbb\xbf{"limit": 3}'.strip(), content_type)
        assert response.json()["limit"] == 3


class TestGet:
    def test_any_identifier_and_a_live_customer_first(self, ask):
        make_customer(external_id="a/b", email="jane@example.com", name="L")
        make_customer(external_id="a/b", env="sandbox", name="S")
        make_customer(external_id="only", env="sandbox", name="O")
        for identifier, name in (("a/b", "L"), ("jane@example.com", "L"), ("only", "O")):
            assert ask(GET, {"customer_id": identifier})["name"] == name
        assert ask(f"{GET}?env=sandbox", {"customer_id": "a/b"})["name"] == "S"

    def test_nobody(self, refuse_body):
        assert refuse_body(GET, {"customer_id": "nobody"}, 404)["code"] == "customer_not_found"
        assert refuse_body(GET, {"customer_id": ""}, 404)["code"] == "customer_not_found"

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({}, None),
            ({"customer_id": None}, "customer_id"),
            ({"customer_id": "a", "name": "x"}, "name"),
            ({"customer_id": "a", "expand": "invoices"}, "expand"),
            ({"customer_id": "a", "expand": ["invoice_preview"]}, "expand"),
        ],
    )
    def test_what_cannot_be_asked(self, refuse_body, body, param):
        assert refuse_body(GET, body)["param"] == param

    def test_what_can_be_expanded_is_told(self, refuse_body):
        error = refuse_body(GET, {"customer_id": "a", "expand": ["x"]})
        assert "entities, flags.feature, invoice_previews, invoices" in error["message"]


class TestDoor:
    @pytest.mark.parametrize("address", [LIST, GET])
    def test_a_token_or_permission_is_needed(self, client, address):
        make_customer(external_id="a")
        assert client.post(address, {"customer_id": "a"}, "application/json").status_code == 401
        user = User.objects.create_user("viewer")
        client.force_login(user)
        body = {"customer_id": "a"} if address == GET else {}
        assert client.post(address, body, "application/json").status_code == 403
        user.user_permissions.add(Permission.objects.get(codename="view_billingaccount"))
        assert client.post(address, body, "application/json").status_code == 200

    @pytest.mark.parametrize("address", [LIST, GET])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
    def test_they_are_asked_with_post(self, api, address, method):
        response = api.generic(method, address)
        assert (response.status_code, response["Allow"]) == (405, "POST, OPTIONS")

    @pytest.mark.parametrize(
        "address",
        ["/v1/customers.update", "/v1/customers.get_or_create", "/v1/balances.track", "/v1/customers.list/"],
    )
    def test_everything_else_is_read_only(self, address):
        response = Client(enforce_csrf_checks=True).post(address, {}, "application/json")
        assert (response.status_code, response["Allow"]) == (405, "")
        assert "read-only" in error_of(response)["message"]
        assert Client().get(address).status_code == 404
