"""The pages of reports: who may see which, filters in the URL, files, and how many queries they take."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.desk.home.movement import refresh_movements
from crm.reports.catalog import REPORTS
from customers import clock
from tests.crm.reports.rows import NOW, at, subscribe
from tests.factories import make_customer, make_segment, make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def viewer(client: Client) -> Client:
    client.force_login(make_user("Viewer"))
    return client


def text(client: Client, name: str, **query: str) -> str:
    response = client.get(reverse("report", args=[name]), query)
    assert response.status_code == 200
    return response.content.decode()


def lines(client: Client, name: str, **query: str) -> list[list[str]]:
    response: Any = client.get(reverse("report", args=[name]), {"file": "csv", **query})
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)
def test_every_report_opens_without_data(viewer: Client, report: Any) -> None:
    assert "No figures yet" in text(viewer, report.name)
    assert report.title in viewer.get(reverse("reports")).content.decode()


def test_a_report_needs_its_permissions(client: Client) -> None:
    user = make_user("Viewer")
    user.groups.clear()
    user.user_permissions.add(Permission.objects.get(codename="view_customer"))
    client.force_login(user)
    for report in REPORTS:
        assert client.get(reverse("report", args=[report.name])).status_code == 403
    assert client.get(reverse("reports")).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_subscription"))
    shown = client.get(reverse("reports")).content.decode()
    assert "MRR movement" in shown
    assert "Receivables" not in shown


def test_a_file_has_the_table_in_plain_figures(viewer: Client) -> None:
    subscribe(make_customer(), 1500, at(3, 10))
    refresh_movements()
    head, april, march, *_ = lines(viewer, "mrr-movement", months="3")
    assert head[:3] == ["Month", "MRR at start", "New"]
    assert april == ["2026-04-01", "1500.00", "0.00", "0.00", "0.00", "0.00", "1500.00", "1"]
    assert march[:3] == ["2026-03-01", "0.00", "1500.00"]


def test_a_segment_and_a_team_choose_customers(viewer: Client) -> None:
    subscribe(make_customer(status="active"), 10, at(3, 10))
    subscribe(make_customer(status="suspended"), 20, at(3, 10))
    refresh_movements()
    segment = make_segment(is_shared=True, query={"status": ["suspended"]})
    assert "$30.00" in text(viewer, "mrr-movement")
    assert "$20.00" in text(viewer, "mrr-movement", segment=segment.pk)
    assert "No figures found" in text(viewer, "mrr-movement", owner=f"team:{make_team().pk}")
    assert "$30.00" in text(viewer, "mrr-movement", owner="none")


@pytest.mark.parametrize(
    "query",
    [
        {"owner": "team:none"},
        {"owner": "user:"},
        {"env": "x"},
        {"months": "-1"},
        {"segment": "seg_x"},
        {"as_of": "2026-13-01"},
        {"as_of": "2019-01-01"},
        {"feature": "x"},
    ],
)
def test_a_choice_that_is_not_possible_is_left_out(viewer: Client, query: dict[str, str]) -> None:
    subscribe(make_customer(), 10, at(3, 10))
    refresh_movements()
    assert "$10.00" in text(viewer, "mrr-movement", **query)


def test_a_page_takes_the_same_queries_for_any_number_of_rows(viewer: Client) -> None:
    def queries() -> list[int]:
        taken = []
        for report in REPORTS:
            with CaptureQueriesContext(connection) as captured:
                text(viewer, report.name)
            taken.append(len(captured))
        return taken

    subscribe(make_customer(), 10, at(3, 10))
    refresh_movements()
    before = queries()
    for _ in range(3):
        subscribe(make_customer(), 10, at(3, 10))
        make_user(is_staff=True)
    refresh_movements()
    assert queries() == before
