"""Receivables, renewals, usage and work: figures worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from billing.balances.grant import grant
from billing.ledger.entries import reverse
from billing.models import Invoice, Posting
from billing.usage.deduct import UsageRequest
from billing.usage.record import record_usage
from crm.models import Receivable, UsageMonth, WorkMonth
from crm.reports.receivables import aging_page
from crm.reports.refresh import refresh_figures
from crm.reports.renewals import renewals_page
from crm.reports.report import Choices, ReportPage
from crm.reports.scope import ReportScope
from crm.reports.usage import refresh_usage, usage_page
from crm.reports.work import work_page
from customers import clock
from customers.models import Customer
from tests.crm.reports.rows import NOW, TODAY, at, subscribe
from tests.desk import refresh_all_facts
from tests.factories import (
    make_activity,
    make_customer,
    make_feature,
    make_invoice,
    make_note,
    make_task,
    make_user,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def chosen(**choices: Any) -> Choices:
    return Choices(**{"scope": ReportScope(env="live"), "today": TODAY, "months": 3, **choices})


def rows(page: ReportPage) -> list[list[str]]:
    assert page.table is not None
    return [[cell.text for cell in row] for row in page.table.rows]


def facts(page: ReportPage) -> dict[str, str]:
    return {fact.label: fact.value for fact in page.facts}


def owe(total: int, due: Any, **fields: Any) -> Invoice:
    fields.setdefault("customer", make_customer())
    return make_invoice(total=total, currency="USD", status="open", due_at=due, **fields)


def test_receivables_are_grouped_by_days_past_due() -> None:
    owe(1000, NOW + 5 * DAY)
    owe(2000, NOW)
    owe(3000, NOW - DAY, paid=500)
    owe(4000, NOW - 30 * DAY)
    owe(5000, NOW - 31 * DAY)
    owe(6000, NOW - 91 * DAY)
    owe(7000, None)
    owe(8000, NOW - 10 * DAY, customer=make_customer(env="sandbox"))
    make_invoice(customer=make_customer(), total=9000, currency="USD", status="paid", due_at=NOW - DAY)
    refresh_figures()
    page = aging_page(chosen())
    assert [(label, count, due) for label, count, _, due, _ in rows(page)] == [
        ("Not due yet", "2", "$30.00"),
        ("1 to 30 days", "2", "$65.00"),
        ("31 to 60 days", "1", "$50.00"),
        ("61 to 90 days", "0", "$0.00"),
        ("Over 90 days", "1", "$60.00"),
        ("No due date", "1", "$70.00"),
    ]
    assert (facts(page)["Past due"], facts(page)["Amount due"]) == ("$175.00", "$275.00")


def test_receivables_of_an_earlier_day_are_those_known_then(monkeypatch: pytest.MonkeyPatch) -> None:
    invoice = owe(3000, NOW - 20 * DAY)
    refresh_figures()
    monkeypatch.setattr(clock, "now", lambda: NOW + 20 * DAY)
    Invoice.objects.filter(pk=invoice.pk).update(status="paid", paid=3000)
    refresh_figures()
    today = TODAY + 20 * DAY
    assert aging_page(chosen(today=today)).table is None
    # On the 25th it was 30 days past due, and known to be unpaid.
    page = aging_page(chosen(today=today, scope=ReportScope(as_of=date(2026, 4, 25))))
    assert rows(page)[1][3] == "$30.00"
    assert Receivable.objects.count() == 1


def test_renewals_are_the_next_of_each_customer() -> None:
    subscribe(make_customer(), 100, at(1, 1), current_period_end=NOW + 3 * DAY)
    subscribe(make_customer(), 40, at(1, 1), current_period_end=NOW + 31 * DAY, past_due=True)
    subscribe(make_customer(), 7, at(1, 1), current_period_end=NOW + 3 * DAY, canceled_at=NOW)
    refresh_all_facts(NOW)
    page = renewals_page(chosen())
    assert rows(page) == [
        ["Apr 2026", "1", "$100.00", "0", "$0.00"],
        ["May 2026", "1", "$40.00", "1", "$40.00"],
        ["Jun 2026", "0", "$0.00", "0", "$0.00"],
    ]


def use(customer: Customer, feature: Any, amount: str, when: Any) -> Posting:
    record_usage(
        UsageRequest(
            customer_id=str(customer.pk), feature=feature, amount=Decimal(amount), done_by="test", at=when
        )
    )
    return Posting.objects.filter(kind="usage").latest("recorded_at", "pk")


def granted(feature: Any, monkeypatch: pytest.MonkeyPatch) -> Customer:
    """A customer with 1,000 of a feature since February."""
    customer = make_customer()
    monkeypatch.setattr(clock, "now", lambda: at(2, 1))
    grant(customer, feature, Decimal(1000), done_by="test")
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return customer


def test_usage_is_summed_by_month_and_follows_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    feature = make_feature(name="Calls")
    customer = granted(feature, monkeypatch)
    use(customer, feature, "0.1", at(2, 10))
    use(customer, feature, "0.2", at(2, 20))
    wrong = use(customer, feature, "50", at(4, 1))
    refresh_figures()
    assert rows(usage_page(chosen()))[0][2:5] == ["50", "0", "50.3"]
    monkeypatch.setattr(clock, "now", lambda: NOW + DAY)
    reverse(wrong, done_by="test", reason="wrong")
    use(customer, feature, "7", at(3, 3))
    assert refresh_usage([str(customer.pk)], NOW) == 1
    page = usage_page(chosen())
    assert rows(page) == [["Calls", "Standalone grants", "0", "7", "7.3", "100.0%"]]
    assert UsageMonth.objects.count() == 2


# On PostgreSQL the outbox has no changes of a transaction that isn't committed.
@pytest.mark.once
def test_only_customers_that_changed_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    feature = make_feature(name="Calls")
    customer = granted(feature, monkeypatch)
    use(customer, feature, "3", at(4, 10))
    assert refresh_figures().usage == 1
    assert refresh_figures().usage == 0
    use(customer, feature, "4", at(4, 10))
    assert refresh_figures().usage == 1
    assert facts(usage_page(chosen()))["Used"] == "7"


def test_work_counts_for_who_did_it() -> None:
    max_, mia = (make_user(first_name=name, last_name="Example") for name in ("Max", "Mia"))
    make_activity(kind="call", logged_by=max_, happened_at=at(4, 2))
    make_activity(kind="meeting", logged_by=max_, happened_at=at(3, 2))
    make_activity(kind="mail", logged_by=mia, happened_at=at(4, 2))
    make_note(author=max_, created_at=at(4, 1))
    make_note(author=max_, created_at=at(4, 1), origin="generated")
    make_task(done_by=mia, done_at=at(2, 2), owner=max_)
    make_task(owner=max_)
    refresh_figures()
    assert rows(work_page(chosen())) == [
        ["Max Example", "1", "1", "0", "1", "0", "0", "3"],
        ["Mia Example", "0", "0", "1", "0", "1", "0", "2"],
    ]
    only_mia = work_page(chosen(users=[User.objects.get(pk=mia.pk).pk], months=1))
    assert rows(only_mia) == [["Mia Example", "0", "0", "1", "0", "0", "0", "1"]]
    assert WorkMonth.objects.count() == 4
