"""What a score is made of, as the database has it, and the history that is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from crm.desk.health.facts import UsageTrend, facts_of
from crm.desk.health.queries import falls, history_of, scores_of
from crm.desk.health.refresh import score_customers
from crm.desk.refresh import refresh_all
from crm.desk.worklist.health import dropped_health
from crm.desk.worklist.reason import WorklistBatch
from crm.models import DeskRefresh, HealthScore
from customers import clock
from customers.models import Customer
from tests.factories import (
    make_customer,
    make_feature,
    make_health_score,
    make_invoice,
    make_note,
    make_posting,
    make_relationship,
    make_subscription,
    make_user,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)


def burdened() -> Customer:
    """Something of everything that a score looks at."""
    customer = make_customer(created_at=AT - 100 * DAY)
    make_invoice(customer=customer, status="open", due_at=AT - 18 * DAY)
    make_invoice(customer=customer, status="open", due_at=AT - 2 * DAY)
    make_subscription(customer=customer, past_due=True, canceled_at=AT - DAY, expires_at=AT + DAY)
    make_subscription(customer=customer, status="ended", past_due=True, canceled_at=AT, expires_at=AT - DAY)
    make_note(customer=customer, created_at=AT - 52 * DAY)
    feature = make_feature(name="API calls")
    for days_ago, amount, kind in (
        (1, 30, "usage"),
        (2, -5, "refund"),
        (31, 50, "usage"),
        (61, 900, "usage"),
    ):
        make_posting(
            customer=customer,
            feature=feature,
            kind=kind,
            amount=Decimal(amount),
            occurred_at=AT - days_ago * DAY,
        )
    make_posting(customer=customer, feature=feature, kind="import", amount=Decimal(7), occurred_at=AT - DAY)
    return customer


def test_the_facts_are_what_the_rows_say() -> None:
    customer = burdened()
    found = facts_of([str(customer.pk)], AT)[str(customer.pk)]
    assert (found.is_billed, found.overdue, found.overdue_days, found.is_past_due) == (True, 2, 18, True)
    assert (found.silent_days, found.canceled, found.tenure_days) == (52, 1, 100)
    assert found.since == date(2026, 8, 16)
    assert found.trends == [UsageTrend(feature="API calls", latest=Decimal(25), before=Decimal(50))]
    make_relationship(customer=customer, start_date=date(2026, 11, 14))
    assert facts_of([str(customer.pk)], AT)[str(customer.pk)].tenure_days == 10


def test_of_somebody_unknown_nothing_is_made_up() -> None:
    customer = make_customer(created_at=AT, status="suspended")
    found = facts_of([str(customer.pk)], AT)[str(customer.pk)]
    assert (found.is_billed, found.trends, found.silent_days, found.is_suspended) == (False, [], None, True)


def test_what_a_customer_used_that_became_part_of_this_one_counts() -> None:
    customer = burdened()
    merged = make_customer()
    feature = make_feature(name="Credits")
    make_posting(customer=merged, feature=feature, amount=Decimal(3), occurred_at=AT - DAY)
    Customer.objects.filter(pk=merged.pk).update(merged_into=customer)
    assert {use.feature: use.latest for use in facts_of([str(customer.pk)], AT)[str(customer.pk)].trends} == {
        "API calls": 25,
        "Credits": 3,
    }


def test_a_row_is_written_when_the_points_change_and_at_most_one_a_day() -> None:
    customer = make_customer(created_at=AT - 2000 * DAY)
    key = [str(customer.pk)]
    note = make_note(customer=customer, created_at=AT)
    invoice = make_invoice(customer=customer, status="paid")

    def rows() -> list[tuple[date, int, bool]]:
        return list(HealthScore.objects.order_by("day").values_list("day", "score", "is_latest"))

    assert score_customers(key, AT) == 1
    # Payments, contact, tenure and issues: 60 of 100 points. Within two weeks of a contact nothing changes.
    assert rows() == [(date(2026, 11, 24), 100, True)]
    assert score_customers(key, AT + 14 * DAY) == 0
    note.created_at = AT - 76 * DAY
    note.save()
    # 90 days later nothing is left of the 10 points for contact: 50 of 60.
    assert score_customers(key, AT + 14 * DAY) == 1
    assert rows() == [(date(2026, 11, 24), 100, False), (date(2026, 12, 8), 83, True)]
    make_note(customer=customer, created_at=AT)
    assert score_customers(key, AT + 14 * DAY) == 1
    assert rows() == [(date(2026, 11, 24), 100, False), (date(2026, 12, 8), 100, True)]
    # Without enough data, the score is no longer in force.
    invoice.delete()
    assert score_customers(key, AT + 15 * DAY) == 0
    assert scores_of(key) == {}


def with_data(**fields: Any) -> Customer:
    """A customer of whom enough is known."""
    customer = make_customer(**fields)
    make_note(customer=customer, created_at=AT)
    make_invoice(customer=customer, status="paid")
    return customer


def test_a_day_of_the_past_does_not_touch_the_score_in_force() -> None:
    customer = with_data(created_at=AT - 2000 * DAY)
    assert score_customers([str(customer.pk)], AT) == 1
    assert score_customers([str(customer.pk)], AT - 9 * DAY) == 0


def test_all_current_customers_are_scored() -> None:
    stays = with_data()
    with_data(archived_at=AT)
    make_customer(merged_into=stays)
    assert [step.scores for step in refresh_all(AT)] == [1]
    assert [step.scores for step in refresh_all(AT)] == [0]
    assert HealthScore.objects.get().customer == stays
    assert DeskRefresh.objects.get(name="health").customers == 1


def test_scoring_takes_as_many_queries_for_many_customers_as_for_one() -> None:
    counts = []
    for size in (1, 4):
        keys = [str(burdened().pk) for _ in range(size)]
        with CaptureQueriesContext(connection) as captured:
            assert score_customers(keys, AT) == size
        counts.append(len(captured))
    assert counts[0] == counts[1]


def had(*scores: tuple[int, int], customer: Customer | None = None, **fields: Any) -> Customer:
    """A customer who had these scores, so many days before `AT`."""
    customer = customer or make_customer()
    last = min(days for days, _ in scores)
    for days, score in scores:
        moment = AT - days * DAY
        make_health_score(
            customer=customer, score=score, day=moment.date(), at=moment, is_latest=days == last, **fields
        )
    return customer


def test_a_fall_is_a_reason() -> None:
    fell = had((200, 90), (45, 82), (20, 70), (3, 55))
    slid = had((45, 82), (3, 68))
    rose = had((45, 50), (3, 80))
    new = had((20, 90), (3, 10))
    long_ago = had((90, 90), (45, 10))
    everybody = [str(each.pk) for each in (fell, slid, rose, new, long_ago)]
    assert falls(everybody, 30, AT) == {str(fell.pk): (82, 55), str(slid.pk): (82, 68)}
    (reason,) = dropped_health(WorklistBatch(everybody, AT))
    assert reason.words == "health fell from 82 to 55 within 30 days"
    assert reason.weight == 47


def test_scores_are_read_for_lists() -> None:
    well, unknown = had((9, 10), (3, 80)), make_customer()
    # What came with a customer that was merged into this one is history of that one.
    had((1, 5), customer=well, came_with=make_customer(merged_into=well))
    assert scores_of([str(well.pk), str(unknown.pk)]) == {str(well.pk): 80}
    assert history_of(well, AT) == [(date(2026, 11, 15), 10), (date(2026, 11, 21), 80)]
    assert history_of(well, AT, days=5) == [(date(2026, 11, 21), 80)]


@pytest.mark.once
def test_the_page_explains_every_point() -> None:
    client = Client()
    client.force_login(make_user("Viewer"))
    customer = had((45, 82), (3, 55), customer=burdened())
    url = f"/admin/customer/{customer.pk}/health/"
    page = client.get(url)
    assert [
        part.words for part in page.context["shown"].health.parts if part.words not in page.content.decode()
    ] == []
    assert page.context["shown"].table["rows"] == [["Nov 21, 2026", 55], ["Oct 10, 2026", 82]]
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    had(*((days, 60) for days in range(50, 60)), customer=make_customer())
    for days in range(4, 40):
        make_health_score(customer=customer, score=60, day=(AT - days * DAY).date(), is_latest=False)
    with CaptureQueriesContext(connection) as many:
        client.get(url)
    assert len(few) == len(many)
    assert client.get("/admin/customer/nobody/health/").status_code == 404
    customer.external_id = "acme"
    customer.save()
    assert client.get("/admin/customer/acme/health/")["Location"] == url


@pytest.mark.once
def test_the_page_is_for_those_who_may_see_it() -> None:
    outsider = make_user("Viewer")
    outsider.groups.clear()
    client = Client()
    client.force_login(outsider)
    assert client.get(f"/admin/customer/{make_customer().pk}/health/").status_code == 403
