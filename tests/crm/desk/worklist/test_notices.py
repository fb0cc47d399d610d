"""Alerts, top-ups and reminders on the worklist and on the timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from crm.desk.timeline.entry import TimelineQuery
from crm.desk.timeline.stream import read_page
from crm.desk.worklist.notices import due_topups, dunning_steps, fired_alerts
from crm.desk.worklist.reason import WorklistBatch
from crm.models import WorklistReason
from customers import clock
from tests.billing.subscriptions.timeline import set_figures
from tests.factories import (
    make_alert_fired,
    make_auto_topup,
    make_balance,
    make_customer,
    make_dunning_step,
    make_feature,
    make_grant,
    make_invoice,
    make_usage_alert,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def words(find, customer, at=AT):
    return [reason.words for reason in find(WorklistBatch([str(customer.pk)], at))]


def test_an_alert_is_a_reason_until_its_period_ends():
    fired = make_alert_fired(
        feature=make_feature(name="calls"), name="Nearly out", fired_at=AT - DAY, period_ends_at=AT + 3 * DAY
    )
    assert words(fired_alerts, fired.customer) == [
        "alert “Nearly out”: calls past 80%, 85 of 100 used, resets Nov 27"
    ]
    assert words(fired_alerts, fired.customer, AT + 3 * DAY) == []


def test_an_alert_without_resets_is_a_reason_for_30_days():
    fired = make_alert_fired(feature=make_feature(name="calls"), fired_at=AT)
    assert words(fired_alerts, fired.customer, AT + 30 * DAY) == ["alert calls past 80%, 85 of 100 used"]
    assert words(fired_alerts, fired.customer, AT + 31 * DAY) == []


def test_a_top_up_is_proposed_with_what_it_would_buy():
    customer, calls = make_customer(), make_feature(name="credits")
    balance = make_balance(customer=customer, feature=calls)
    grant = make_grant(balance=balance, included_grant=Decimal(1000), usage=Decimal(901))
    topup = make_auto_topup(
        customer=customer,
        feature=calls,
        threshold=Decimal(100),
        quantity=Decimal(500),
        enabled=True,
        limit=Decimal(2),
        limit_interval="week",
    )
    assert words(due_topups, customer) == ["buy 500 credits: 99 left, below 100, at most 2 per week"]
    set_figures(grant, clock.now(), usage=900)
    assert words(due_topups, customer) == []
    set_figures(grant, clock.now(), usage=950)
    topup.enabled = None
    topup.save()
    assert words(due_topups, customer) == []


def test_a_reminder_names_its_step_the_amount_and_the_delay():
    invoice = make_invoice(status="open", total=2000, stripe_id="INV-7", due_at=AT - 15 * DAY)
    make_dunning_step(invoice=invoice, step=1, taken_at=AT - 8 * DAY)
    assert words(dunning_steps, invoice.customer) == [
        "send reminder 1 of 3 for invoice INV-7: $20.00, 15 days past due"
    ]
    make_dunning_step(invoice=invoice, step=3, days=30, outcome="Pro was canceled")
    assert words(dunning_steps, invoice.customer) == [
        "send the last reminder for invoice INV-7: $20.00, 15 days past due. Pro was canceled"
    ]
    invoice.status = "paid"
    invoice.save()
    assert words(dunning_steps, invoice.customer) == []


def test_a_refresh_fires_and_takes_and_shows_them_once(monkeypatch, settings):
    settings.DUNNING_STEPS = [7, 14, 30]
    monkeypatch.setattr(clock, "now", lambda: AT)
    customer, calls = make_customer(), make_feature(name="calls")
    balance = make_balance(customer=customer, feature=calls)
    make_grant(
        balance=balance,
        included_grant=Decimal(100),
        usage=Decimal(85),
        reset_interval="month",
        next_reset_at=AT + DAY,
    )
    make_usage_alert(customer=customer, feature=calls)
    make_invoice(customer=customer, status="open", total=2000, stripe_id="INV-7", due_at=AT - 9 * DAY)
    out = StringIO()
    call_command("refresh_desk", stdout=out)
    call_command("refresh_desk", stdout=StringIO())
    assert "Alerts: 1 fired. Dunning: 1 reminder due." in out.getvalue()
    found = set(WorklistReason.objects.values_list("rule", "words"))
    assert {
        ("usage_alert", "alert calls past 80%, 85 of 100 used, resets Nov 25"),
        ("dunning_step", "send reminder 1 of 3 for invoice INV-7: $20.00, 9 days past due"),
    } <= found
    page = read_page(TimelineQuery(customer_ids=[customer.pk], limit=50), lambda permission: True)
    shown = {entry.title: entry.details for entry in page.entries}
    assert shown["Alert: calls past 80%"] == ("85 of 100 used",)
    assert shown["Reminder 1 of 3 due for invoice INV-7"] == ("9 days past due",)
