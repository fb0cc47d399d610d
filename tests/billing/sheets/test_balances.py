"""Granting, adjusting and reversing in sheets, and undoing it from the toast."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.balances import adjust
from billing.explain.burn_rate import pace_of
from billing.ledger.balance_figures import figures_of_balance
from billing.models import Balance, Grant, Posting
from billing.rules.figures import figures_of
from billing.sheets.figures import enough_until_reset, rounded_up
from customers import clock
from customers.formats import customer_url
from customers.sheets import CHANGED, act_url
from tests.billing.sheets.acts import confirm, lines, preview, problem, signed_in, toast
from tests.examples import sampled
from tests.factories import (
    make_balance,
    make_customer,
    make_entity,
    make_feature,
    make_grant,
    make_subscription,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HOSTILE = ("NaN", "-Infinity", "1e999999999", "a\0b", "9" * 50, "nonsense", "1e15", "0.00000000001", "")


@pytest.fixture
def client() -> Client:
    return signed_in()


@pytest.fixture
def balance() -> Balance:
    """A hundred, of which thirty were used."""
    customer = make_customer(name="Acme")
    made = make_balance(
        customer=customer, feature=make_feature(feature_id="api_calls", name="API calls", type="metered")
    )
    make_grant(balance=made)
    return made


@pytest.fixture
def grant(balance: Balance) -> Grant:
    return balance.grants.get()


def remaining(balance: Balance) -> Decimal:
    return figures_of_balance(balance, clock.now()).remaining


class TestGrant:
    def test_from_the_customer_with_a_toast_that_undoes_it(self, client: Client, balance: Balance) -> None:
        make_subscription(customer=balance.customer)
        shown = preview(client, "grant", balance.customer, amount="500", last_day="2999-12-31")
        assert Grant.objects.count() == 1
        found = lines(shown)
        assert found["Remaining"] == ("70", "570")
        assert found["Granted this period"] == ("100", "600")
        assert found["Charge"] == ("", "None")
        assert shown.context["preview"].button == "Grant 500 API calls"
        assert shown.context["preview"].notes[0].startswith("The billing platform bills this account.")

        done = confirm(client, shown)
        assert done.redirect_chain == [(customer_url(balance.customer_id), 302)]
        message, undo = toast(done)
        assert message == "Granted 500 API calls."
        made = Grant.objects.latest("created_at", "pk")
        assert made.expires_at is not None
        assert made.expires_at.isoformat() == "3000-01-01T00:00:00+00:00"
        assert remaining(balance) == 570

        assert client.get(undo).status_code == 405
        undone = client.post(undo, {"next": "/admin/worklist/"}, follow=True)
        assert undone.redirect_chain == [("/admin/worklist/", 302)]
        assert remaining(balance) == 70
        again = client.post(undo, {"next": "https://example.com/"}, follow=True)
        assert again.redirect_chain == [(customer_url(balance.customer_id), 302)]
        assert "Couldn&#x27;t undo. This entry was reversed before." in again.content.decode()

    def test_the_balance_and_the_account_are_chosen(self, client: Client, balance: Balance) -> None:
        former = make_customer(name="Acme Labs", merged_into=balance.customer)
        other = make_balance(customer=balance.customer, feature=balance.feature, came_with=former)
        new = make_feature(name="Seats", type="metered")
        # Of the first, thirty of a hundred are used.
        page = client.get(act_url("grant", balance.customer))
        assert page.context["form"]["what"].value() == balance.pk
        assert (
            client.get(act_url("grant", other)).context["form"]["what"].help_text == "Acme Labs · 0 of 0 left"
        )
        confirm(client, preview(client, "grant", other, amount="7"))
        assert (remaining(balance), remaining(other)) == (Decimal(70), Decimal(7))
        done = confirm(
            client, preview(client, "grant", balance.customer, what=new.pk, amount="3", interval="month")
        )
        assert toast(done)[0] == "Granted 3 Seats."
        assert Balance.objects.get(feature=new).grants.get().reset_interval == "month"

    def test_what_is_held_is_not_offered(self, client: Client, balance: Balance) -> None:
        seats = make_balance(customer=balance.customer, feature=make_feature(consumable=False))
        make_feature(consumable=False)
        url = act_url("grant", balance.customer)
        assert client.get(url).context["form"].fields["what"].choices == [(str(balance.pk), "API calls")]
        data = {"what": seats.pk, "amount": "3"}
        answer = client.post(url, data)
        assert answer.context["form"].errors["what"] == ["Choose a feature from the list."]

    def test_what_changed_since_is_refused(self, client: Client, balance: Balance, grant: Grant) -> None:
        shown = preview(client, "grant", balance, amount="5")
        adjust.add(grant, Decimal(1), reason="Faster", done_by="bea")
        told = confirm(client, shown)
        assert problem(told) == CHANGED
        assert lines(told)["Remaining"] == ("71", "76")
        assert problem(confirm(client, told, amount="500")) == CHANGED
        assert remaining(balance) == 71
        confirm(client, told)
        assert remaining(balance) == 76

    def test_live_previews_wait_for_what_is_missing(self, client: Client, balance: Balance) -> None:
        url = act_url("grant", balance)
        opened = client.get(url, headers={"X-Sheet": "open"})
        assert b"<html" not in opened.content
        live = client.post(url, {"what": balance.pk, "amount": ""}, headers={"X-Sheet": "live"})
        assert b"This field is required." not in live.content
        checked = client.post(url, {"what": balance.pk, "amount": ""}, headers={"X-Sheet": "check"})
        assert b"This field is required." in checked.content
        shown = preview(client, "grant", balance, amount="5")
        data = {
            "what": balance.pk,
            "amount": "5",
            "confirm": "1",
            "seen": shown.context["preview"].seen,
            "previewed": shown.context["previewed"],
            "next": "/admin/worklist/?scope=all",
        }
        done = client.post(url, data, headers={"X-Sheet": "do"})
        assert (done.status_code, done["X-Sheet-Back"]) == (204, "/admin/worklist/?scope=all")
        assert remaining(balance) == 75


class TestAdjust:
    @pytest.mark.parametrize(
        ("fields", "left", "message"),
        [
            ({"what": "add", "amount": "20.5"}, "90.5", "Added 20.5 API calls."),
            ({"what": "add", "amount": "-1"}, "69", "Removed 1 unit of API calls."),
            ({"what": "set", "amount": "5"}, "5", "Set remaining to 5 API calls."),
        ],
    )
    def test_it_is_done_and_undone(
        self, client: Client, balance: Balance, fields: dict[str, str], left: str, message: str
    ) -> None:
        shown = preview(client, "adjust", balance, reason="Goodwill", **fields)
        assert lines(shown)["Remaining"] == ("70", left)
        assert remaining(balance) == 70
        told, undo = toast(confirm(client, shown))
        assert (told, remaining(balance)) == (message, Decimal(left))
        posting = Posting.objects.get(kind="adjustment")
        assert posting.reason == "Goodwill"
        client.post(undo)
        assert remaining(balance) == 70

    def test_a_grant_expires_and_is_not_given_back(
        self, client: Client, balance: Balance, grant: Grant
    ) -> None:
        page = client.post(act_url("adjust", balance), {"what": "expire", "grant": "", "reason": "Over"})
        assert "amount" not in page.context["form"].fields
        shown = preview(client, "adjust", balance, what="expire", grant=grant.pk, reason="Over")
        assert lines(shown)["Remaining"] == ("70", "0")
        assert toast(confirm(client, shown)) == ("Expired grant.", "")
        grant.refresh_from_db()
        assert grant.ended_at is not None

    def test_a_reason_must_be_given_but_not_for_a_preview(self, client: Client, balance: Balance) -> None:
        shown = preview(client, "adjust", balance, what="add", amount="5")
        assert lines(shown)["Remaining"] == ("70", "75")
        told = confirm(client, shown)
        assert list(told.context["form"].errors) == ["reason"]
        assert remaining(balance) == 70

    @pytest.mark.sampled
    def test_nonsense_is_answered(self, client: Client, balance: Balance) -> None:
        url = act_url("adjust", balance)
        for value, what in sampled(product(HOSTILE, ("add", "set")), one_in=3):
            response = client.post(url, {"what": what, "amount": value, "reason": "x", "confirm": "1"})
            assert response.context["preview"] is None, value
            assert response.context["form"].errors or problem(response), value
        fields = ("what", "grant", "reason", "seen", "previewed", "at", "next")
        for value, field in sampled(product(HOSTILE, fields), one_in=4):
            data = {"what": "add", "amount": "5", "reason": "x", "confirm": "1", field: value * 100}
            assert client.post(url, data).status_code == 200, (field, value)
        assert Posting.objects.count() == 1

    def test_who_is_slower_sees_the_new_preview(self, client: Client, balance: Balance, grant: Grant) -> None:
        make_grant(balance=balance)
        shown = preview(client, "adjust", balance, what="add", amount="5", grant=grant.pk, reason="x")
        adjust.add(grant, Decimal(1), reason="Faster", done_by="bea")
        assert problem(confirm(client, shown)) == CHANGED
        adjust.expire(grant, reason="Over", done_by="bea")
        assert "This one has ended or expired." in confirm(client, shown).content.decode()


def test_an_entry_is_reversed_once(client: Client, balance: Balance, grant: Grant) -> None:
    posting = adjust.add(grant, Decimal(5), reason="More", done_by="ada").posting
    assert posting is not None
    page = client.get(act_url("reverse-entry", posting))
    assert lines(page)["Remaining"] == ("75", "70")
    assert list(confirm(client, page).context["form"].errors) == ["reason"]
    assert toast(confirm(client, page, reason="Mistake"))[0] == "Reversed the ledger entry."
    assert Posting.objects.get(reverses=posting).reason == "Mistake"
    assert problem(client.get(act_url("reverse-entry", posting))) == "This entry was reversed before."


def test_only_who_may_change_balances_is_let_in(balance: Balance, grant: Grant) -> None:
    posting = Posting.objects.get()
    viewer, manager = signed_in("Viewer"), signed_in("Account manager")
    for act, row in (
        ("grant", balance),
        ("grant", balance.customer),
        ("adjust", balance),
        ("reverse-entry", posting),
    ):
        assert viewer.get(act_url(act, row)).status_code == 403
        assert viewer.post(act_url(act, row), {}).status_code == 403
        assert manager.get(act_url(act, row)).status_code == 200
        assert manager.get(act_url(act, "nonsense")).status_code == 404
    assert viewer.post(f"/admin/undo/entry/{posting.pk}/").status_code == 403


def test_more_rows_take_no_more_queries(client: Client, balance: Balance) -> None:
    def count(act: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(act_url(act, balance))
        return len(queries)

    def fill() -> None:
        make_grant(balance=balance, entity=make_entity(customer=balance.customer))
        make_balance(customer=balance.customer, feature=make_feature(type="metered"))

    def counts() -> list[int]:
        return [count("grant"), count("adjust")]

    fill()
    counts()
    before = counts()
    fill()
    fill()
    assert counts() == before


def test_the_amount_that_is_enough_is_a_round_one() -> None:
    """Ten a day for twenty days are two hundred, of which seventy remain."""
    now = datetime(2026, 11, 30, tzinfo=UTC)
    reset = now + timedelta(days=20)
    figures = replace(figures_of([]), granted=Decimal(100), remaining=Decimal(70), next_reset_at=reset)
    pace = pace_of(figures, (), Decimal("100.1"), now - timedelta(days=10), now)
    assert enough_until_reset(figures, pace, now) == 131
    assert enough_until_reset(replace(figures, remaining=Decimal(300)), pace, now) is None
    assert rounded_up(Decimal("15846.2")) == 15900
    assert rounded_up(Decimal("0.2")) == 1


def test_names_are_text(client: Client, balance: Balance) -> None:
    balance.customer.name = balance.feature.name = "<script>alert(1)</script>"
    balance.customer.save()
    balance.feature.save()
    for act in ("grant", "adjust"):
        response: Any = client.get(act_url(act, balance))
        assert "<script>alert(1)" not in response.content.decode()
