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
from tests.desk import refresh_all_facts
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

CUSTOMERS = reverse("admin:customers_customer_changelist")
SUBSCRIPTIONS = reverse("admin:billing_subscription_changelist")


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def paying(price: str, currency: str = "USD", **fields: object) -> Subscription:
    """A subscription to a monthly plan."""
    return make_subscription(plan=make_plan(price_amount=Decimal(price), currency=currency), **fields)


def names(client: Client, **query: str) -> set[str]:
    """Who is in the list of customers."""
    refresh_all_facts()
    response = client.get(CUSTOMERS, query)
    assert response.status_code == 200
    return {customer.name for customer in response.context["cl"].result_list}


def test_the_list_of_customers_shows_mrr_by_currency(client: Client) -> None:
    both = make_customer(name="Both")
    paying("1200", customer=both)
    paying("1500", "JPY", customer=both)
    make_customer(name="Nothing")
    refresh_all_facts()
    page = client.get(CUSTOMERS).content.decode()
    assert "¥1,500, $1,200.00" in page


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


def test_customers_by_range_and_currency(client: Client) -> None:
    for name, price, currency in (
        ("a", "100", "USD"),
        ("b", "100.01", "USD"),
        ("c", "1000.01", "EUR"),
        ("d", "10000.01", "USD"),
    ):
        paying(price, currency, customer=make_customer(name=name))
    paying("20", "EUR", customer=Subscription.objects.get(customer__name="d").customer)
    make_customer(name="e")
    assert names(client, mrr="some") == {"a", "b", "c", "d"}
    assert names(client, mrr="none") == {"e"}
    assert names(client, mrr_to="100") == {"a", "d"}
    assert names(client, mrr_from="100", mrr_to="1000") == {"b"}
    assert names(client, mrr_from="1,000", mrr_to="10,000") == {"c"}
    assert names(client, mrr_from="10000") == {"d"}
    assert names(client, mrr_currency="EUR") == {"c", "d"}
    assert names(client, mrr_currency="GBP") == set()
    assert names(client, mrr_to="100", mrr_currency="EUR") == {"d"}
    assert names(client, mrr_to="100", mrr_currency="USD") == {"a"}
    assert names(client, mrr="none", mrr_currency="EUR") == {"a", "b", "e"}
    assert names(client, mrr="much") == set()
    assert names(client, mrr_from="much") == set()


@pytest.mark.parametrize("url", [CUSTOMERS, f"{CUSTOMERS}?mrr=some&mrr_currency=USD", SUBSCRIPTIONS])
def test_lists_take_as_many_queries_for_many_rows_as_for_one(client: Client, url: str) -> None:
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
        refresh_all_facts()
        client.get(url)
        with CaptureQueriesContext(connection) as captured:
            page = client.get(url).content.decode()
        assert page.count("$24.00") >= number
        counts.append(len(captured))
    assert counts[0] == counts[1]
