"""The pages of a balance: explained, adjusted after a preview, and what was posted taken back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing.balances import adjust
from billing.ledger.entries import FigureChange, PostingDraft, post
from billing.models import Balance, Grant, Posting
from customers import clock
from customers.formats import page_of
from tests.examples import some_cases
from tests.factories import (
    make_balance,
    make_credit_cost,
    make_customer,
    make_entity,
    make_feature,
    make_grant,
    make_rollover,
    make_user,
)

pytestmark = pytest.mark.django_db

HOSTILE = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "1e999999999",
    "-1e-999999999",
    "a\0b",
    "\0",
    "9" * 50,
    "nonsense",
)


def signed_in(role: str | None = None) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


@pytest.fixture
def client() -> Client:
    return signed_in()


@pytest.fixture
def balance() -> Balance:
    customer = make_customer(name="Acme")
    return make_balance(customer=customer, feature=make_feature(feature_id="api_calls", name="API calls"))


@pytest.fixture
def grant(balance: Balance) -> Grant:
    """A hundred, of which thirty were used."""
    return make_grant(balance=balance)


def page(balance: Balance) -> str:
    return page_of(balance)


def text(response: Any) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


class TestExplain:
    def test_it_says_what_the_explanation_says(self, client, balance, grant):
        make_rollover(balance=balance, granted=Decimal(10), left=Decimal(4))
        shown = text(client.get(page(balance), {"use": "75"}))
        assert "Using 75 would be refused. 1 more would be needed." in shown
        assert "rollovers come before grants" in shown
        assert "standalone grant of" in shown
        assert "Using 74 would deduct" in text(client.get(page(balance), {"use": "74"}))
        assert "Refunding 5 would return" in text(client.get(page(balance), {"use": "-5"}))

    def test_as_an_entity_sees_it(self, client, balance, grant):
        make_grant(balance=balance, entity=make_entity(customer=balance.customer, entity_id="east"))
        assert "Using 140 would deduct" in text(client.get(page(balance), {"use": "140", "entity": "east"}))
        assert "Enter the ID of one of this customer&#x27;s entities." in text(
            client.get(page(balance), {"entity": "west"})
        )

    @pytest.mark.parametrize(
        "value", some_cases(((value,) for value in HOSTILE if "\0" not in value), one_in=3)
    )
    def test_what_is_no_amount_is_a_form_error(self, client, balance, grant, value):
        response = client.get(page(balance), {"use": value})
        assert "would" not in text(response).partition("Simulate usage")[2].partition("Deduction order")[0]
        assert list(response.context["form"].errors) == ["use"]
        assert list(client.get(page(balance), {"entity": value}).context["form"].errors) == ["entity"]

    def test_it_is_linked_from_where_balances_are(self, client, balance, grant):
        for url in (
            reverse("admin:billing_balance_changelist"),
            reverse("admin:billing_balance_change", args=[balance.pk]),
            reverse("admin:customers_customer_change", args=[balance.customer_id]),
        ):
            shown = text(client.get(url))
            assert page(balance) in shown or f"/{balance.pk}/explain/" in shown

    def test_more_rows_take_no_more_queries(self, client, balance):
        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                text(client.get(page(balance), {"use": "5"}))
            return len(queries)

        def fill() -> None:
            row = make_grant(balance=balance)
            make_grant(balance=balance, entity=make_entity(customer=balance.customer))
            make_grant(balance=balance, ended_at=clock.now())
            make_rollover(balance=balance, grant=row)
            adjust.add(row, Decimal(1), reason="More", done_by="ada")

        fill()
        count()
        one = count()
        fill()
        fill()
        assert count() == one
        assert one <= 35

    def test_a_balance_with_nothing_in_it(self, client, balance):
        assert "Using 5 would be refused" in text(client.get(page(balance), {"use": "5"}))

    def test_a_credit_system_and_what_draws_it(self, client, balance, grant):
        cost = make_credit_cost(metered_feature=balance.feature, credit_cost=Decimal("0.3"))
        credit_balance = make_balance(customer=balance.customer, feature=cost.credit_system)
        make_grant(balance=credit_balance)
        shown = text(client.get(page(balance)))
        assert "Other balances that pay for it" in shown
        assert "0.3" in shown
        assert "API calls" in text(client.get(page(credit_balance)))

    def test_no_such_balance(self, client, balance):
        for key in ("nonsense", make_customer().pk, "bal_01h3vjs3b16yc3f9q8q9pfrb78", "a%00b"):
            url = page(balance).replace(str(balance.pk), str(key))
            assert client.get(url).status_code in {302, 404}
            assert client.post(url, {}).status_code in {302, 404}

    def test_names_are_text(self, client, balance, grant):
        balance.customer.name = balance.feature.name = "<script>alert(1)</script>"
        balance.customer.save()
        balance.feature.save()
        assert "<script>alert(1)" not in text(client.get(page(balance)))


class TestCourse:
    def test_the_days_with_changes_say_what_remained(self, client, balance):
        now = clock.now()
        grant = make_grant(balance=balance, included_grant=0, usage=0, created_at=now - timedelta(days=9))
        for figure, amount, ago in (("included_grant", 100, 9), ("usage", 60, 5)):
            post(
                PostingDraft(
                    customer_id=balance.customer_id,
                    kind=Posting.Kind.USAGE,
                    occurred_at=now - timedelta(days=ago),
                    done_by="test",
                    changes=[FigureChange(grant, figure, Decimal(amount))],
                )
            )
        response = client.get(page(balance))
        assert [row[3].text for row in response.context["course"].rows] == ["40", "100"]


class TestPostings:
    def test_nobody_adds_changes_or_deletes_one(self, client, grant):
        posting = Posting.objects.get()
        assert client.get(reverse("admin:billing_posting_add")).status_code == 403
        assert client.post(reverse("admin:billing_posting_change", args=[posting.pk]), {}).status_code == 403
        assert client.get(reverse("admin:billing_posting_delete", args=[posting.pk])).status_code == 403

    def test_a_list_takes_as_many_queries_for_more(self, client, grant):
        url = reverse("admin:billing_posting_changelist")

        def count(address: str) -> int:
            with CaptureQueriesContext(connection) as queries:
                text(client.get(address))
            return len(queries)

        change = reverse("admin:billing_posting_change", args=[Posting.objects.get().pk])
        count(url), count(change)
        one, form = count(url), count(change)
        make_rollover()
        make_grant()
        assert count(url) == one
        assert count(change) == form

    def test_it_is_found_by_its_key_and_filtered(self, client, balance, grant):
        draft = PostingDraft(
            customer_id=balance.customer_id,
            kind=Posting.Kind.USAGE,
            feature_id=balance.feature_id,
            occurred_at=clock.now(),
            done_by="record_usage",
            key="use-1",
        )
        (posting,) = post(draft)
        url = reverse("admin:billing_posting_changelist")
        for query in (
            {"q": "use-1"},
            {"q": posting.pk},
            {"kind__exact": "usage"},
            {
                "customer__id__exact": balance.customer_id,
                "feature__id__exact": balance.feature_id,
                "q": "use-1",
            },
        ):
            assert list(client.get(url, query).context["cl"].result_list) == [posting], query
        assert client.get(url, {"q": "a\0b"}).status_code == 302
