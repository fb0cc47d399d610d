"""A customer that cannot be renewed is rolled back alone, logged and reported; the others are renewed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib import import_module
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from billing.models import Grant, Invoice, Posting, Subscription
from billing.subscriptions import attach_plan, due_customers, renew
from customers.bulk import update_rows
from tests.billing.subscriptions.timeline import a_month_for, at, metered, plan_of
from tests.factories import make_customer

pytestmark = pytest.mark.django_db

START, DUE = at("2026-01-31T10:00"), at("2026-02-28T10:00")


@pytest.fixture
def three() -> list[Subscription]:
    """Subscriptions of three customers with a month to be billed, in the order in which they are renewed."""
    plan = plan_of("pro", (metered("seats"), {"included": 5}), **a_month_for(20))
    for number in range(3):
        attach_plan(make_customer(name=f"Secret {number}"), plan, at=START, done_by="test")
    return list(Subscription.objects.order_by("customer_id"))


def corrupt(subscription: Subscription) -> None:
    """What no code of ours writes: a quantity that is no number. Renewing it raises `decimal.InvalidOperation`."""
    Subscription.objects.filter(pk=subscription.pk).update(prepaid_quantities={"seats": "much"})


@pytest.mark.parametrize("batch", [1, 2, 200])
def test_the_others_are_renewed(
    three: list[Subscription], caplog: pytest.LogCaptureFixture, batch: int
) -> None:
    first, broken, last = three
    corrupt(broken)
    with caplog.at_level(logging.INFO, "clientele"):
        batches = list(renew(DUE, done_by="test", batch=batch))
    for subscription in three:
        subscription.refresh_from_db()
    assert (first.current_period_start, last.current_period_start) == (DUE, DUE)
    assert broken.current_period_start == START
    assert Invoice.objects.filter(subscription=broken).count() == 1
    assert Invoice.objects.count() == 5
    assert not Posting.objects.filter(customer=broken.customer, kind="reset").exists()
    assert sum(each.counts.customers for each in batches) == 2
    [failure] = [failure for each in batches for failure in each.failures]
    assert (failure.customer_id, failure.reason) == (
        broken.customer_id,
        "InvalidOperation, see the log.",
    )
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage() for record in errors] == [
        f"event=renewal_failed customer={broken.customer_id} error=InvalidOperation"
    ]
    assert errors[0].exc_info is not None
    assert not any("Secret" in record.getMessage() for record in caplog.records)


def test_the_next_run_finds_the_customer_again_and_ends_too(three: list[Subscription]) -> None:
    first = three[0]
    corrupt(first)
    list(renew(DUE, done_by="test"))
    assert due_customers(DUE) == [first.customer_id]
    [again] = renew(DUE, done_by="test")
    assert len(again.failures) == 1
    Subscription.objects.filter(pk=first.pk).update(prepaid_quantities={})
    [mended] = renew(DUE, done_by="test")
    assert (mended.counts.customers, list(mended.failures)) == (1, [])


def test_a_failure_of_the_database_is_of_one_customer_too(
    three: list[Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = three[1].customer_id

    def refuse(rows: Iterable[Any], *args: Any) -> None:
        rows = list(rows)
        if any(getattr(row, "customer_id", "") == broken for row in rows):
            with connection.cursor() as cursor:
                cursor.execute("SELECT nothing_of_this_name FROM billing_subscription")
        update_rows(rows, *args)

    monkeypatch.setattr("billing.subscriptions.unit_of_work.update_rows", refuse)
    [batch] = renew(DUE, done_by="test")
    assert [failure.customer_id for failure in batch.failures] == [broken]
    assert batch.counts.customers == 2
    assert set(Grant.objects.values_list("next_reset_at", flat=True)) == {DUE, at("2026-03-31T10:00")}


def test_without_a_connection_the_run_ends(
    three: list[Subscription], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*args: Any, **options: Any) -> Any:
        raise DatabaseError("server closed the connection")

    monkeypatch.setattr(import_module("billing.subscriptions.renew"), "open_units", lost)
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    with pytest.raises(DatabaseError, match="closed the connection"):
        list(renew(DUE, done_by="test"))


def test_the_command_reports_them_and_exits_with_1(
    three: list[Subscription], capsys: pytest.CaptureFixture[str]
) -> None:
    corrupt(three[1])
    with pytest.raises(CommandError) as refused:
        call_command("renew", "--now", f"{DUE:%Y-%m-%dT%H:%M:%SZ}")
    out, err = capsys.readouterr()
    assert refused.value.returncode == 1
    assert str(refused.value).startswith("1 customer could not be renewed and stayed unchanged.")
    assert out.startswith("2 customers: 0 started, 2 new periods,")
    assert f"{three[1].customer_id}: InvalidOperation, see the log." in err
