"""Lists of notes, tasks and worklist entries: their documents and filters."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User

from tests.factories import (
    MOMENT,
    make_note,
    make_task,
    make_user,
    make_worklist_entry,
    make_worklist_reason,
)

pytestmark = pytest.mark.django_db

NOTES, TASKS, WORKLIST = "/api/v1/notes", "/api/v1/tasks", "/api/v1/worklist"
LATER = datetime(2024, 9, 26, tzinfo=UTC)


def found(page: Any, key: str) -> list[Any]:
    return sorted(each[key] for each in page["data"])


def test_a_note(read):
    note = make_note(body="*Hello*", author=make_user(username="max"), created_at=MOMENT, is_pinned=True)
    assert read(NOTES)["data"] == [
        {
            "id": note.pk,
            "customer_id": note.customer_id,
            "author": "max",
            "body": "*Hello*",
            "is_summary": False,
            "is_pinned": True,
            "origin": "written",
            "created_at": "2024-08-26T12:15:00.000Z",
        }
    ]


def test_filters_of_notes(read, refuse):
    make_note(body="A", author=make_user(username="max"), created_at=MOMENT, is_pinned=True)
    make_note(body="B", origin="generated", is_summary=True, created_at=LATER)

    def bodies(**filters: str) -> list[str]:
        return found(read(NOTES, **filters), "body")

    assert bodies(q="a") == bodies(author="max") == bodies(is_pinned="true") == ["A"]
    assert bodies(origin="written") == bodies(is_summary="false") == ["A"]
    assert bodies(created_before="2024-09-26") == ["A"]
    assert bodies(created_after="2024-09-26") == bodies(origin="generated") == ["B"]
    assert "written, generated" in refuse(400, NOTES, origin="x")["message"]


def test_a_task(read):
    user = make_user(username="max")
    task = make_task(
        title="Call",
        due_on=date(2024, 9, 1),
        owner=user,
        created_by=user,
        created_at=MOMENT,
        done_at=LATER,
        done_by=user,
    )
    assert read(TASKS)["data"] == [
        {
            "id": task.pk,
            "customer_id": task.customer_id,
            "title": "Call",
            "body": "",
            "status": "done",
            "due_on": "2024-09-01",
            "reminder_on": None,
            "assignee": "max",
            "created_at": "2024-08-26T12:15:00.000Z",
            "created_by": "max",
            "done_at": "2024-09-26T00:00:00.000Z",
            "done_by": "max",
        }
    ]


def test_filters_of_tasks(read, refuse):
    user = make_user(username="max")
    make_task(title="A", body="offer", owner=user, due_on=date(2024, 9, 1), created_at=MOMENT)
    make_task(title="B", created_by=user, done_at=LATER, created_at=LATER)

    def titles(**filters: str) -> list[str]:
        return found(read(TASKS, **filters), "title")

    assert titles(status="open") == titles(assignee="max") == titles(q="OFFER") == ["A"]
    assert titles(due_after="2024-09-01", due_before="2024-09-02") == ["A"]
    assert titles(created_before="2024-09-26") == ["A"]
    assert titles(due_before="2024-09-01") == []
    assert titles(status="done") == titles(created_by="max") == titles(created_after="2024-09-26") == ["B"]
    assert titles(done_after="2024-09-26", done_before="2024-09-27") == ["B"]
    assert refuse(400, TASKS, due_after="soon")["param"] == "due_after"


def test_a_worklist_entry_with_its_open_reasons(read):
    entry = make_worklist_entry(person=make_user(username="max"), weight=60)
    light = make_worklist_reason(entry=entry, weight=10, rule="unowned", words="no account manager")
    heavy = make_worklist_reason(entry=entry, weight=50, link="/admin/x/")
    make_worklist_reason(entry=entry, decision="done")
    assert read(WORKLIST)["data"] == [
        {
            "id": entry.pk,
            "customer_id": entry.customer_id,
            "person": "max",
            "weight": 60,
            "reasons": [
                {
                    "id": heavy.pk,
                    "rule": "subscription_past_due",
                    "words": "Pro is past due",
                    "weight": 50,
                    "since": "2024-08-26T12:15:00.000Z",
                    "link": "/admin/x/",
                },
                {
                    "id": light.pk,
                    "rule": "unowned",
                    "words": "no account manager",
                    "weight": 10,
                    "since": "2024-08-26T12:15:00.000Z",
                    "link": None,
                },
            ],
        }
    ]


def test_the_worklist_is_most_urgent_first_and_without_what_was_dealt_with(read):
    few, many = make_worklist_entry(weight=10), make_worklist_entry(weight=90)
    make_worklist_entry(weight=0)
    assert [each["id"] for each in read(WORKLIST)["data"]] == [many.pk, few.pk]


def test_filters_of_the_worklist(read, refuse):
    entry = make_worklist_entry(person=make_user(username="max"))
    make_worklist_reason(entry=entry, rule="unowned", since=LATER)
    make_worklist_reason(entry=entry, since=MOMENT)
    other = make_worklist_entry(person=None)
    make_worklist_reason(entry=other, rule="task_due", since=LATER, decision="done")

    def ids(**filters: str) -> list[str]:
        return found(read(WORKLIST, **filters), "id")

    assert ids(person="max") == ids(rule="unowned") == ids(since_after="2024-09-01") == [entry.pk]
    # Of one reason: the one of the rule began later.
    assert ids(rule="unowned", since_before="2024-09-01") == ids(rule="task_due") == []
    assert ids(rule="subscription_past_due", since_before="2024-09-01") == [entry.pk]
    assert "task_due" in refuse(400, WORKLIST, rule="nonsense")["message"]


def test_a_user_sees_the_reasons_that_their_permissions_allow(client):
    entry = make_worklist_entry()
    make_worklist_reason(entry=entry)
    user = User.objects.create_user("viewer")
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_customer", "view_worklistentry"]))
    client.force_login(user)
    assert client.get(WORKLIST).json()["data"][0]["reasons"] == []
    assert client.get(WORKLIST, {"rule": "subscription_past_due"}).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_subscription"))
    assert len(client.get(WORKLIST).json()["data"][0]["reasons"]) == 1
    assert client.get(WORKLIST, {"rule": "subscription_past_due"}).status_code == 200
