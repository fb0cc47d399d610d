"""Exports: requested on the list, written by a job, downloaded by the user who requested them; and the command."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook  # type: ignore[import-untyped]

from crm.desk.facts.refresh import refresh_facts
from crm.desk.spreadsheets import csv_file, exports
from crm.desk.spreadsheets.columns import columns_for, rows_of
from crm.desk.spreadsheets.exports import delete_old_exports, start_export, write_part
from crm.jobs.engine import run_next
from crm.jobs.kind import Lane
from crm.jobs.kinds import KINDS
from crm.models import Export, ExportPart, Job
from customers import clock
from customers.models import Customer
from tests.factories import (
    make_activity,
    make_address,
    make_company,
    make_customer,
    make_customer_tag,
    make_domain,
    make_health_score,
    make_plan,
    make_relationship,
    make_segment,
    make_subscription,
    make_tag,
    make_user,
    make_worker,
)

pytestmark = pytest.mark.django_db

LIST = "/admin/desk/customers/"


@pytest.fixture
def user() -> User:
    return make_user("Account manager", username="mo")


@pytest.fixture
def client(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PART", 2)


def table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def full_customer(name: str, user: User) -> Customer:
    customer = make_customer(name=name, phone="+1 555 0100", external_id=f"id {name}")
    make_relationship(customer=customer, owner=user)
    make_company(customer=customer, name=f"{name} Holding")
    make_domain(customer=customer, name=f"{name}.example.com")
    make_address(customer=customer, country="AT", is_default=True)
    make_health_score(customer=customer, score=71)
    make_activity(customer=customer, happened_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    make_customer_tag(customer=customer, tag=make_tag(name=f"tag of {name}"))
    plan = make_plan(plan_id=f"pro-{name}", price_amount=Decimal("19.90"), currency="EUR")
    make_subscription(customer=customer, plan=plan, current_period_end=clock.now() + timedelta(days=40))
    refresh_facts([str(customer.pk)])
    return customer


def test_a_row_says_what_one_wants_to_know(user: User) -> None:
    customer = full_customer("acme", user)
    headings = columns_for()
    [row] = rows_of([str(customer.pk)], headings)
    told = dict(zip(headings, row, strict=True))
    assert told.pop("Renews on") == (clock.now() + timedelta(days=40)).date()
    assert told.pop("Created") == customer.created_at
    assert told == {
        "Id": str(customer.pk),
        "Name": "acme",
        "E-mail": customer.email,
        "Phone": "+1 555 0100",
        "Status": "Active",
        "Archived": None,
        "Environment": "live",
        "External id": "id acme",
        "Stripe id": None,
        "Account manager": "mo",
        "Tags": "tag of acme",
        "Company": "acme Holding",
        "Domains": "acme.example.com",
        "Country": "AT",
        "Plans": "pro-acme",
        "MRR EUR": Decimal("19.90"),
        "MRR USD": None,
        "Contract per year": Decimal(12000),
        "Contract in": "USD",
        "Health": 71,
        "Last contact": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    }


def test_rows_take_a_fixed_number_of_queries_and_columns_are_those_one_may_see(user: User) -> None:
    def queries(customers: Iterable[Customer]) -> int:
        keys = [str(customer.pk) for customer in customers]
        with CaptureQueriesContext(connection) as captured:
            assert len(rows_of(keys, headings)) == len(keys)
        return len(captured)

    first = full_customer("a", user)
    headings = columns_for()
    one = queries([first])
    assert queries([first, *(full_customer(name, user) for name in "bcd")]) == one <= 12
    assert "MRR EUR" not in columns_for(lambda permission: permission != "billing.view_subscription")


def test_from_the_list_to_the_file(client: Client, user: User, small_parts: None) -> None:
    for number in range(5):
        make_customer(name=f"=evil{number}", status="inactive")
    make_customer(name="other")
    answer = client.post(f"{LIST}export/csv/?status=inactive", {"all": "1"})
    export = Export.objects.get()
    assert answer["Location"] == reverse("desk-export", args=[export.pk])
    assert "0 of 5 written" in client.get(answer["Location"]).content.decode()
    file = reverse("desk-export-file", args=[export.pk])
    assert client.get(file).status_code == 404
    progress = reverse("desk-export-progress", args=[export.pk])
    waiting = {"done": 0, "of": 5, "skipped": 0, "is_running": False}
    assert client.get(progress).json() == waiting
    worker = make_worker()
    assert run_next(worker, KINDS, Lane.QUICK)
    assert client.get(progress).json() == {"done": 5, "of": 5, "skipped": 0, "is_running": True}
    job = Job.objects.get()
    assert (job.state, job.result, job.requested_by) == ("done", "5 customers exported", user)
    assert "5 of 5 written" in client.get(answer["Location"]).content.decode()
    fetched = client.get(file)
    rows = table(content(fetched))
    assert [row["Name"] for row in rows] == [f"'=evil{number}" for number in range(5)]
    assert "attachment" in fetched["Content-Disposition"]


def test_chosen_ones_as_a_sheet(client: Client) -> None:
    chosen = [make_customer(name=name) for name in ("a", "b")]
    make_customer(name="other")
    keys = [customer.pk for customer in chosen]
    client.post(f"{LIST}export/xlsx/", {"chosen": keys})
    export = Export.objects.get()
    write_part(export)
    data = content(client.get(reverse("desk-export-file", args=[export.pk])))
    sheet = load_workbook(io.BytesIO(data)).active
    assert [row[1] for row in sheet.iter_rows(values_only=True)] == ["Name", "a", "b"]


def test_who_is_in_it_is_settled_when_it_is_asked_for(user: User, small_parts: None) -> None:
    for name in "abc":
        make_customer(name=name, status="inactive")
    export = start_export(
        Customer.objects.filter(status="inactive"), "sleepers", "csv", by=user, may=user.has_perm
    )
    write_part(export)
    Customer.objects.update(status="active")
    make_customer(name="d", status="inactive")
    assert write_part(export) == 0
    assert [row["Name"] for row in table(b"".join(exports.file_of(export)))] == ["a", "b", "c"]


def test_nobody_else_has_it_and_after_a_day_nobody(client: Client, user: User) -> None:
    def asked(by: User) -> Export:
        return start_export(Customer.objects.all(), "all", "csv", by=by, may=by.has_perm)

    others, mine = asked(make_user()), asked(user)
    for page in ("desk-export", "desk-export-file"):
        assert client.get(reverse(page, args=[others.pk])).status_code == 404
        assert client.get(reverse(page, args=["exp_x"])).status_code == 404
        assert client.get(reverse(page, args=[mine.pk])).status_code == 200
    Export.objects.update(made_at=clock.now() - timedelta(days=1, minutes=1))
    last = asked(user)
    assert delete_old_exports(clock.now()) == 2
    assert Export.objects.get() == last


def test_exports_are_listed_and_removed_by_who_asked_for_them(
    client: Client, user: User, small_parts: None
) -> None:
    def asked(title: str, by: User) -> Export:
        return start_export(Customer.objects.all(), title, "csv", by=by, may=by.has_perm)

    address = reverse("desk-exports")
    assert "No exports yet" in client.get(address).content.decode()
    for _ in range(3):
        make_customer()
    mine, others, old = asked("mine", user), asked("somebody else", make_user()), asked("yesterday", user)
    Export.objects.filter(pk=old.pk).update(made_at=clock.now() - timedelta(days=1, minutes=1))
    page = client.get(address).content.decode()
    assert "Mine" in page
    assert "being written" in page
    assert "Somebody else" not in page
    assert "Yesterday" not in page
    while write_part(mine):
        pass
    page = client.get(address).content.decode()
    assert "deleted <time" in page
    assert "being written" not in page
    for export, status in ((others, 404), (old, 404), (mine, 302)):
        remove = reverse("desk-export-remove", args=[export.pk])
        assert client.get(remove).status_code == 405
        assert client.post(remove).status_code == status
    assert set(Export.objects.all()) == {others, old}
    assert ExportPart.objects.filter(export=mine).count() == 0
    assert "No exports yet" in client.get(address).content.decode()


def test_who_may_not_export_is_not_offered_it(user: User) -> None:
    viewer = Client()
    viewer.force_login(make_user("Viewer"))
    make_customer()
    assert viewer.get(LIST).context["exports"] == []
    assert viewer.post(f"{LIST}export/csv/", {"all": "1"}).status_code == 403


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Customer:
    """A customer whose row cannot be read, among two others."""
    _, found, _ = (make_customer(name=name, status="inactive") for name in "abc")
    read = csv_file.body

    def body(rows: list[list[Any]]) -> bytes:
        if any("b" in row for row in rows):
            raise ZeroDivisionError
        return read(rows)

    monkeypatch.setattr(csv_file, "body", body)
    return found


def test_a_customer_that_fails_is_left_out_of_the_file_and_counted(
    client: Client, user: User, broken: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    export = start_export(Customer.objects.all(), "all", "csv", by=user, may=user.has_perm)
    assert run_next(make_worker(), KINDS, Lane.QUICK)
    progress = client.get(reverse("desk-export-progress", args=[export.pk])).json()
    assert progress == {"done": 3, "of": 3, "skipped": 1, "is_running": True}
    assert Job.objects.get().problems == 1
    assert [row["Name"] for row in table(b"".join(exports.file_of(export)))] == ["a", "c"]
    page = client.get(reverse("desk-export", args=[export.pk])).content.decode()
    assert "2 of 3 written. Couldn&#x27;t export 1." in page
    *_, logged = [record for record in caplog.records if record.levelname == "ERROR"]
    assert logged.message.startswith(f"event=customer_skipped customer={broken.pk} job=spreadsheet ")


def test_the_command_leaves_out_who_fails_and_exits_with_1(tmp_path: Path, broken: Customer) -> None:
    make_segment(name="Sleepers", query={"status": ["inactive"]})
    target, out = tmp_path / "found.csv", io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("export_segment", "Sleepers", output=str(target), stdout=out)
    assert refused.value.returncode == 1
    assert str(refused.value) == f"Couldn't export 1 customer: {broken.pk}. The log says why."
    assert out.getvalue() == f"Wrote 2 customers to {target}.\n"
    assert [row["Name"] for row in table(target.read_bytes())] == ["a", "c"]


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_command_writes_a_segment(tmp_path: Path, file_format: str, small_parts: None) -> None:
    for name in "abc":
        make_customer(name=name, status="inactive")
    make_customer(name="other")
    make_segment(name="Sleepers", query={"status": ["inactive"]})
    target, out = tmp_path / f"found.{file_format}", io.StringIO()
    call_command("export_segment", "Sleepers", format=file_format, output=str(target), stdout=out)
    assert "Wrote 3 customers to" in out.getvalue()
    if file_format == "csv":
        assert [row["Name"] for row in table(target.read_bytes())] == ["a", "b", "c"]
    else:
        assert load_workbook(target).active.max_row == 4
    with pytest.raises(CommandError, match="no segment"):
        call_command("export_segment", "None such", output=str(tmp_path / "none"), stdout=out)
    with pytest.raises(CommandError, match="Couldn't write"):
        call_command("export_segment", "Sleepers", output=str(tmp_path / "no" / "such"), stdout=out)
    assert list(tmp_path.iterdir()) == [target]
