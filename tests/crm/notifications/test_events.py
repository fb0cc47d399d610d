"""What happened to customers, and what time makes due: who is told, and once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from billing.balances.alerts import fire_alerts
from billing.invoices.issue import InvoiceRequest, raise_invoices
from billing.invoices.payments import record_payment
from billing.rules.invoice_totals import BilledLine
from crm.dedupe.merges.merge import merge
from crm.jobs.events import tell_of_events
from crm.jobs.exports import write_export
from crm.models import Job, Notification, Preferences
from crm.notifications import events
from crm.notifications.due import record_due
from crm.notifications.events import handle_events
from crm.notify import notify
from customers import clock
from customers.events import record_event
from customers.models import Customer, Event, EventKind
from tests.factories import (
    make_balance,
    make_customer,
    make_export,
    make_feature,
    make_grant,
    make_invoice,
    make_relationship,
    make_subscription,
    make_task,
    make_usage_alert,
    make_user,
)

pytestmark = pytest.mark.django_db

#: Monday, 8 in the morning in Tokyo.
NOW = datetime(2026, 11, 29, 23, 0, tzinfo=UTC)


@pytest.fixture
def max_() -> User:
    return make_user("Account manager", username="max")


def texts(user: User) -> list[str]:
    return [each.text for each in Notification.objects.of(user)]


def kinds() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def test_a_merge_tells_both_account_managers_but_not_the_actor(max_: User) -> None:
    ada = make_user(first_name="Ada", last_name="Example")
    survivor, other = make_customer(), make_customer()
    make_relationship(customer=survivor, owner=ada)
    make_relationship(customer=other, owner=max_)
    merge(survivor.pk, [other.pk], by=ada)
    assert [handle_events(), handle_events()] == [1, 0]
    [told] = Notification.objects.all()
    assert (told.user, told.text) == (max_, "Ada Example merged another customer into this account")
    assert told.customer_id == survivor.pk


def test_invoices_that_are_issued_and_paid_here(max_: User) -> None:
    customer = make_customer()
    line = BilledLine(kind="base", description="Plan", amount=500)
    request = InvoiceRequest(customer_id=customer.pk, currency="USD", at=clock.now(), lines=[line])
    [invoice] = raise_invoices([request], done_by="test")
    assert invoice is not None
    record_payment(invoice, 200, done_by="test")
    assert kinds() == ["invoice.issued"]
    record_payment(invoice, 300, done_by="test")
    assert kinds() == ["invoice.issued", "invoice.paid"]
    assert Event.objects.last().data == {"invoice_id": invoice.pk}  # type: ignore[union-attr]
    make_relationship(customer=customer, owner=max_)
    handle_events()
    assert texts(max_) == []


def test_an_alert_tells_the_account_manager(max_: User) -> None:
    feature = make_feature(name="API calls")
    alert = make_usage_alert(feature=feature)
    make_grant(balance=make_balance(customer=alert.customer, feature=feature), usage=Decimal(85))
    make_relationship(customer=alert.customer, owner=max_)
    for _ in range(2):
        fire_alerts([str(alert.customer_id)], clock.now())
        handle_events()
    [told] = Notification.objects.all()
    assert (told.text, told.detail) == ("A usage alert fired", "API calls past 80%: 85 of 100 used")


def test_many_alike_are_one_notification(max_: User) -> None:
    for number in range(6):
        customer = make_customer()
        make_relationship(customer=customer, owner=max_)
        make_invoice(
            customer=customer, status="open", due_at=NOW - timedelta(hours=1), number=f"INV-{number}"
        )
    assert record_due(NOW) == 6
    handle_events()
    assert texts(max_) == ["6 invoices are past due in your accounts"]


def test_invoices_and_trials_are_told_once(max_: User) -> None:
    customer = make_customer()
    make_relationship(customer=customer, owner=max_)
    late = make_invoice(customer=customer, status="open", number="INV-7", due_at=NOW - timedelta(hours=1))
    make_invoice(customer=customer, status="open", due_at=NOW - timedelta(days=40))
    make_invoice(customer=customer, status="paid", due_at=NOW - timedelta(hours=1))
    trial = make_subscription(customer=customer, status="active", trial_ends_at=NOW + timedelta(days=2))
    for _ in range(2):
        record_due(NOW)
        handle_events()
    assert sorted(texts(max_)) == ["Invoice INV-7 is past due", f"The trial of {trial.plan} ends Dec 1"]
    link = Notification.objects.get(kind="past_due").link
    assert link == f"/admin/invoice/{late.pk}/"


def test_tasks_are_due_in_the_morning_of_their_assignee(max_: User) -> None:
    Preferences.objects.create(user=max_, time_zone="Asia/Tokyo")
    monday = (NOW + timedelta(hours=9)).date()
    make_task(owner=max_, due_on=monday, title="Call them")
    make_task(owner=max_, due_on=monday + timedelta(days=1), reminder_on=monday, title="Write to them")
    make_task(owner=max_, due_on=monday, done_at=NOW)
    assert record_due(NOW - timedelta(hours=2)) == 0
    assert [record_due(NOW), record_due(NOW + timedelta(hours=1))] == [2, 0]
    assert sorted(texts(max_)) == ["A task is due today", "Reminder of a task"]
    assert record_due(NOW + timedelta(days=1)) == 1


def test_an_event_that_fails_holds_up_no_other(max_: User, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = (make_customer() for _ in range(2))
    for customer in (bad, good):
        make_relationship(customer=customer, owner=max_)
        record_event(EventKind.CUSTOMER_MERGED, customer.pk)

    def fail_once(*arguments: Any, **values: Any) -> Any:
        if values["customer"] == bad:
            raise ZeroDivisionError
        return notify(*arguments, **values)

    monkeypatch.setattr(events, "notify", fail_once)
    assert [handle_events(), handle_events()] == [2, 0]
    assert [each.customer_id for each in Notification.objects.all()] == [good.pk]


def test_an_import_and_an_export(tmp_path: pytest.TempPathFactory, max_: User) -> None:
    file = tmp_path / "payments.json"  # type: ignore[operator]
    file.write_text('[{"id": "a", "name": "Kestrel"}, {"id": ""}]')
    with pytest.raises(Exception, match="Refused 1 record"):
        call_command("import_customers", "payments", str(file))
    event = Event.objects.get()
    assert (event.kind, event.data["created"], event.data["refused"]) == ("import.done", 1, 1)
    assert Customer.objects.count() == 1

    class Job:
        arguments = {"export": make_export(made_by=max_).pk}

    for _ in range(2):
        write_export(Job())  # type: ignore[arg-type]
    assert texts(max_) == ["Your export of 0 customers is ready"]


def test_an_import_by_a_command_tells_those_who_operate_jobs(max_: User) -> None:
    operator = make_user("Billing operations")
    # With an ID, as of a file: its page is not for those who may not import.
    record_event(
        EventKind.IMPORT_DONE, subject="imp_1", source="crm", created=1200, updated=3, unchanged=0, refused=1
    )
    handle_events()
    told = Notification.objects.get()
    assert (told.user, told.text) == (operator, "Import of crm documents done")
    assert told.detail == "1,200 created, 3 updated, 1 refused"
    assert told.link == "/admin/jobs/"


def test_an_import_tells_the_user_who_did_it_and_asks_for_the_figures(max_: User) -> None:
    make_user("Billing operations")
    counts: Any = {"created": 3, "updated": 0, "refused": 0}
    record_event(EventKind.IMPORT_DONE, subject="imp_1", by=max_, source="crm", **counts)
    job: Any = None
    tell_of_events(job)
    told = Notification.objects.get()
    assert (told.user, told.link) == (max_, "/admin/imports/imp_1/")
    assert set(Job.objects.values_list("kind", flat=True)) == {"revenue", "report_figures"}
    tell_of_events(job)
    assert Job.objects.count() == 2
