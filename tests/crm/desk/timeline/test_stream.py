"""The timeline: what it tells, in which order, and that it is read to the end in pages without gap or repeat."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import Posting
from crm.contacts import log_contact
from crm.desk.timeline import changes
from crm.desk.timeline.days import by_day
from crm.desk.timeline.entry import EntryKind, Position, TimelineEntry, TimelineQuery
from crm.desk.timeline.histories import HISTORIES, LEFT_OUT
from crm.desk.timeline.stream import TimelinePage, read_page
from crm.notes import write_note
from crm.tasks import add_task, complete_task
from customers.models import Customer
from customers.pinned_fields import lock_field
from tests.factories import (
    make_activity,
    make_address,
    make_balance,
    make_credit_note,
    make_customer,
    make_feature,
    make_grant,
    make_invoice,
    make_merge,
    make_note,
    make_payment,
    make_person,
    make_plan,
    make_posting,
    make_purchase,
    make_received_payload,
    make_source_record,
    make_subscription,
    make_task,
    make_user,
    make_worklist_decision,
)

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def page_of(customer: Customer, *kinds: EntryKind, limit: int = 100, **asked: Any) -> TimelinePage:
    ids = asked.pop("ids", [str(customer.pk)])
    return read_page(
        TimelineQuery(customer_ids=ids, limit=limit, **asked), lambda _: True, kinds or tuple(EntryKind)
    )


def titles(page: TimelinePage) -> list[str]:
    return [entry.title for entry in page.entries]


def surround(customer: Customer, count: int) -> None:
    """`count` of everything that happens to a customer."""
    user = make_user()
    for number in range(count):
        at = AT - number * DAY
        make_note(customer=customer, author=user, created_at=at)
        make_activity(customer=customer, logged_by=user, person=make_person(), happened_at=at)
        complete_task(make_task(customer=customer, owner=user), by=user)
        address = make_address(customer=customer)
        address.city = "Moshi"
        address.save()
        subscription = make_subscription(
            customer=customer, subscription_id=f"sub-{number}", plan=make_plan(), started_at=at
        )
        subscription.plan = make_plan()
        subscription.save()
        make_purchase(customer=customer, started_at=at)
        invoice = make_invoice(customer=customer, created_at=at)
        make_payment(invoice=invoice, amount=100, paid_at=at)
        make_credit_note(invoice=invoice, issued_at=at)
        make_grant(balance=make_balance(customer=customer))
        make_posting(customer=customer, feature=make_feature(), amount=Decimal(2), occurred_at=at)
        make_received_payload(record=make_source_record(customer=customer), received_at=at)
        make_merge(survivor=customer, made_at=at, undone_at=at + DAY, made_by=user, undone_by=user)
        make_worklist_decision(customer=customer, decided_by=user, decided_at=at)


def read_through(customer: Customer, limit: int, *kinds: EntryKind) -> list[TimelineEntry]:
    """All entries, page by page."""
    read: list[TimelineEntry] = []
    before: Position | None = None
    for _ in range(1000):
        page = page_of(customer, *kinds, limit=limit, before=before)
        read += page.entries
        if page.older is None:
            return read
        assert before is None or page.older < before
        before = Position.read(str(page.older))
    raise AssertionError("there is no end to it")


def test_pages_tell_all_of_it_once_in_order() -> None:
    customer = make_customer()
    surround(customer, 2)
    whole = page_of(customer, limit=10_000)
    assert whole.older is None
    positions = [entry.position for entry in whole.entries]
    assert positions == sorted(positions, reverse=True)
    assert {entry.kind for entry in whole.entries} == set(EntryKind)
    for limit in (3, 10):
        assert [entry.position for entry in read_through(customer, limit)] == positions


def test_what_happened_at_one_moment_is_told_once_though_pages_divide_it() -> None:
    customer = make_customer()
    for number in range(5):
        make_note(customer=customer, created_at=AT, body=f"note {number}")
        make_activity(customer=customer, happened_at=AT)
        make_invoice(customer=customer, created_at=AT)
    kinds = (EntryKind.NOTE, EntryKind.CONTACT, EntryKind.INVOICE)
    read = read_through(customer, 2, *kinds)
    assert len(read) == len({entry.position for entry in read}) == 15


def test_the_number_of_queries_does_not_grow_with_what_happened_nor_with_the_depth() -> None:
    counts = []
    for count in (1, 8):
        customer = make_customer()
        surround(customer, count)
        with CaptureQueriesContext(connection) as queries:
            page = page_of(customer, limit=20)
        counts.append(len(queries))
    assert counts[1] <= counts[0]
    assert page.older is not None
    with CaptureQueriesContext(connection) as queries:
        page_of(customer, limit=20, before=page.older)
    assert len(queries) <= counts[0]


def test_a_change_tells_old_and_new_and_who_did_it() -> None:
    user = make_user(first_name="Ada", last_name="Adeyemi")
    address: Any = make_address(line1="1 Main Street", city="Arusha")
    address.city = "Moshi"
    address._history_user = user
    address.save()
    address.save()
    entries = page_of(address.customer, EntryKind.CHANGE).entries
    assert [entry.title for entry in entries if "Address" in entry.title] == [
        "Address “1 Main Street, Moshi” changed",
        "Address “1 Main Street, Arusha” added",
    ]
    assert entries[0].details == ("City: Arusha → Moshi",)
    assert entries[0].by == "Ada Adeyemi"


def test_values_are_told_in_words() -> None:
    user = make_user(username="eve")
    task: Any = add_task(make_customer(), "Call back", by=make_user(), due_on=date(2026, 3, 4))
    task.owner, task.due_on, task.body = user, None, "x" * 500
    task.save()
    [changed, added] = page_of(task.customer, EntryKind.TASK).entries
    assert added.title == "Task “Call back” added"
    assert "Due: Mar 4, 2026 → -" in changed.details
    assert any(detail.startswith("Assignee: ") and detail.endswith(" → eve") for detail in changed.details)
    assert all(len(detail) < 250 for detail in changed.details)


def test_a_task_is_told_when_it_is_done() -> None:
    user = make_user()
    task = add_task(make_customer(), "Call back", by=user)
    complete_task(task, by=user)
    assert titles(page_of(task.customer, EntryKind.TASK)) == [
        "Task “Call back” completed",
        "Task “Call back” added",
    ]


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"canceled_at": AT}, "canceled"),
        ({"status": "ended"}, "ended"),
        ({"past_due": True}, "became past due"),
        ({"current_period_start": AT}, "renewed"),
        ({"quantity": Decimal(3)}, "changed"),
    ],
)
def test_what_became_of_a_subscription(values: dict[str, Any], title: str) -> None:
    subscription = make_subscription(plan=make_plan(name="Pro", version=1), started_at=AT)
    for name, value in values.items():
        setattr(subscription, name, value)
    subscription.save()
    assert titles(page_of(subscription.customer, EntryKind.SUBSCRIPTION)) == [
        f"Subscription “Pro v1” {title}",
        "Pro v1 started",
    ]


def test_usage_is_told_by_day_and_feature_however_long_it_rested() -> None:
    customer = make_customer()
    calls, seats = make_feature(name="Calls"), make_feature(name="Seats")
    for feature, amount, at in (
        (calls, 5, AT),
        (calls, "2.5", AT + timedelta(hours=2)),
        (calls, -1, AT + timedelta(hours=3)),
        (seats, 1, AT),
        (calls, 7, AT - DAY),
        (calls, 9, AT - 400 * DAY),
    ):
        kind = Posting.Kind.USAGE if Decimal(amount) > 0 else Posting.Kind.REFUND
        make_posting(customer=customer, feature=feature, amount=Decimal(amount), occurred_at=at, kind=kind)
    assert sorted(entry.title for entry in page_of(customer, EntryKind.USAGE).entries[:2]) == [
        "Used 1 Seats",
        "Used 6.5 Calls",
    ]
    read = read_through(customer, 2, EntryKind.USAGE)
    assert [(entry.title, entry.details) for entry in read[2:]] == [
        ("Used 7 Calls", ("1 ledger entry",)),
        ("Used 9 Calls", ("1 ledger entry",)),
    ]
    assert len(read) == 4


@pytest.mark.parametrize(
    ("zone", "heading", "weekday"),
    [
        ("Pacific/Auckland", "Mar 3, 2026", "Tuesday"),
        ("UTC", "Mar 2, 2026", "Monday"),
        ("Pacific/Honolulu", "Mar 1, 2026", "Sunday"),
    ],
)
def test_days_are_those_of_the_current_time_zone(zone: str, heading: str, weekday: str) -> None:
    customer = make_customer()
    customer.history.all().delete()
    hour = 13 if zone == "Pacific/Auckland" else 9
    at = datetime(2026, 3, 2, hour, 30, tzinfo=UTC)
    make_posting(customer=customer, feature=make_feature(name="Calls"), amount=Decimal(2), occurred_at=at)
    make_subscription(
        customer=customer, plan=make_plan(), started_at=at, trial_ends_at=at
    ).history.all().delete()
    make_invoice(customer=customer, created_at=at, due_at=at, status="open").history.all().delete()
    with timezone.override(zone):
        page = page_of(customer, EntryKind.USAGE, EntryKind.SUBSCRIPTION, EntryKind.INVOICE)
        [day] = by_day(page.entries)
        usage = next(entry for entry in page.entries if entry.kind is EntryKind.USAGE)
        assert usage.at == datetime(2026, 3, int(heading[4]), tzinfo=ZoneInfo(zone))
    assert day.words == f"{weekday}, {heading}"
    assert {detail for entry in page.entries for detail in entry.details} == {
        f"Trial ends {heading}",
        f"Open, due {heading}",
        "1 ledger entry",
    }
    assert "occurred_at_from=2026-03-0" + heading[4] in usage.url


def test_usage_around_midnight_counts_on_its_day_in_the_current_time_zone() -> None:
    customer = make_customer()
    calls = make_feature(name="Calls")
    for hour, amount in ((10, 1), (12, 2), (34, 4)):
        at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)
        make_posting(customer=customer, feature=calls, amount=Decimal(amount), occurred_at=at)
    for zone, used in (("UTC", ["4", "3"]), ("Pacific/Auckland", ["6", "1"])):
        with timezone.override(zone):
            entries = read_through(customer, 1, EntryKind.USAGE)
            assert [entry.title for entry in entries] == [f"Used {each} Calls" for each in used]


def test_midnight_in_the_current_time_zone_is_no_time_to_show() -> None:
    customer = make_customer()
    make_note(customer=customer, created_at=datetime(2026, 3, 2, 11, tzinfo=UTC))
    for zone, has_time in (("UTC", True), ("Pacific/Auckland", False)):
        with timezone.override(zone):
            assert [entry.has_time for entry in page_of(customer, EntryKind.NOTE).entries] == [has_time]


def test_what_one_import_did_is_one_entry() -> None:
    customer = make_customer()
    record = make_source_record(customer=customer, source="payments")
    address: Any = make_address(customer=customer, line1="1 Main Street", city="Arusha")
    address.city = "Moshi"
    address._change_reason = "Imported from payments: march.json"
    address.save()
    received_at = address.history.first().history_date
    between, received_at = received_at + timedelta(milliseconds=1), received_at + timedelta(milliseconds=2)
    make_activity(customer=customer, happened_at=between)
    make_received_payload(record=record, origin="march.json", received_at=received_at, remarks=[])
    first, *others = page_of(customer).entries
    assert (first.kind, first.title) == (EntryKind.IMPORT, "Received from the Payments platform")
    assert "Address “1 Main Street, Moshi” changed" in first.details
    assert "City: Arusha → Moshi" in first.details
    assert not any("changed" in entry.title for entry in others)


def test_filters_narrow_by_person_time_and_text() -> None:
    ada, eve = make_user(), make_user()
    customer = make_customer()
    write_note(customer, "About the tender", by=ada)
    write_note(customer, "About lunch", by=eve)
    make_note(customer=customer, author=ada, body="Old", created_at=AT)
    log_contact(customer, "call", by=ada, summary="The TENDER again")
    invoice = make_invoice(customer=customer, number="INV-7", created_at=AT)
    make_payment(invoice=invoice, amount=1, recorded_by=ada.username)
    assert {entry.markdown for entry in page_of(customer, person=eve).entries} == {"About lunch"}
    assert len(page_of(customer, EntryKind.NOTE, EntryKind.INVOICE, person=ada).entries) == 3
    assert {entry.markdown for entry in page_of(customer, text="tender").entries} == {
        "About the tender",
        "The TENDER again",
    }
    assert titles(page_of(customer, EntryKind.NOTE, EntryKind.INVOICE, since=AT, until=AT + DAY)) == [
        "Note",
        "Invoice INV-7 of $12.34",
    ]
    assert page_of(customer, until=AT).entries == []


def test_a_change_is_found_by_what_it_was_and_what_it_is() -> None:
    address = make_address(city="Arusha")
    address.city = "Moshi"
    address.save()
    for text in ("arusha", "moshi"):
        assert page_of(address.customer, EntryKind.CHANGE, text=text).entries[0].details == (
            "City: Arusha → Moshi",
        )
    assert page_of(address.customer, EntryKind.CHANGE, text="Dodoma").entries == []


def test_a_search_goes_on_further_back_where_a_page_found_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_SEARCHED", 2)
    address = make_address(line1="1 Main Street", city="Arusha")
    for city in ("Moshi", "Mbeya", "Dodoma", "Tanga"):
        address.city = city
        address.save()
    found: list[TimelineEntry] = []
    page = page_of(address.customer, EntryKind.CHANGE, text="arusha", limit=2)
    assert page.entries == []
    while page.older is not None:
        page = page_of(address.customer, EntryKind.CHANGE, text="arusha", limit=2, before=page.older)
        found += page.entries
    assert [entry.title.partition(", ")[2] for entry in found] == ["Moshi” changed", "Arusha” added"]


def test_whoever_may_not_see_something_is_not_told_of_it() -> None:
    customer = make_customer()
    surround(customer, 1)
    asked = TimelineQuery(customer_ids=[str(customer.pk)], limit=100)
    page = read_page(asked, lambda permission: permission == "crm.view_note")
    assert {entry.kind for entry in page.entries} == {EntryKind.NOTE}


def test_what_happened_to_those_that_became_part_of_it_is_told_too() -> None:
    survivor = make_customer(name="Finch")
    other = make_customer(name="Wren")
    make_posting(customer=other, kind="grant", feature=make_feature(name="Calls"), occurred_at=AT - DAY)
    make_merge(survivor=survivor, other=other, made_at=AT)
    Customer.objects.filter(pk=other.pk).update(merged_into=survivor)
    page = page_of(survivor, EntryKind.MERGE, EntryKind.BALANCE, ids=[str(survivor.pk), str(other.pk)])
    assert titles(page) == ["Merged Wren into Finch", "Granted: Calls"]


def test_every_history_of_a_customer_is_told_or_left_out_on_purpose() -> None:
    kept = {
        model._meta.label
        for app in ("customers", "billing", "crm")
        for model in apps.get_app_config(app).get_models()
        if hasattr(model, "history")
        and (
            model is Customer or any(field.related_model is Customer for field in model._meta.concrete_fields)
        )
    }
    assert kept == set(HISTORIES) | LEFT_OUT


@pytest.mark.parametrize(
    "text", ["", "x", "~", "2026-03-02T09:00:00", "2026~note~x", "é~a~b", "\0~~", "10000-01-01~a~b"]
)
def test_what_is_no_position_is_none(text: str) -> None:
    assert Position.read(text) is None


@pytest.mark.parametrize("at", [AT + timedelta(microseconds=7), datetime(1, 1, 1, tzinfo=UTC)])
def test_a_position_comes_back_from_an_address(at: datetime) -> None:
    position = Position(at, "change", "crm.Task:000000000012~")
    assert Position.read(str(position)) == position


@pytest.mark.parametrize("source", ["note", "change", "usage", "nonsense", ""])
def test_a_position_with_a_key_of_nothing_is_answered(source: str) -> None:
    customer = make_customer()
    surround(customer, 1)
    page_of(customer, before=Position(AT, source, "nonsense"))


def test_the_first_and_the_last_day_of_the_calendar_are_days_like_others() -> None:
    customer = make_customer()
    for at in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)):
        make_invoice(customer=customer, created_at=at)
        make_posting(customer=customer, occurred_at=at)
    assert len(read_through(customer, 1, EntryKind.INVOICE, EntryKind.USAGE)) == 4


def test_a_meeting_that_lies_ahead_is_told_as_planned() -> None:
    customer = make_customer()
    make_activity(customer=customer, kind="meeting", happened_at=datetime(2999, 1, 1, tzinfo=UTC))
    make_activity(customer=customer, kind="meeting", happened_at=AT)
    assert titles(page_of(customer, EntryKind.CONTACT)) == ["Meeting, planned", "Meeting"]


def test_a_lock_is_told_with_who_did_it() -> None:
    ada = make_user()
    customer = make_customer(name="Acme")
    lock_field(str(customer.pk), "name", ada)
    first = page_of(customer).entries[0]
    assert (first.title, first.by) == ("Customer: Locked name", str(ada))
