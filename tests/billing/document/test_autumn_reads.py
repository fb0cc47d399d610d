"""The other reads of the billing platform's public client, asked by hand."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import autumn_sdk
import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import UsageLimit
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from customers.models import Customer
from tests.api.fixtures import error_of
from tests.api.steps import archive, merge
from tests.api.test_openapi import PATHS
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_customer,
    make_entity,
    make_feature,
    make_flag,
    make_grant,
    make_invoice,
    make_overage_allowed,
    make_plan,
    make_plan_item,
    make_posting,
    make_purchase,
    make_rollover,
    make_spend_limit,
    make_subscription,
    make_usage_limit,
)

pytestmark = pytest.mark.django_db

MOMENT = datetime(2024, 8, 26, 12, 15, tzinfo=UTC)
MOMENT_MS = 1724674500000

SUBSCRIPTIONS, PURCHASES = "/v1/subscriptions.list", "/v1/purchases.list"
BALANCES, INVOICES = "/v1/balances.list", "/v1/invoices.list"
ENTITIES, EVENTS = "/v1/entities.list", "/v1/events.list"

#: How to make one row of each list, and what it needs permission for.
LISTS = {
    SUBSCRIPTIONS: (lambda customer: make_subscription(customer=customer), "view_subscription"),
    PURCHASES: (lambda customer: make_purchase(customer=customer), "view_purchase"),
    BALANCES: (lambda customer: make_grant(balance=make_balance(customer=customer)), "view_balance"),
    INVOICES: (lambda customer: make_invoice(customer=customer), "view_invoice"),
    ENTITIES: (lambda customer: make_entity(customer=customer), "view_entity"),
    EVENTS: (
        lambda customer: make_posting(customer=customer, feature=make_feature(), amount=Decimal(2)),
        "view_posting",
    ),
}

#: Reads of what Clientele doesn't hold, or of what the platform would do.
NOT_HELD = {
    "billing.preview_attach",
    "billing.preview_multi_attach",
    "billing.preview_multi_update",
    "billing.preview_update",
    "billing.verify",
    "logs.search",
    "platform.get_revenuecat_keys",
    "platform.get_stripe_connection",
    "referral_programs.get",
    "rewards.get",
    "webhooks.get",
    "webhooks.preview_sync",
}


def owners(page: Any) -> list[str]:
    return [each["customer_id"] for each in page["list"]]


def test_every_request_of_the_client_is_served_or_says_why_not(api):
    sources = Path(autumn_sdk.__file__).parent.glob("*.py")
    paths = {path for source in sources for path in re.findall(r'path="(/v1/[^"]+)"', source.read_text())}
    served = {path for path in PATHS if path.startswith("/v1/")}
    assert served < paths
    assert len(paths - served) > 60
    for path in paths - served:
        response = api.post(path, {}, "application/json")
        is_read = path.removeprefix("/v1/") in NOT_HELD
        error = error_of(response)
        assert (response.status_code, error["code"]) == (
            (404, "not_found") if is_read else (405, "read_only")
        ), path


@pytest.mark.parametrize("path", LISTS)
class TestEveryList:
    def test_of_all_customers_page_by_page_newest_first(self, ask, path):
        make, _ = LISTS[path]
        for number in range(5):
            make(make_customer(external_id=f"acme-{number}"))
        make(sandbox := make_customer(external_id="sandbox", env="sandbox"))
        make(old := make_customer(external_id="old"))
        archive(old)
        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = ask(path, {"start_cursor": cursor, "limit": 4})
            assert page["has_more"] is (page["next_cursor"] is not None)
            found += owners(page)
            cursor = page["next_cursor"]
        assert found == ["sandbox", "acme-4", "acme-3", "acme-2", "acme-1", "acme-0"]
        assert owners(ask(f"{path}?env=sandbox")) == [sandbox.external_id]

    def test_of_one_customer_by_any_identifier(self, ask, refuse_body, path):
        make, _ = LISTS[path]
        survivor = make_customer(email="acme@example.com")
        merged = make_customer(external_id="old")
        merge(merged, survivor)
        make(survivor)
        make(make_customer())
        for identifier in (survivor.pk, "old", "acme@example.com"):
            assert owners(ask(path, {"customer_id": identifier})) == [survivor.pk]
        error = refuse_body(path, {"customer_id": "nobody"}, 404)
        assert (error["code"], error["param"]) == ("customer_not_found", "customer_id")
        archive(Customer.objects.get(pk=survivor.pk))
        assert owners(ask(path, {"customer_id": "old"})) == [survivor.pk]

    def test_a_page_of_ten_takes_as_many_queries_as_a_page_of_one(self, api, path):
        make, _ = LISTS[path]
        for _ in range(11):
            make(make_customer())
        counts = []
        for limit in (1, 10):
            with CaptureQueriesContext(connection) as queries:
                page = api.post(path, {"limit": limit}, "application/json").json()
            assert len(page["list"]) == limit
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 17

    def test_it_needs_permission(self, client, path):
        assert client.post(path, {}, "application/json").status_code == 401
        user = User.objects.create_user("viewer")
        client.force_login(user)
        assert client.post(path, {}, "application/json").status_code == 403
        user.user_permissions.add(Permission.objects.get(codename=LISTS[path][1]))
        assert client.post(path, {}, "application/json").status_code == 200

    @pytest.mark.parametrize(
        "body", [{"limit": 0}, {"limit": 5001}, {"start_cursor": "x"}, {"customer_id": 1}, {"nonsense": 1}]
    )
    def test_what_cannot_be_asked_is_refused_with_its_key(self, refuse_body, path, body):
        assert refuse_body(path, body)["param"] == next(iter(body))


class TestRows:
    def test_subscriptions(self, ask):
        customer = make_customer(external_id="acme-42")
        entity = make_entity(customer=customer, entity_id="seat-1")
        plan = make_plan(plan_id="pro")
        make_subscription(customer=customer, subscription_id="a", plan=plan)
        make_subscription(customer=customer, subscription_id="l", past_due=True, entity=entity)
        make_subscription(customer=customer, subscription_id="s", status="scheduled")
        make_subscription(customer=customer, subscription_id="e", status="ended", started_at=MOMENT)

        def found(**body: Any) -> list[str]:
            return sorted(each["id"] for each in ask(SUBSCRIPTIONS, body)["list"])

        assert found() == ["a", "l", "s"]
        assert found(statuses=["past_due"]) == found(entity_id="seat-1") == ["l"]
        assert found(statuses=["expired", "scheduled"]) == ["e", "s"]
        assert found(plan_id="pro") == ["a"]
        (ended,) = ask(SUBSCRIPTIONS, {"statuses": ["expired"]})["list"]
        assert (ended["status"], ended["customer_id"], ended["scope"]) == ("expired", "acme-42", "customer")
        assert ended["started_at"] == MOMENT_MS

    def test_purchases(self, ask):
        over = make_purchase(expires_at=MOMENT, plan=make_plan(plan_id="pack"), quantity=2)
        make_purchase(removed_at=MOMENT)
        kept = make_purchase(expires_at=timezone.now() + timedelta(days=1))

        def found(**body: Any) -> list[str]:
            return [each["id"] for each in ask(PURCHASES, body)["list"]]

        assert found() == [kept.pk]
        assert found(statuses=["expired"]) == found(statuses=["expired"], plan_id="pack") == [over.pk]
        assert found(statuses=["scheduled"]) == []
        (shown,) = ask(PURCHASES, {"statuses": ["expired"]})["list"]
        assert (shown["status"], shown["expires_at"], shown["quantity"]) == ("expired", MOMENT_MS, 2)

    def test_balances_are_grants(self, ask):
        balance = make_balance(
            customer=make_customer(external_id="acme-42"), feature=make_feature(feature_id="api_calls")
        )
        entity = make_entity(customer=balance.customer, entity_id="seat-1")
        grant = make_grant(
            balance=balance,
            grant_id="g1",
            entity=entity,
            plan=make_plan(plan_id="pro"),
            created_at=MOMENT,
            reset_interval="month",
            next_reset_at=MOMENT,
        )
        make_rollover(balance=balance, grant=grant)
        make_grant(balance=balance, grant_id="g2", expires_at=MOMENT)
        make_grant(grant_id="g3")

        def found(**body: Any) -> list[str]:
            return sorted(each["id"] for each in ask(BALANCES, body)["list"])

        assert found() == ["g1", "g3"]
        assert found(statuses=["expired"]) == ["g2"]
        assert found(statuses=["expired", "active"], feature_id="api_calls") == ["g1", "g2"]
        assert found(plan_id="pro") == found(entity_id="seat-1") == ["g1"]
        assert found(plan_id=None) == ["g3"]
        assert ask(BALANCES, {"plan_id": "pro"})["list"] == [
            {
                "id": "g1",
                "plan_id": "pro",
                "included_grant": 100,
                "prepaid_grant": 0,
                "remaining": 70,
                "usage": 30,
                "unlimited": False,
                "reset": {"interval": "month", "resets_at": MOMENT_MS},
                "price": None,
                "expires_at": None,
                "feature_id": "api_calls",
                "status": "active",
                "rollovers": [{"granted": 10, "balance": 4, "expires_at": 0}],
                "customer_id": "acme-42",
                "entity_id": "seat-1",
                "created_at": MOMENT_MS,
                "source": "entity",
            }
        ]

    def test_invoices(self, ask):
        first = make_invoice(stripe_id="in_1")
        entity = make_entity(entity_id="seat-1")
        subscription = make_subscription(entity=entity, customer=entity.customer)
        make_invoice(
            stripe_id="", number="INV-2", status="open", customer=entity.customer, subscription=subscription
        )

        def found(**body: Any) -> list[str]:
            return [each["stripe_id"] for each in ask(INVOICES, body)["list"]]

        assert found() == ["INV-2", "in_1"]
        assert found(invoice_id=first.pk) == found(stripe_id="in_1") == found(status=["paid"]) == ["in_1"]
        assert found(processor_types=["stripe"]) == ["in_1"]
        assert found(stripe_id="INV-2") == found(status=["open", "void"]) == found(entity_id="seat-1")
        assert found(processor_types=["revenuecat"]) == found(invoice_id="nonsense") == []
        assert "items" in ask(INVOICES)["list"][0]


class TestCatalog:
    def test_plans(self, ask, refuse_body):
        make_plan(plan_id="pro", version=1, name="Old")
        pro = make_plan(plan_id="pro", version=2, name="New")
        make_plan_item(plan=pro, feature=make_feature(feature_id="seats"))
        make_plan(plan_id="gone", archived=True)
        make_plan(plan_id="pro", version=3, name="Test", env="sandbox")
        make_plan(plan_id="stub", is_stub=True)

        def found(path: str = "/v1/plans.list", **body: Any) -> list[str]:
            return [each["name"] for each in ask(path, body)["list"]]

        assert found("/v1/plans.list?env=live") == ["New"]
        assert set(found()) == {"New", "Test"}
        assert found("/v1/plans.list?env=live", all_versions=True) == ["New", "Old"]
        assert len(found("/v1/plans.list?env=live", include_archived=True)) == 2
        assert ask("/v1/plans.get", {"plan_id": "pro"})["name"] == "New"
        assert ask("/v1/plans.get", {"plan_id": "pro", "version": 1.0})["name"] == "Old"
        assert ask("/v1/plans.get?env=sandbox", {"plan_id": "pro"})["name"] == "Test"
        assert ask("/v1/plans.get", {"plan_id": "gone"})["archived"] is True
        for body in ({"plan_id": "none"}, {"plan_id": "pro", "version": 9}, {"plan_id": "stub"}):
            error = refuse_body("/v1/plans.get", body, 404)
            assert (error["code"], error["param"]) == ("plan_not_found", "plan_id")
        assert refuse_body("/v1/plans.list", {"customer_id": "nobody"}, 404)["param"] == "customer_id"

    def test_features(self, ask, refuse_body):
        make_feature(feature_id="seats", name="Seats")
        make_feature(feature_id="gone", archived=True)
        make_feature(feature_id="stub", is_stub=True)
        assert [each["id"] for each in ask("/v1/features.list")["list"]] == ["gone", "seats"]
        assert ask("/v1/features.get", {"feature_id": "seats"})["name"] == "Seats"
        error = refuse_body("/v1/features.get", {"feature_id": "stub"}, 404)
        assert (error["code"], error["param"]) == ("feature_not_found", "feature_id")


class TestEntities:
    def test_what_an_entity_may_use(self, ask):
        customer = make_customer(external_id="acme-42")
        one, other = (make_entity(customer=customer, entity_id=name) for name in ("seat-1", "seat-2"))
        make_subscription(customer=customer, subscription_id="ours")
        make_subscription(customer=customer, subscription_id="own", entity=one)
        make_subscription(customer=customer, subscription_id="other", entity=other)
        make_purchase(customer=customer, entity=one)
        shared = make_balance(customer=customer, feature=make_feature(feature_id="calls"))
        make_grant(balance=shared)
        grant = make_grant(balance=shared, entity=one, included_grant=Decimal(50), usage=Decimal(0))
        make_rollover(balance=shared, grant=grant)
        make_grant(balance=shared, entity=other)
        others = make_balance(customer=customer, feature=make_feature(feature_id="files"))
        make_grant(balance=others, entity=other)
        make_flag(customer=customer, feature=make_feature(feature_id="sso", type="boolean"))
        shown = ask("/v1/entities.get", {"entity_id": "seat-1", "customer_id": "acme-42"})
        assert {each["id"]: each["scope"] for each in shown["subscriptions"]} == {
            "ours": "customer",
            "own": "entity",
        }
        assert [each["scope"] for each in shown["purchases"]] == ["entity"]
        assert list(shown["balances"]) == ["calls"]
        # 70 of the customer, 50 of its own, 4 carried over.
        assert shown["balances"]["calls"]["remaining"] == 124
        assert list(shown["flags"]) == ["sso"]
        assert (shown["id"], shown["customer_id"], shown["env"]) == ("seat-1", "acme-42", "live")

    def test_one_that_is_unknown_or_not_the_only_one(self, ask, refuse_body):
        make_entity(entity_id="seat-1", customer=make_customer(external_id="a"))
        make_entity(entity_id="seat-1", customer=make_customer(external_id="b"))
        assert refuse_body("/v1/entities.get", {"entity_id": "none"}, 404)["code"] == "entity_not_found"
        assert refuse_body("/v1/entities.get", {"entity_id": "seat-1"})["param"] == "entity_id"
        shown = ask("/v1/entities.get", {"entity_id": "seat-1", "customer_id": "b"})
        assert shown["customer_id"] == "b"

    def test_filters(self, ask):
        plan = make_plan(plan_id="pro", version=2)
        stripe = make_customer(stripe_id="cus_1")
        one, _ = (make_entity(customer=stripe, entity_id=f"seat-{number}") for number in (1, 2))
        make_subscription(customer=stripe, plan=plan, entity=one, status="scheduled")
        make_entity(entity_id="desk-1", name="Seat", removed_at=MOMENT)
        whole = make_entity(entity_id="desk-2", name="Window SEAT")
        make_subscription(customer=whole.customer, plan=plan)

        def found(**body: Any) -> list[str]:
            return sorted(each["id"] for each in ask(ENTITIES, body)["list"])

        assert found(search=" seat ") == ["desk-2", "seat-1", "seat-2"]
        assert found(plans=[{"id": "pro"}]) == ["desk-2", "seat-1"]
        assert found(plans=[{"id": "pro", "versions": [1]}]) == []
        assert found(subscription_status="scheduled") == ["seat-1"]
        assert found(processors=["stripe"]) == ["seat-1", "seat-2"]
        assert found(processors=["vercel"]) == []


def use(customer: Customer, feature: Any, amount: str, at: datetime | None = None) -> None:
    record_usage(
        UsageRequest(
            customer_id=str(customer.pk), feature=feature, amount=Decimal(amount), done_by="tests", at=at
        )
    )


class TestEvents:
    def test_usage_and_refunds_with_what_they_were_deducted_from(self, ask):
        customer = make_customer(external_id="acme-42")
        feature = make_feature(feature_id="api_calls")
        balance = make_balance(customer=customer, feature=feature)
        make_rollover(balance=balance)
        make_grant(balance=balance, grant_id="g1", plan=make_plan(plan_id="pro"))
        use(customer, feature, "6.5")
        use(customer, feature, "-1")
        refund, usage = ask(EVENTS)["list"]
        assert (usage["feature_id"], usage["customer_id"], usage["value"]) == ("api_calls", "acme-42", 6.5)
        assert abs(usage["timestamp"] - timezone.now().timestamp() * 1000) < 60_000
        assert sorted((each["plan_id"] or "", each["value"]) for each in usage["deductions"]) == [
            ("", 4),
            ("pro", 2.5),
        ]
        assert (refund["value"], [each["value"] for each in refund["deductions"]]) == (-1, [-1])

    def test_filters(self, ask, refuse_body):
        calls, files = make_feature(feature_id="calls"), make_feature(feature_id="files")
        now = timezone.now()
        entity = make_entity(entity_id="seat-1")
        for feature, at, fields in (
            (calls, MOMENT, {}),
            (files, now - timedelta(days=2), {"entity": entity, "customer": entity.customer}),
            (files, now - timedelta(days=40), {"kind": "refund"}),
            (files, now, {"kind": "reset"}),
        ):
            make_posting(feature=feature, occurred_at=at, amount=Decimal(1), **fields)

        def found(**body: Any) -> list[str]:
            return [each["feature_id"] for each in ask(EVENTS, body)["list"]]

        assert found() == ["files", "files", "calls"]
        assert found(feature_id="calls") == found(feature_id=["calls", "none"]) == ["calls"]
        assert found(range="7d") == found(entity_id="seat-1") == ["files"]
        assert found(range="90d") == ["files", "files"]
        assert found(custom_range={"start": MOMENT_MS, "end": MOMENT_MS + 1}) == ["calls"]
        assert found(custom_range={"start": MOMENT_MS + 1}) == ["files", "files"]
        assert found(custom_range={"start": -62_135_596_800_000, "end": 253_402_300_799_999}) == found()
        page = ask(EVENTS, {"offset": 1, "limit": 1})
        assert (page["offset"], page["limit"], page["total"], page["has_more"]) == (1, 1, 1, True)
        assert found(range="7d", custom_range={"end": MOMENT_MS + 1}) == ["calls"]
        assert refuse_body(EVENTS, {"range": "last_cycle"})["param"] == "range"

    def test_a_posting_of_a_merged_customer_is_the_survivors(self, ask):
        survivor = make_customer(external_id="new")
        merged = make_customer(external_id="old")
        make_posting(customer=merged, feature=make_feature(), amount=Decimal(1))
        merge(merged, survivor)
        assert owners(ask(EVENTS)) == owners(ask(EVENTS, {"customer_id": "old"})) == ["new"]


class TestAggregate:
    PATH = "/v1/events.aggregate"

    def ms(self, *moment: int) -> int:
        return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type]

    @pytest.fixture
    def customer(self) -> Customer:
        customer = make_customer(external_id="acme-42")
        calls, files = make_feature(feature_id="calls"), make_feature(feature_id="files")
        for feature, day, hour, amount in (
            (calls, 25, 23, "1.5"),
            (calls, 26, 3, "2"),
            (calls, 28, 0, "4"),
            (files, 26, 3, "100"),
        ):
            at = datetime(2024, 8, day, hour, 30, tzinfo=UTC)
            make_posting(customer=customer, feature=feature, occurred_at=at, amount=Decimal(amount))
        make_posting(feature=calls, occurred_at=MOMENT, amount=Decimal(1000))
        return customer

    def days(self, **body: Any) -> dict[str, Any]:
        custom_range = {"start": self.ms(2024, 8, 25), "end": self.ms(2024, 8, 29)}
        return {"feature_id": "calls", "customer_id": "acme-42", "custom_range": custom_range} | body

    def test_days_with_those_without_usage(self, ask, customer):
        found = ask(self.PATH, self.days())
        assert found["list"] == [
            {"period": self.ms(2024, 8, 25), "values": {"calls": 1.5}},
            {"period": self.ms(2024, 8, 26), "values": {"calls": 2}},
            {"period": self.ms(2024, 8, 27), "values": {"calls": 0}},
            {"period": self.ms(2024, 8, 28), "values": {"calls": 4}},
        ]
        assert found["total"] == {"calls": {"count": 3, "sum": 7.5}}

    def test_bins_begin_at_midnight_in_the_time_zone(self, ask, customer):
        found = ask(self.PATH, self.days(timezone="America/New_York"))
        assert [(each["period"], each["values"]["calls"]) for each in found["list"]] == [
            (self.ms(2024, 8, 24, 4), 0),
            (self.ms(2024, 8, 25, 4), 3.5),
            (self.ms(2024, 8, 26, 4), 0),
            (self.ms(2024, 8, 27, 4), 4),
            (self.ms(2024, 8, 28, 4), 0),
        ]

    def test_weeks_months_and_hours(self, ask, customer):
        week = ask(self.PATH, self.days(bin_size="week"))["list"]
        assert [(each["period"], each["values"]["calls"]) for each in week] == [
            (self.ms(2024, 8, 19), 1.5),
            (self.ms(2024, 8, 26), 6),
        ]
        month = ask(self.PATH, self.days(bin_size="month"))["list"]
        assert [(each["period"], each["values"]["calls"]) for each in month] == [(self.ms(2024, 8, 1), 7.5)]
        hour = ask(self.PATH, self.days(bin_size="hour", timezone="Asia/Kolkata"))["list"]
        assert len(hour) == 96
        assert {each["period"] for each in hour if each["values"]["calls"]} == {
            self.ms(2024, 8, 25, 23),
            self.ms(2024, 8, 26, 3),
            self.ms(2024, 8, 28, 0),
        }

    def test_several_features_and_counts(self, ask, customer):
        found = ask(self.PATH, self.days(feature_id=["calls", "files", "none"], measure="count"))
        assert found["list"][1]["values"] == {"calls": 1, "files": 1, "none": 0}
        assert found["total"]["files"] == {"count": 1, "sum": 100}
        everybody = self.days(customer_id=None, bin_size="month")
        assert ask(self.PATH, everybody)["total"]["calls"] == {"count": 4, "sum": 1007.5}

    def test_a_long_range_has_only_the_bins_with_usage(self, ask, customer):
        long = {"start": 0, "end": 10**14}
        found = ask(self.PATH, self.days(bin_size="hour", custom_range=long))
        assert [(each["period"], each["values"]["calls"]) for each in found["list"]] == [
            (self.ms(2024, 8, 25, 23), 1.5),
            (self.ms(2024, 8, 26, 3), 2),
            (self.ms(2024, 8, 28, 0), 4),
        ]

    def test_the_last_days_unless_asked_for_others(self, ask):
        make_posting(feature=make_feature(feature_id="calls"), occurred_at=timezone.now(), amount=Decimal(1))
        found = ask(self.PATH, {"feature_id": "calls"})
        assert (len(found["list"]), found["total"]["calls"]["count"]) == (31, 1)

    def test_the_last_hours(self, ask):
        make_posting(feature=make_feature(feature_id="calls"), occurred_at=timezone.now(), amount=Decimal(1))
        found = ask(self.PATH, {"feature_id": "calls", "range": "24h"})
        assert len(found["list"]) == 25
        assert found["total"] == {"calls": {"count": 1, "sum": 1}}

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({}, None),
            ({"feature_id": "calls", "range": "7d", "timezone": "Mars/Base"}, "timezone"),
            ({"feature_id": "calls", "range": "7d", "timezone": "../etc"}, "timezone"),
            ({"feature_id": "calls", "range": "7d", "bin_size": "year"}, "bin_size"),
            ({"feature_id": "calls", "range": "7d", "group_by": "properties.region"}, "group_by"),
        ],
    )
    def test_what_cannot_be_added_up_is_refused(self, refuse_body, body, param):
        assert refuse_body(self.PATH, body)["param"] == param


class TestCheck:
    PATH = "/v1/balances.check"

    def check(self, ask: Any, **body: Any) -> Any:
        return ask(self.PATH, {"customer_id": "acme-42", "feature_id": "calls"} | body)

    @pytest.fixture
    def customer(self) -> Customer:
        return make_customer(external_id="acme-42")

    def test_of_a_balance(self, ask, customer):
        balance = make_balance(customer=customer, feature=make_feature(feature_id="calls"))
        make_grant(balance=balance)
        entity = make_entity(customer=customer, entity_id="seat-1")
        make_grant(balance=balance, entity=entity, included_grant=Decimal(5), usage=Decimal(0))
        shown = self.check(ask)
        assert (shown["allowed"], shown["customer_id"], shown["required_balance"]) == (True, "acme-42", 1)
        assert (shown["balance"]["remaining"], shown["flag"]) == (70, None)
        assert self.check(ask, required_balance=70)["allowed"] is True
        assert self.check(ask, required_balance=70.5)["allowed"] is False
        shown = self.check(ask, required_balance=75, entity_id="seat-1")
        assert (shown["allowed"], shown["entity_id"], shown["balance"]["remaining"]) == (True, "seat-1", 75)
        assert self.check(ask, required_balance=0)["allowed"] is True

    def test_limits_and_controls_of_overage_decide_too(self, ask, customer):
        """70 of the grant are left: at most 50 a day, 40 of them by the seat, and 5 beyond the grant for the seat."""
        balance = make_balance(customer=customer, feature=make_feature(feature_id="calls"))
        make_grant(balance=balance)
        seat = make_entity(customer=customer, entity_id="seat-1")
        day = make_usage_limit(customer=customer, feature=balance.feature, limit=Decimal(50))
        make_usage_limit(customer=customer, feature=balance.feature, limit=Decimal(40), entity=seat)
        assert self.check(ask, required_balance=50)["allowed"] is True
        assert self.check(ask, required_balance=51)["allowed"] is False
        assert self.check(ask, required_balance=40, entity_id="seat-1")["allowed"] is True
        assert self.check(ask, required_balance=41, entity_id="seat-1")["allowed"] is False
        UsageLimit.objects.exclude(pk=day.pk).delete()
        day.enabled = False
        day.save()
        make_overage_allowed(customer=customer, feature=balance.feature, entity=seat)
        make_spend_limit(customer=customer, feature=balance.feature, overage_limit=Decimal(5))
        assert self.check(ask, required_balance=71)["allowed"] is False
        assert self.check(ask, required_balance=75, entity_id="seat-1")["allowed"] is True
        assert self.check(ask, required_balance=76, entity_id="seat-1")["allowed"] is False

    def test_of_a_feature_that_credits_pay_for(self, ask, customer):
        calls = make_feature(feature_id="calls")
        cost = make_credit_cost(metered_feature=calls, credit_cost=Decimal("0.5"))
        make_grant(balance=make_balance(customer=customer, feature=cost.credit_system))
        shown = self.check(ask, required_balance=140)
        assert (shown["allowed"], shown["balance"]["feature_id"]) == (True, cost.credit_system.feature_id)
        assert self.check(ask, required_balance=141)["allowed"] is False

    def test_of_a_flag(self, ask, customer):
        feature = make_feature(feature_id="calls", type="boolean")
        assert self.check(ask)["allowed"] is False
        make_flag(customer=customer, feature=feature, flag_id="f1")
        shown = self.check(ask)
        assert (shown["allowed"], shown["flag"]["id"], shown["balance"]) == (True, "f1", None)

    def test_of_what_the_customer_does_not_have(self, ask, customer):
        make_feature(feature_id="calls")
        shown = self.check(ask)
        assert (shown["allowed"], shown["balance"], shown["flag"]) == (False, None, None)

    def test_nothing_is_recorded(self, api, ask, customer):
        balance = make_balance(customer=customer, feature=make_feature(feature_id="calls"))
        make_grant(balance=balance)
        with CaptureQueriesContext(connection) as queries:
            self.check(ask)
        assert not [each for each in queries if not each["sql"].lstrip().startswith("SELECT")]
        for key, value in (("send_event", True), ("lock", {"lock_id": "x"})):
            body = {"customer_id": "acme-42", "feature_id": "calls", key: value}
            response = api.post(self.PATH, body, "application/json")
            error = error_of(response)
            assert (response.status_code, error["code"], error["param"]) == (405, "read_only", key)

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"customer_id": "nobody"}, "customer_id"),
            ({"feature_id": "x"}, "feature_id"),
            ({"entity_id": "x"}, "entity_id"),
        ],
    )
    def test_what_is_unknown_is_404(self, refuse_body, customer, body, param):
        make_feature(feature_id="calls")
        request = {"customer_id": "acme-42", "feature_id": "calls"} | body
        assert refuse_body(self.PATH, request, 404)["param"] == param
