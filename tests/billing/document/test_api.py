"""The billing document as it is read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.document.importer import BillingImporter
from tests.api.steps import archive, merge, take_in_values
from tests.customers.import_documents import take
from tests.factories import (
    make_balance,
    make_billing_account,
    make_customer,
    make_entity,
    make_feature,
    make_flag,
    make_grant,
    make_invoice,
    make_plan,
    make_purchase,
    make_source_record,
    make_subscription,
)

pytestmark = pytest.mark.django_db

LIST = "/api/v1/billing/customers"

DOCUMENT = {
    "id": "acme-42",
    "name": "Jane Doe",
    "email": "jane.doe@example.com",
    "created_at": 1724674500000,
    "fingerprint": None,
    "stripe_id": "cus_NffrFeUfNV2Hib",
    "env": "live",
    "metadata": {"segment": "startup", "ratio": 0.25},
    "send_email_receipts": True,
    "billing_controls": {
        "spend_limits": [{"feature_id": "api_calls", "enabled": True, "overage_limit": 19.99}]
    },
    "subscriptions": [
        {
            "id": "sub_0100",
            "plan_id": "pro",
            "auto_enable": False,
            "add_on": False,
            "status": "active",
            "past_due": True,
            "canceled_at": None,
            "expires_at": None,
            "trial_ends_at": None,
            "started_at": 1724674500123,
            "current_period_start": 1724674500123,
            "current_period_end": 1727352900123,
            "quantity": 1,
        }
    ],
    "purchases": [{"plan_id": "pack", "started_at": 1724674500000, "expires_at": None, "quantity": 2}],
    "licenses": [],
    "balances": {
        "api_calls": {
            "feature_id": "api_calls",
            "granted": 1000,
            "remaining": 979.5,
            "usage": 20.5,
            "unlimited": False,
            "overage_allowed": False,
            "max_purchase": None,
            "next_reset_at": 1727352900123,
            "breakdown": [
                {
                    "id": "grant-1",
                    "plan_id": "pro",
                    "included_grant": 1000,
                    "prepaid_grant": 0,
                    "remaining": 979.5,
                    "usage": 20.5,
                    "unlimited": False,
                    "reset": {"interval": "month", "resets_at": 1727352900123},
                    "price": None,
                    "expires_at": None,
                }
            ],
        }
    },
    "flags": {"sso": {"id": "flag-1", "feature_id": "sso", "plan_id": "pro", "expires_at": None}},
}


def ids(page) -> list[str | None]:
    return sorted(each["id"] or "" for each in page["data"])


def test_a_document_comes_back_equal(read):
    take_in_values(BillingImporter(), [DOCUMENT])
    assert read(f"{LIST}/acme-42") == DOCUMENT
    assert read(LIST) == {"data": [DOCUMENT], "has_more": False, "next_cursor": None}


def test_any_identifier_finds_it(read):
    customer = make_customer(external_id="acme-42", stripe_id="cus_stripe", email="jane@example.com")
    make_source_record(customer=customer, source_id="crm/1", source="crm")
    for identifier in (customer.pk, "acme-42", "cus_stripe", "crm%2F1", "jane@example.com"):
        assert read(f"{LIST}/{identifier}")["id"] == "acme-42"
    assert reverse("billing-customer", args=["a/b"]) == f"{LIST}/a/b"
    assert reverse("billing-customers") == LIST


def test_a_customer_that_the_integrator_never_named_has_no_id(read):
    customer = make_customer()
    document = read(f"{LIST}/{customer.pk}")
    assert (document["id"], document["subscriptions"], document["balances"]) == (None, [], {})


def test_env_chooses(read):
    make_customer(external_id="acme-42", name="L")
    make_customer(external_id="acme-42", name="S", env="sandbox")
    assert read(f"{LIST}/acme-42")["name"] == "L"
    sandbox = read(f"{LIST}/acme-42", env="sandbox")
    assert (sandbox["name"], sandbox["env"]) == ("S", "sandbox")


class TestExpand:
    @pytest.fixture(autouse=True)
    def customer(self):
        customer = make_customer(external_id="acme-42")
        plan, feature = (
            make_plan(plan_id="pro", name="Pro"),
            make_feature(feature_id="api_calls", name="API calls"),
        )
        make_subscription(customer=customer, plan=plan)
        make_purchase(customer=customer, plan=plan)
        make_grant(balance=make_balance(customer=customer, feature=feature))
        make_invoice(customer=customer, stripe_id="in_0100", total=1234, currency="USD")
        make_entity(customer=customer, entity_id="seat-1")
        return customer

    def test_nothing_optional_is_there_unasked(self, read):
        document = read(f"{LIST}/acme-42")
        assert document.keys() == DOCUMENT.keys()
        assert "plan" not in document["subscriptions"][0]
        assert "feature" not in document["balances"]["api_calls"]

    def test_what_is_asked_for_is_there_and_nothing_else(self, read):
        document = read(f"{LIST}/acme-42", expand="invoices, subscriptions.plan")
        assert document.keys() == DOCUMENT.keys() | {"invoices"}
        assert [(each["stripe_id"], each["total"]) for each in document["invoices"]] == [("in_0100", 12.34)]
        assert document["subscriptions"][0]["plan"]["name"] == "Pro"
        assert "plan" not in document["purchases"][0]
        assert "feature" not in document["balances"]["api_calls"]

    def test_lists_expand_too(self, read):
        (document,) = read(LIST, expand="entities,balances.feature")["data"]
        assert [each["id"] for each in document["entities"]] == ["seat-1"]
        assert document["balances"]["api_calls"]["feature"]["name"] == "API calls"

    @pytest.mark.parametrize(
        "expand", ["invoice", "invoices,", "invoices,plans", "balances", ",", "INVOICES"]
    )
    def test_what_there_is_not_is_refused_with_what_there_is(self, refuse, expand):
        for address in (LIST, f"{LIST}/acme-42"):
            error = refuse(400, address, expand=expand)
            assert (error["code"], error["param"]) == ("invalid_parameter", "expand")
            assert "subscriptions.plan, trials_used" in error["message"]


class TestList:
    def test_the_order_is_that_of_the_times_shown(self, read):
        late, early = datetime(2024, 9, 2, tzinfo=UTC), datetime(2024, 9, 1, tzinfo=UTC)
        make_billing_account(customer=make_customer(external_id="early", created_at=late), created_at=early)
        make_billing_account(customer=make_customer(external_id="late", created_at=early), created_at=late)
        make_customer(external_id="none", created_at=datetime(2024, 9, 3, tzinfo=UTC))
        newest_first = ["none", "late", "early"]
        seen: list[str] = []
        after: dict[str, str] = {}
        while len(seen) < 3:
            page = read(LIST, limit=1, **after)
            seen += [each["id"] for each in page["data"]]
            after = {"after": page["next_cursor"]}
        assert seen == newest_first
        assert [each["id"] for each in read(LIST, order="created_at")["data"]] == newest_first[::-1]
        assert ids(read(LIST, created_after="2024-09-02")) == ["late", "none"]
        assert ids(read(LIST, created_before="2024-09-02")) == ["early"]

    def test_merged_and_archived_customers_are_left_out(self, read):
        survivor, merged, archived = (make_customer(external_id=name) for name in ("s", "m", "a"))
        merge(merged, survivor)
        archive(archived)
        assert ids(read(LIST)) == ["s"]
        assert ids(read(LIST, archived="true")) == ["a", "s"]

    def test_by_environment_and_text(self, read):
        make_customer(external_id="acme-1")
        make_customer(external_id="acme-2", env="sandbox")
        assert ids(read(LIST, q="ACME")) == ["acme-1", "acme-2"]
        assert ids(read(LIST, q="acme", env="sandbox")) == ["acme-2"]

    def test_by_plan_and_state_of_one_subscription(self, read, refuse):
        pro, pro2, free = (
            make_plan(plan_id="pro"),
            make_plan(plan_id="pro", version=2),
            make_plan(plan_id="free"),
        )
        for name, plan, status in (
            ("active", pro, "active"),
            ("second version", pro2, "active"),
            ("scheduled", pro, "scheduled"),
            ("ended", pro, "ended"),
            ("free", free, "active"),
        ):
            make_subscription(customer=make_customer(external_id=name), plan=plan, status=status)
        both = make_customer(external_id="active free, scheduled pro")
        make_subscription(customer=both, plan=free, status="active")
        make_subscription(customer=both, plan=pro, status="scheduled")
        assert ids(read(LIST, plan="pro")) == ["active", both.external_id, "scheduled", "second version"]
        assert ids(read(LIST, plan="pro", subscription_status="active")) == ["active", "second version"]
        assert ids(read(LIST, subscription_status="scheduled")) == [both.external_id, "scheduled"]
        assert ids(read(LIST, plan="none")) == []
        assert "active, scheduled" in refuse(400, LIST, subscription_status="ended")["message"]

    def test_by_debt(self, read):
        make_subscription(customer=make_customer(external_id="owes"), past_due=True)
        make_subscription(customer=make_customer(external_id="paid"))
        make_subscription(customer=make_customer(external_id="gone"), past_due=True, status="ended")
        make_customer(external_id="never")
        assert ids(read(LIST, past_due="true")) == ["owes"]
        assert ids(read(LIST, past_due="false")) == ["gone", "never", "paid"]

    def test_by_feature(self, read):
        feature = make_feature(feature_id="api_calls")
        make_balance(customer=make_customer(external_id="balance"), feature=feature)
        make_flag(customer=make_customer(external_id="flag"), feature=feature)
        make_balance(
            customer=make_customer(external_id="removed"), feature=feature, removed_at=datetime.now(UTC)
        )
        make_balance(customer=make_customer(external_id="other"))
        assert ids(read(LIST, feature="api_calls")) == ["balance", "flag"]

    @pytest.mark.parametrize("expand", ["", "invoices,entities,subscriptions.plan,balances.feature,rewards"])
    def test_a_page_of_thirty_takes_as_many_queries_as_a_page_of_one(self, api, expand):
        plan, feature = make_plan(), make_feature()
        for _ in range(31):
            customer = make_customer()
            make_billing_account(customer=customer)
            make_subscription(customer=customer, plan=plan)
            make_grant(balance=make_balance(customer=customer, feature=feature))
            make_flag(customer=customer)
            make_invoice(customer=customer)
            make_entity(customer=customer, feature=feature)
        counts = []
        for limit in (1, 30):
            with CaptureQueriesContext(connection) as queries:
                response = api.get(LIST, {"limit": limit, **({"expand": expand} if expand else {})})
            assert len(response.json()["data"]) == limit
            counts.append(len(queries))
        assert counts[0] == counts[1] < 30


def test_what_only_the_billing_platform_knows_comes_back_when_it_is_expanded(read: Any) -> None:
    previews = [{"plan_ids": ["pro"], "invoice_at": 1_790_000_000_000, "total": 20}]
    details: dict[str, Any] = {"address": None, "tax_ids": [], "tax_exempt": "reverse"}
    take(
        BillingImporter(),
        {"id": "acme", "email": "jo@example.com", "invoice_previews": previews, "billing_details": details},
    )
    url = f"{LIST}/acme"
    assert {"invoice_previews", "billing_details"}.isdisjoint(read(url))
    asked = "invoice_previews,billing_details,billing_controls.auto_topups.purchase_limit"
    shown = read(url, expand=asked)
    assert (shown["invoice_previews"], shown["billing_details"]) == (previews, details)


def test_what_was_not_understood_is_left_out_like_the_rest_until_it_is_expanded(read: Any) -> None:
    feature = {
        "id": "calls",
        "name": "Calls",
        "type": "tomorrows_type",
        "consumable": True,
        "archived": False,
    }
    plan = {"id": "pro", "items": "tomorrow"}
    subscription = {"id": "s1", "plan_id": "pro", "status": "paused", "started_at": 1_700_000_000_000}
    balance = {"feature_id": "calls", "granted": 10, "remaining": 10, "usage": 0, "unlimited": False}
    document = {
        "id": "acme",
        "email": "jo@example.com",
        "subscriptions": [{**subscription, "quantity": 1, "plan": plan}],
        "balances": {"calls": {**balance, "overage_allowed": False, "feature": feature}},
    }
    take(BillingImporter(), document)
    url = f"{LIST}/acme"
    view = read(url)
    assert view["subscriptions"][0]["status"] == "paused"
    assert "plan" not in view["subscriptions"][0]
    assert "feature" not in view["balances"]["calls"]
    view = read(url, expand="subscriptions.plan,balances.feature")
    assert view["subscriptions"][0]["plan"] == plan
    assert view["balances"]["calls"]["feature"] == feature
