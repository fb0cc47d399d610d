"""Lists of invoices, subscriptions, balances, plans and features: their documents and filters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import (
    make_balance,
    make_customer,
    make_entity,
    make_feature,
    make_grant,
    make_invoice,
    make_invoice_line,
    make_plan,
    make_plan_item,
    make_rollover,
    make_subscription,
)

pytestmark = pytest.mark.django_db

#: 2024-08-26T12:15:00Z and a month later.
MOMENT, LATER = datetime(2024, 8, 26, 12, 15, tzinfo=UTC), datetime(2024, 9, 26, 12, 15, tzinfo=UTC)
MOMENT_MS, LATER_MS = 1724674500000, 1727352900000


def found(page: Any, key: str = "id") -> list[Any]:
    return sorted(each[key] for each in page["data"])


class TestInvoices:
    PATH = "/api/v1/invoices"

    def test_one_of_the_platform(self, read):
        customer = make_customer()
        invoice = make_invoice(
            customer=customer,
            stripe_id="in_0100",
            currency="EUR",
            currency_as_sent="eur",
            plan_ids=["pro"],
            created_at=MOMENT,
        )
        assert read(self.PATH)["data"] == [
            {
                "plan_ids": ["pro"],
                "stripe_id": "in_0100",
                "status": "paid",
                "total": 12.34,
                "currency": "eur",
                "created_at": MOMENT_MS,
                "hosted_invoice_url": None,
                "id": invoice.pk,
                "customer_id": customer.pk,
                "entity_id": None,
                "subscription_id": None,
                "number": None,
                "amount_paid": 12.34,
                "amount_credited": 0,
                "amount_due": 0,
                "refunded_amount": 0,
                "processor_type": "stripe",
                "period_start": None,
                "period_end": None,
                "issued_at": None,
                "due_at": None,
                "closed_at": None,
            }
        ]

    def test_one_that_was_raised_here_with_its_lines(self, read):
        customer = make_customer()
        entity = make_entity(customer=customer, entity_id="seat-1")
        invoice = make_invoice(
            customer=customer,
            stripe_id="",
            status="draft",
            currency="KWD",
            total=14700,
            due_at=LATER,
            subscription=make_subscription(customer=customer, entity=entity, subscription_id="sub-7"),
        )
        line = make_invoice_line(
            invoice=invoice,
            kind="usage",
            description="Overage",
            amount=14700,
            quantity=Decimal("2.5"),
            plan=make_plan(plan_id="pro"),
            feature=make_feature(feature_id="api_calls", name="API calls"),
            period_start=MOMENT,
            period_end=LATER,
        )
        invoice.number, invoice.status, invoice.paid, invoice.credited = "INV-7", "open", 4200, 500
        invoice.save()
        (shown,) = read(self.PATH, expand="items")["data"]
        assert shown["stripe_id"] == shown["number"] == "INV-7"
        assert (shown["total"], shown["amount_paid"], shown["amount_credited"]) == (14.7, 4.2, 0.5)
        assert (shown["amount_due"], shown["due_at"]) == (10, LATER_MS)
        assert (shown["subscription_id"], shown["entity_id"]) == ("sub-7", "seat-1")
        assert "processor_type" not in shown
        assert shown["items"] == [
            {
                "id": line.pk,
                "description": "Overage",
                "kind": "usage",
                "period_start": MOMENT_MS,
                "period_end": LATER_MS,
                "plan_id": "pro",
                "feature_id": "api_calls",
                "feature_name": "API calls",
                "quantity": 2.5,
                "amount": 14.7,
                "entities": [],
            }
        ]

    def test_what_was_paid_of_an_imported_open_invoice_is_unknown(self, read):
        make_invoice(status="open")
        (shown,) = read(self.PATH)["data"]
        assert (shown["amount_paid"], shown["amount_due"]) == (None, 12.34)

    def test_one_that_the_platform_no_longer_lists_is_left_out(self, read):
        make_invoice(removed_at=MOMENT)
        assert read(self.PATH)["data"] == []

    def test_filters(self, read, refuse):
        plan = make_plan(plan_id="pro")
        subscription = make_subscription(subscription_id="sub-7")
        late = make_invoice(
            stripe_id="late", status="open", due_at=LATER, created_at=MOMENT, subscription=subscription
        )
        late.plans.add(plan)
        make_invoice(stripe_id="soon", status="open", due_at=timezone.now() + timedelta(days=3))
        make_invoice(stripe_id="paid", due_at=LATER, currency="EUR", created_at=LATER)
        make_invoice(stripe_id="", number="INV-7", status="void")

        def ids(**filters: str) -> list[str]:
            return found(read(self.PATH, **filters), "stripe_id")

        assert ids(status="open") == ["late", "soon"]
        assert ids(past_due="true") == ["late"]
        assert ids(past_due="false") == ["INV-7", "paid", "soon"]
        assert ids(plan="pro") == ids(subscription="sub-7") == ids(stripe_id="late") == ["late"]
        assert ids(currency="eur") == ["paid"]
        assert ids(number="INV-7") == ["INV-7"]
        assert ids(created_before="2024-09-01") == ["late"]
        assert ids(created_after="2024-09-01", created_before="2024-10-01") == ["paid"]
        assert ids(due_after="2024-09-26T12:15:00Z", due_before="2024-09-27") == ["late", "paid"]
        assert "uncollectible" in refuse(400, self.PATH, status="gone")["message"]
        assert refuse(400, self.PATH, due_after="soon")["param"] == "due_after"


class TestSubscriptions:
    PATH = "/api/v1/subscriptions"

    def test_one(self, read):
        customer = make_customer()
        make_subscription(
            customer=customer,
            subscription_id="sub-1",
            plan=make_plan(plan_id="pro", name="Pro"),
            status="ended",
            started_at=MOMENT,
            expires_at=LATER,
            entity=make_entity(customer=customer, entity_id="seat-1"),
        )
        (shown,) = read(self.PATH)["data"]
        added = shown.pop("created_at")
        assert abs(added - timezone.now().timestamp() * 1000) < 60_000
        assert shown == {
            "id": "sub-1",
            "plan_id": "pro",
            "auto_enable": False,
            "add_on": False,
            "status": "expired",
            "past_due": False,
            "canceled_at": None,
            "expires_at": LATER_MS,
            "trial_ends_at": None,
            "started_at": MOMENT_MS,
            "current_period_start": None,
            "current_period_end": None,
            "quantity": 1,
            "customer_id": customer.pk,
            "entity_id": "seat-1",
            "scope": "entity",
        }
        (shown,) = read(self.PATH, expand="plan")["data"]
        assert shown["plan"]["name"] == "Pro"

    def test_filters(self, read, refuse):
        now = timezone.now()
        day = timedelta(days=1)
        plan = make_plan(plan_id="pro")
        make_subscription(subscription_id="active", started_at=MOMENT, plan=plan)
        make_subscription(subscription_id="later", status="scheduled", started_at=now + day)
        make_subscription(subscription_id="over", status="ended", expires_at=LATER, past_due=True)
        make_subscription(subscription_id="late", past_due=True, current_period_end=LATER)
        make_subscription(subscription_id="trial", trial_ends_at=now + day, add_on=True)
        canceled = {"canceled_at": MOMENT, "expires_at": now + day}
        make_subscription(subscription_id="leaving", entity=make_entity(entity_id="seat-1"), **canceled)

        def ids(**filters: str) -> list[str]:
            return found(read(self.PATH, **filters))

        assert ids(status="active") == ["active", "late", "leaving", "trial"]
        assert ids(status="scheduled") == ["later"]
        assert ids(status="expired") == ["over"]
        assert ids(past_due="true") == ids(period_ends_before="2024-09-27") == ["late"]
        assert ids(past_due="false", status="active") == ["active", "leaving", "trial"]
        assert ids(trialing="true") == ids(add_on="true") == ids(trial_ends_after="2026-01-01") == ["trial"]
        assert ids(canceling="true") == ids(entity="seat-1") == ["leaving"]
        assert ids(plan="pro") == ids(started_before="2024-08-27") == ["active"]
        assert ids(started_after="2024-08-27", status="scheduled") == ["later"]
        assert ids(expires_after="2024-01-01", expires_before="2024-10-01") == ["over"]
        assert ids(trial_ends_before="2026-01-01") == ids(period_ends_after="2024-09-27") == []
        assert "active, scheduled, expired" in refuse(400, self.PATH, status="ended")["message"]


class TestBalances:
    PATH = "/api/v1/balances"

    def test_one(self, read):
        feature = make_feature(feature_id="api_calls", name="API calls")
        customer = make_customer()
        balance = make_balance(customer=customer, feature=feature)
        plan = make_plan(plan_id="pro")
        make_subscription(customer=customer, plan=plan)
        make_grant(balance=balance, grant_id="g1", plan=plan)
        make_rollover(balance=balance)
        assert read(self.PATH)["data"] == [
            {
                "feature_id": "api_calls",
                "granted": 110,
                "remaining": 74,
                "usage": 36,
                "unlimited": False,
                "overage_allowed": False,
                "max_purchase": None,
                "next_reset_at": None,
                "breakdown": [
                    {
                        "id": "g1",
                        "plan_id": "pro",
                        "included_grant": 100,
                        "prepaid_grant": 0,
                        "remaining": 70,
                        "usage": 30,
                        "unlimited": False,
                        "reset": None,
                        "price": None,
                        "expires_at": None,
                    }
                ],
                "rollovers": [{"granted": 10, "balance": 4, "expires_at": 0}],
                "id": balance.pk,
                "customer_id": customer.pk,
            }
        ]
        (shown,) = read(self.PATH, expand="feature")["data"]
        assert shown["feature"]["name"] == "API calls"

    def test_it_is_the_balance_of_the_billing_document(self, read):
        balance = make_balance(customer=make_customer(external_id="acme-42"))
        make_grant(balance=balance)
        (shown,) = read(self.PATH)["data"]
        document = read("/api/v1/billing/customers/acme-42")["balances"][balance.feature.feature_id]
        assert {key: shown[key] for key in document} == document

    def test_one_that_the_platform_no_longer_lists_is_shown_while_something_counts(self, read):
        empty, used = (make_balance(removed_at=MOMENT) for _ in range(2))
        make_grant(balance=used)
        make_grant(balance=empty, expires_at=MOMENT)
        assert found(read(self.PATH)) == [used.pk]

    def test_filters(self, read, refuse):
        feature = make_feature(feature_id="api_calls")
        some, none, endless = (make_balance() for _ in range(3))
        other = make_balance(feature=feature)
        make_grant(balance=some, next_reset_at=LATER, plan=make_plan(plan_id="pro"))
        # No single grant resets in the range between the two.
        make_grant(balance=none, included_grant=0, usage=5, next_reset_at=datetime(2024, 7, 1, tzinfo=UTC))
        make_grant(balance=none, included_grant=0, usage=0, next_reset_at=datetime(2024, 12, 1, tzinfo=UTC))
        make_grant(balance=endless, unlimited=True, expires_at=timezone.now() + timedelta(days=400))

        def ids(**filters: str) -> list[str]:
            return found(read(self.PATH, **filters))

        assert ids(feature="api_calls") == [other.pk]
        assert ids(state="remaining") == ids(plan="pro") == [some.pk]
        assert ids(state="exhausted") == sorted([none.pk, other.pk])
        assert ids(state="unlimited") == [endless.pk]
        assert ids(resets_after="2024-09-01", resets_before="2024-10-01") == [some.pk]
        assert ids(resets_before="2024-08-01") == [none.pk]
        assert ids(resets_after="2024-09-01") == sorted([some.pk, none.pk])
        assert ids(expires_after="2024-01-01") == [endless.pk]
        assert ids(expires_before="2024-01-01") == []
        assert "remaining, exhausted, unlimited" in refuse(400, self.PATH, state="low")["message"]


class TestCatalog:
    def test_plans(self, read):
        feature = make_feature(feature_id="seats", name="Seats")
        make_plan(plan_id="pro", version=1)
        plan = make_plan(plan_id="pro", version=2, name="Pro", created_at=MOMENT)
        make_plan_item(plan=plan, feature=feature, included=5)
        make_plan(plan_id="gone", archived=True)
        make_plan(plan_id="stub", is_stub=True)
        (shown,) = read("/api/v1/plans")["data"]
        assert (shown["id"], shown["version"], shown["created_at"]) == ("pro", 2, MOMENT_MS)
        assert shown["price"] == {"amount": 20, "interval": "month"}
        assert [(each["feature_id"], each["included"]) for each in shown["items"]] == [("seats", 5)]
        assert "feature" not in shown["items"][0]
        (shown,) = read("/api/v1/plans", expand="items.feature")["data"]
        assert shown["items"][0]["feature"]["name"] == "Seats"

    def test_filters_of_plans(self, read, refuse):
        make_plan(plan_id="pro", version=1)
        pro = make_plan(plan_id="pro", version=2, name="Professional", group="base", created_at=MOMENT)
        make_plan_item(plan=pro, feature=make_feature(feature_id="seats"))
        make_plan(plan_id="gone", archived=True)
        make_plan(plan_id="extra", add_on=True, env="sandbox")

        def ids(**filters: str) -> list[str]:
            return [f"{each['id']}{each['version']}" for each in read("/api/v1/plans", **filters)["data"]]

        assert ids() == ["extra1", "pro2"]
        assert ids(all_versions="true", env="live") == ["pro1", "pro2"]
        assert ids(archived="true") == ["extra1", "gone1", "pro2"]
        assert ids(q="FESSION") == ids(id="pro") == ids(group="base") == ids(feature="seats") == ["pro2"]
        assert ids(created_before="2024-08-27") == ["pro2"]
        assert ids(add_on="true") == ids(env="sandbox") == ids(created_after="2024-08-27") == ["extra1"]
        assert refuse(400, "/api/v1/plans", expand="items")["param"] == "expand"

    def test_features(self, read, refuse):
        make_feature(feature_id="seats", name="Seats", consumable=False)
        make_feature(feature_id="sso", type="boolean")
        make_feature(feature_id="gone", archived=True)
        make_feature(feature_id="stub", is_stub=True)
        make_plan_item(plan=make_plan(plan_id="pro"), feature=make_feature(feature_id="calls"))

        def ids(**filters: str) -> list[str]:
            return found(read("/api/v1/features", **filters))

        assert ids() == ["calls", "seats", "sso"]
        assert ids(archived="true") == ["calls", "gone", "seats", "sso"]
        assert ids(type="boolean") == ids(id="sso") == ["sso"]
        assert ids(consumable="false") == ids(q="SEAT") == ["seats"]
        assert ids(plan="pro") == ["calls"]
        assert "credit_system" in refuse(400, "/api/v1/features", type="flag")["message"]
        (shown,) = read("/api/v1/features", id="seats")["data"]
        assert shown == {
            "id": "seats",
            "name": "Seats",
            "type": "metered",
            "consumable": False,
            "archived": False,
        }
