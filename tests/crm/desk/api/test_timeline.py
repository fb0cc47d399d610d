"""The list of what happened to a customer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.fixtures import error_of
from tests.api.steps import merge
from tests.factories import MOMENT, make_activity, make_customer, make_note, make_user

pytestmark = pytest.mark.django_db


def path(identifier: str = "acme-42") -> str:
    return f"/api/v1/customers/{identifier}/timeline"


@pytest.fixture
def customer() -> Any:
    return make_customer(external_id="acme-42")


def texts(page: Any) -> list[str]:
    return [each["text"] for each in page["data"]]


def test_an_entry(read, customer):
    make_note(customer=customer, body="*Hello*", author=make_user(username="max"), created_at=MOMENT)
    (entry,) = read(path(), kind="note")["data"]
    assert (entry["kind"], entry["at"], entry["by"]) == ("note", "2024-08-26T12:15:00.000Z", "max")
    assert (entry["text"], entry["is_of_day"]) == ("*Hello*", False)
    assert entry["title"]


def test_pages_together_are_the_timeline(read, customer):
    for number in range(5):
        make_note(customer=customer, body=str(number), created_at=MOMENT + timedelta(hours=number // 2))
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = read(path(), kind="note", limit=2, **after)
        seen += texts(page)
        assert page["has_more"] is (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        after = {"after": page["next_cursor"]}
    assert seen == texts(read(path(), kind="note")) == ["4", "3", "2", "1", "0"]


def test_filters(read, refuse, customer):
    max_ = make_user(username="max")
    make_note(customer=customer, body="A", author=max_, created_at=MOMENT)
    make_note(customer=customer, body="B", created_at=MOMENT + timedelta(days=1))
    make_activity(customer=customer, summary="C", happened_at=MOMENT + timedelta(days=2), logged_by=max_)

    def found(**filters: str) -> list[str]:
        return texts(read(path(), **{"kind": "note,contact"} | filters))

    assert found() == ["C", "B", "A"]
    assert found(kind="contact") == ["C"]
    assert found(by="max") == ["C", "A"]
    assert found(by="nobody") == []
    assert found(q="b") == ["B"]
    assert found(happened_after="2024-08-27T12:15:00Z", happened_before="2024-08-28") == ["B"]
    for name, bad in (
        ("kind", "nonsense"),
        ("happened_after", "soon"),
        ("q", "x" * 256),
        ("limit", "0"),
        ("after", "x"),
    ):
        error = refuse(400, path(), **{name: bad})
        assert (error["code"], error["param"]) == ("invalid_parameter", name)


def test_what_happened_to_a_merged_customer_is_in_the_survivors(read, customer):
    merged = make_customer(external_id="old")
    merge(merged, customer)
    make_note(customer=customer, body="A")
    assert texts(read(path("old"), kind="note")) == ["A"]


def test_the_environment_chooses_whose(read, customer):
    make_note(customer=make_customer(external_id="acme-42", env="sandbox"), body="S")
    assert texts(read(path(), kind="note")) == []
    assert texts(read(path(), kind="note", env="sandbox")) == ["S"]


def test_an_unknown_customer_is_404(refuse):
    error = refuse(404, path("nobody"))
    assert (error["code"], error["param"]) == ("customer_not_found", "identifier")


def test_a_user_sees_the_kinds_that_their_permissions_allow(client, customer):
    make_note(customer=customer, body="A")
    assert client.get(path()).status_code == 401
    user = User.objects.create_user("viewer")
    client.force_login(user)
    assert error_of(client.get(path()))["code"] == "forbidden"
    user.user_permissions.add(Permission.objects.get(codename="view_customer"))
    assert "note" not in {each["kind"] for each in client.get(path()).json()["data"]}
    user.user_permissions.add(Permission.objects.get(codename="view_note"))
    assert "note" in {each["kind"] for each in client.get(path()).json()["data"]}


def test_queries_do_not_grow(api, customer):
    counts = []
    for _ in range(2):
        for _ in range(10):
            make_note(customer=customer, author=make_user())
        with CaptureQueriesContext(connection) as queries:
            assert api.get(path()).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
