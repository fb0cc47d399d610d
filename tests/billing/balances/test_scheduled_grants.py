"""Grants that have not started: what pages, lists and the doctor say of them, and that they can be dropped."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from billing.admin.balance import GrantStatus
from billing.balances import adjust
from billing.balances.adjust import CannotAdjust
from billing.balances.grant import grant
from billing.doctor.due import check_resets
from billing.models import Grant, Posting
from tests.billing.subscriptions.timeline import at, run_until
from tests.clocks import clock_at
from tests.factories import make_customer, make_feature

pytestmark = pytest.mark.django_db

NOW, START = at("2026-01-01T00:00"), at("2026-01-20T00:00")
WHY: dict[str, Any] = {"reason": "By mistake", "done_by": "bea"}


@pytest.fixture
def scheduled() -> Grant:
    customer, calls = make_customer(), make_feature(feature_id="calls", name="Calls")
    with clock_at(NOW):
        return grant(
            customer,
            calls,
            Decimal(10),
            at=START,
            expires_at=START + timedelta(days=60),
            done_by="ada",
            reason="A present",
        )


def test_it_starts_as_who_scheduled_it_wanted(scheduled: Grant) -> None:
    run_until(START)
    posting = Posting.objects.get()
    assert (posting.kind, posting.reason, posting.done_by) == (Posting.Kind.GRANT, "A present", "ada")


def test_it_can_be_dropped_before_it_starts(scheduled: Grant) -> None:
    with clock_at(NOW):
        assert adjust.expirable_grants(scheduled.balance, NOW) == [scheduled]
        adjust.expire(scheduled, **WHY)
    run_until(START)
    dropped = Grant.objects.get()
    assert (dropped.ended_at, dropped.included_grant) == (NOW, 0)
    assert [(each.kind, each.reason) for each in Posting.objects.all()] == [
        (Posting.Kind.EXPIRY, "By mistake")
    ]


def test_a_dropped_one_never_started_for_people_and_the_billing_client(scheduled: Grant, api: Client) -> None:
    with clock_at(NOW):
        adjust.expire(scheduled, **WHY)
    grants: Any = admin.site._registry[Grant]
    assert grants.shown_granted(Grant.objects.get()) == "10, never started"
    with clock_at(START):
        asked = json.dumps({"statuses": ["active", "expired"]})
        answer = api.post("/v1/balances.list", asked, content_type="application/json")
    assert answer.json()["list"] == []


@pytest.mark.parametrize("verb", [adjust.add, adjust.set_remaining])
def test_there_is_nothing_to_adjust_until_then(scheduled: Grant, verb: Any) -> None:
    with clock_at(NOW), pytest.raises(CannotAdjust, match="It starts on Jan 20, 2026"):
        verb(scheduled, Decimal(5), **WHY)


def test_the_list_says_that_it_is_scheduled(scheduled: Grant) -> None:
    def listed(moment: datetime) -> tuple[list[str], str, str]:
        """The filters that find the grant, its status and what it grants."""
        grants: Any = admin.site._registry[Grant]
        with clock_at(moment):
            rows = Grant.objects.all()
            found = [name for name, (_, chosen) in GrantStatus.options.items() if chosen(rows).exists()]
            return found, grants.status(rows[0]), grants.shown_granted(rows[0])

    assert listed(NOW) == (["scheduled"], "Scheduled", "10 from Jan 20, 2026")
    run_until(START)
    assert listed(START) == (["counted"], "Active", "10")


def test_the_billing_client_gets_it_from_its_start_on(scheduled: Grant, api: Client) -> None:
    def found(*statuses: str) -> int:
        asked = json.dumps({"statuses": statuses})
        answer = api.post("/v1/balances.list", asked, content_type="application/json")
        return len(answer.json()["list"])

    with clock_at(NOW):
        assert found("active", "expired") == 0
    run_until(START)
    with clock_at(START):
        assert (found("active"), found("expired")) == (1, 0)


def test_the_doctor_says_that_a_start_was_missed(scheduled: Grant) -> None:
    def found(moment: datetime) -> list[str]:
        with clock_at(moment):
            return [finding.what for finding in check_resets(lambda *_: None)]

    assert found(START) == []
    assert found(START + timedelta(days=2)) == ["it should have started on Jan 20, 2026"]
