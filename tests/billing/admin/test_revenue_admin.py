"""Lists and pages of the admin show what customers and subscriptions bring in."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.models import Subscription
from customers import clock
from tests.factories import (
    make_balance,
    make_customer,
    make_grant,
    make_plan,
    make_plan_item,
    make_subscription,
    make_user,
)

pytestmark = pytest.mark.django_db

SUBSCRIPTIONS = reverse("admin:billing_subscription_changelist")


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def paying(price: str, currency: str = "USD", **fields: object) -> Subscription:
    """A subscription to a monthly plan."""
    return make_subscription(plan=make_plan(price_amount=Decimal(price), currency=currency), **fields)


def test_the_page_of_a_customer_shows_mrr_and_arr_in_all_and_of_each_subscription(client: Client) -> None:
    customer = make_customer()
    paying("1200", customer=customer)
    paying("30.50", customer=customer)
    page = client.get(reverse("admin:customers_customer_change", args=[customer.pk])).content.decode()
    assert "$1,230.50/month, $14,766.00/yr" in page
    for text in ("$1,200.00", "$14,400.00", "$30.50", "$366.00"):
        assert text in page


def test_the_list_of_subscriptions_shows_what_earns(client: Client) -> None:
    paying("9.99", quantity=3)
    paying("5", trial_ends_at=clock.now() + timedelta(days=1))
    changelist = client.get(SUBSCRIPTIONS).context["cl"]
    shown = [changelist.model_admin.mrr(row) for row in changelist.result_list]
    assert sorted(shown) == ["$29.97", "-"]


def test_the_list_takes_as_many_queries_for_many_rows_as_for_one(client: Client) -> None:
    plan = make_plan()
    item = make_plan_item(
        plan=plan, price_amount=Decimal(1), price_interval="month", billing_method="prepaid"
    )
    counts = []
    for number in (1, 5):
        for _ in range(number):
            subscription = make_subscription(plan=plan)
            make_grant(
                balance=make_balance(customer=subscription.customer, feature=item.feature),
                subscription=subscription,
                prepaid_grant=Decimal(4),
            )
        client.get(SUBSCRIPTIONS)
        with CaptureQueriesContext(connection) as captured:
            page = client.get(SUBSCRIPTIONS).content.decode()
        assert page.count("$24.00") >= number
        counts.append(len(captured))
    assert counts[0] == counts[1]
