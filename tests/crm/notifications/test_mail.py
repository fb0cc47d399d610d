"""Emails to users: delivered once when the server is well again, never again to an address that it refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from crm.jobs.kinds import KINDS
from crm.jobs.worker import WorkerProcess
from crm.mail import queue_email, send_next
from crm.models import Job, Notification, NotificationChoice, NotificationKind, OutgoingEmail, Preferences
from crm.notes import write_note
from crm.notifications.digest import send_digests
from crm.notify import notify
from tests.crm.notifications.smtp_server import SmtpServer, smtp_server
from tests.factories import make_customer, make_user

pytestmark = pytest.mark.django_db

#: Monday, 9 in the morning in Tokyo.
NOW = datetime(2026, 11, 30, 0, 0, tzinfo=UTC)


@pytest.fixture
def server(settings: Settings) -> Iterator[SmtpServer]:
    with smtp_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 1
        settings.DEFAULT_FROM_EMAIL, settings.SITE_URL = "clientele@example.com", "https://crm.example.com"
        yield server


@pytest.fixture
def max_() -> User:
    return make_user("Account manager", username="max", email="max@example.com")


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(make_user())
    return client


def send_all(now: datetime) -> list[str]:
    """Send what is due at a moment, and return the status and error of each email."""
    found = []
    while email := send_next(now):
        found.append(f"{email.status} {email.error}".strip())
    return found


@pytest.mark.parametrize(
    ("mood", "problem"),
    [
        ("451 try later", "The mail server refused the address: 451 try later"),
        ("hangs", "The mail server didn't answer in time."),
        ("gone", "The mail server couldn't be reached."),
    ],
)
def test_an_email_arrives_once_when_the_server_is_well_again(
    server: SmtpServer, settings: Settings, signed_in: Client, mood: str, problem: str
) -> None:
    server.mood = mood
    if mood == "gone":
        settings.EMAIL_PORT = 1
    queue_email("max@example.com", "test", "Test", "Hello")
    now = OutgoingEmail.objects.get().next_at
    assert send_all(now) == [f"waiting {problem}"]
    assert send_all(now + timedelta(seconds=59)) == []
    assert escape(problem) in signed_in.get("/admin/crm/outgoingemail/").content.decode()
    server.mood, settings.EMAIL_PORT = "well", server.port
    assert send_all(now + timedelta(seconds=61)) == ["sent"]
    assert send_all(now + timedelta(days=9)) == []
    [message] = server.messages
    email = OutgoingEmail.objects.get()
    assert f"Message-ID: <{email.pk}@example.com>" in message
    assert (email.attempts, email.text, email.error) == (2, "", "")


def test_a_refused_address_is_shown_and_not_tried_again(
    server: SmtpServer, client: Client, max_: User
) -> None:
    server.mood = "550 no such user"
    NotificationChoice.objects.create(user=max_, kind="alert", email="now")
    notify(NotificationKind.ALERT, [max_.pk], "80% of API calls are used")
    now = OutgoingEmail.objects.get().next_at
    refusal = "The mail server refused the address: 550 no such user"
    assert send_all(now) == [f"refused {refusal}"]
    assert send_all(now + timedelta(days=9)) == []
    notify(NotificationKind.ALERT, [max_.pk], "90% of API calls are used")
    assert OutgoingEmail.objects.count() == 1
    client.force_login(max_)
    assert refusal in client.get("/admin/notifications/preferences/").content.decode()
    server.mood = "well"
    client.post("/admin/notifications/preferences/", {"test": "1"})
    assert send_all(now + timedelta(days=9)) == ["sent"]
    assert refusal not in client.get("/admin/notifications/preferences/").content.decode()


def test_the_queue_gives_up_after_three_days(server: SmtpServer) -> None:
    server.mood = "451 try later"
    email = queue_email("max@example.com", "test", "Test", "Hello")
    first, attempts = email.next_at, 0
    while (found := OutgoingEmail.objects.get()).status == "waiting":
        send_next(found.next_at)
        attempts += 1
    assert (found.status, attempts, found.text) == ("failed", 12, "")
    assert timedelta(days=2) < found.next_at - first < timedelta(days=4)


def test_the_job_sends_an_email_at_once(server: SmtpServer, max_: User) -> None:
    ada = make_user(first_name="Ada", last_name="Example")
    customer = make_customer(name="Kestrel & Sons")
    NotificationChoice.objects.create(user=max_, kind="mentioned", email="now", bell=False)
    write_note(customer, "@max hello", by=ada)
    kinds = {name: KINDS[name] for name in ("send_emails",)}
    WorkerProcess(kinds).run_until_idle()
    [message] = server.messages
    assert "Subject: You were mentioned in a note\r\n" in message
    head, _, body = message.partition("\r\n\r\n")
    assert "Kestrel" not in head
    assert "Ada Example mentioned you in a note\r\nKestrel & Sons\r\n  @max hello" in body
    assert f"https://crm.example.com/admin/customer/{customer.pk}/" in body
    assert "Kestrel &amp; Sons" in body
    assert Job.objects.get(kind="send_emails").result == "1 email sent"
    assert not Notification.objects.of(max_).exists()


def test_a_digest_comes_once_a_day_at_the_hour_of_the_users_own_zone(server: SmtpServer, max_: User) -> None:
    Preferences.objects.create(user=max_, time_zone="Asia/Tokyo")
    NotificationChoice.objects.create(user=max_, kind="alert", email="daily")
    assert send_digests(NOW) == 0
    for percent in range(80, 132):
        notify(NotificationKind.ALERT, [max_.pk], f"{percent}% of API calls are used")
    # Half past 7 in Tokyo.
    assert send_digests(NOW - timedelta(minutes=90)) == 0
    assert [send_digests(NOW), send_digests(NOW + timedelta(hours=14))] == [1, 0]
    email = OutgoingEmail.objects.get()
    assert (email.subject, email.text.count("of API calls")) == ("Your daily digest", 50)
    assert "2 more: https://crm.example.com/admin/notifications/" in email.text
    notify(NotificationKind.ALERT, [max_.pk], "All API calls are used")
    # Just after midnight in Tokyo, and at 8.
    assert [send_digests(NOW + timedelta(hours=hours)) for hours in (15.5, 23)] == [0, 1]
