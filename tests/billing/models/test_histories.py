"""What the histories of grants and rollovers tell: all but the figures, so that uses leave nothing in them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from billing.balances.adjust import add, expire
from billing.document.importer import BillingImporter
from billing.models import Grant
from billing.subscriptions import renew
from billing.usage.record import record_usage
from billing.usage.record_many import record_usage_batch
from customers.bulk import update_rows
from tests.api.steps import take_in_values
from tests.billing.uses import LATER, NOON, granted, use
from tests.factories import make_address, make_balance

pytestmark = pytest.mark.django_db


def told(row: Any) -> list[tuple[str, Any]]:
    """The kind of each history row and when the grant ended, the first one first."""
    kept = type(row).history.filter(id=row.pk).order_by("history_id")
    return list(kept.values_list("history_type", "ended_at"))


def test_a_use_leaves_no_history():
    grant = granted(make_balance(), 100)
    record_usage(use(grant.balance, 3))
    record_usage(use(grant.balance, -1))
    list(record_usage_batch([use(grant.balance, 4), use(grant.balance, 5)]))
    grant.refresh_from_db()
    assert grant.usage == 11
    assert told(grant) == [("+", None)]


def test_an_adjustment_leaves_none_and_an_expiry_does():
    grant = granted(make_balance(), 100)
    add(grant, Decimal(5), reason="Goodwill", done_by="test", at=NOON)
    assert told(grant) == [("+", None)]
    expire(grant, reason="Over", done_by="test", at=NOON)
    assert told(grant) == [("+", None), ("~", NOON)]


def test_a_reset_tells_the_next_one():
    grant = granted(make_balance(), 100, 30, reset_interval="month", next_reset_at=LATER)
    for batch in renew(LATER + timedelta(hours=1), done_by="test"):
        assert not batch.failures
    kept = Grant.history.filter(id=grant.pk).order_by("history_id")
    assert list(kept.values_list("history_type", "next_reset_at")) == [
        ("+", LATER),
        ("~", LATER + timedelta(days=30)),
    ]


def test_grants_of_a_subscription_that_is_no_longer_listed_end_in_the_history_too():
    row = {"id": "g", "plan_id": "pro", "included_grant": 10, "prepaid_grant": 0, "remaining": 10, "usage": 0}
    row |= {"unlimited": False, "reset": None, "price": None, "expires_at": None}
    balance = {"feature_id": "calls", "granted": 10, "remaining": 10, "usage": 0, "unlimited": False}
    balance |= {"overage_allowed": False, "max_purchase": None, "next_reset_at": None, "breakdown": [row]}
    listed = {"id": "s", "plan_id": "pro", "status": "active", "started_at": 1_700_000_000_000, "quantity": 1}
    listed |= {"auto_enable": False, "add_on": False, "past_due": False, "canceled_at": None}
    listed |= {"expires_at": None, "current_period_start": None, "current_period_end": None}
    take_in_values(
        BillingImporter(), [{"id": "a", "subscriptions": [listed], "balances": {"calls": balance}}]
    )
    grant = Grant.objects.get()
    assert told(grant) == [("+", None)]
    take_in_values(BillingImporter(), [{"id": "a", "subscriptions": []}])
    grant.refresh_from_db()
    assert grant.ended_at is not None
    assert told(grant) == [("+", None), ("~", grant.ended_at)]


def test_columns_that_the_history_does_not_keep_leave_none():
    grant = granted(make_balance(), 100)
    update_rows([grant], ["usage", "entries"], "")
    assert told(grant) == [("+", None)]
    update_rows([grant], ["usage", "expires_at"], "")
    assert [kind for kind, _ in told(grant)] == ["+", "~"]


def test_only_the_rows_told_of_leave_history():
    one, other = make_address(), make_address()
    update_rows([one, other], ["city"], "moved", history_of=[other])
    assert one.history.count() == 1
    assert other.history.first().history_change_reason == "moved"
