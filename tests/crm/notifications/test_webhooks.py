"""Webhooks: signed, delivered once when the receiver is well again, to public addresses alone."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from crm.dedupe.merges.merge import merge
from crm.jobs.events import changes_wait, tell_of_changes
from crm.jobs.kinds import KINDS
from crm.jobs.worker import WorkerProcess
from crm.models import WebhookDelivery, WebhookEndpoint
from crm.notifications.events import handle_events
from crm.sending import PAUSES
from crm.webhooks import post as posting
from crm.webhooks.deliveries import send_next
from crm.webhooks.post import NotSent, is_allowed, post, problem_with
from crm.webhooks.signature import secret_of
from customers.models import Event
from tests.crm.notifications.http_server import Receiver, receiver
from tests.factories import make_customer, make_user, make_webhook_delivery, make_webhook_endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.force_login(make_user(username="ada"))
    return client


def send_all(now: datetime) -> list[str]:
    """Send what is due at a moment, and return the status and the problem of each delivery."""
    found = []
    while delivery := send_next(now):
        found.append(f"{delivery.status} {delivery.error}".strip())
    return found


def test_a_merge_is_delivered_once_and_signed(server: Receiver) -> None:
    endpoint = make_webhook_endpoint(url=server.url)
    make_webhook_endpoint(url=server.url, is_paused=True)
    make_webhook_endpoint(url=server.url, events=["invoice.paid"])
    survivor, other = make_customer(name="Kestrel"), make_customer()
    merge(survivor.pk, [other.pk])
    kinds = {name: KINDS[name] for name in ("events", "send_webhooks")}
    WorkerProcess(kinds).run_until_idle()
    WorkerProcess(kinds).run_until_idle()
    [(headers, body)] = server.messages
    Webhook(secret_of(endpoint)).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret_of(endpoint)).verify(body + b" ", headers)
    event = Event.objects.get(kind="customer.merged")
    assert headers["webhook-id"] == event.pk
    assert json.loads(body) == {
        "type": "customer.merged",
        "timestamp": event.at.isoformat().replace("+00:00", "Z"),
        "data": {"customer_id": survivor.pk, "merged_id": other.pk},
    }


def test_what_is_rolled_back_is_no_event() -> None:
    customer = make_customer()
    with pytest.raises(Exception, match="no customer"):
        merge(customer.pk, ["cus_00000000000000000000000000"])
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("mood", "problem"),
    [
        (500, "The server answered 500."),
        (302, "The server answered 302."),
        ("hangs", "The server didn't answer in time."),
        ("refuses", "The server refused the connection."),
    ],
)
def test_a_delivery_arrives_when_the_receiver_is_well_again(
    server: Receiver, signed_in: Client, monkeypatch: pytest.MonkeyPatch, mood: Any, problem: str
) -> None:
    monkeypatch.setattr(posting, "_TIMEOUT", 0.3)
    delivery = make_webhook_delivery(endpoint=make_webhook_endpoint(url=server.url))
    now = delivery.next_at
    if mood == "hangs":
        server.delay = 1
    elif mood == "refuses":
        WebhookEndpoint.objects.update(url="http://127.0.0.1:1/")
    else:
        server.status = mood
    assert send_all(now) == [f"waiting {problem}"]
    assert send_all(now + timedelta(seconds=59)) == []
    server.status, server.delay = 200, 0.0
    WebhookEndpoint.objects.update(url=server.url)
    assert send_all(now + timedelta(seconds=61)) == ["delivered"]
    assert send_all(now + timedelta(days=9)) == []
    delivery.refresh_from_db()
    assert [text for _, text in delivery.log] == [problem, "Delivered: 200"]
    assert (delivery.response_text[:8], len(delivery.response_text)) == ("Thanks. ", 500)
    assert {headers["webhook-id"] for headers, _ in server.messages} <= {delivery.message_id}
    page = signed_in.get(f"/admin/crm/webhookdelivery/{delivery.pk}/change/").content.decode()
    assert problem.replace("'", "&#x27;") in page
    assert "Delivered: 200" in page


def test_a_slow_drip_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "_DEADLINE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        with pytest.raises(NotSent, match="in time"):
            post(url, b"{}", {})


def test_the_last_attempt_fails_for_good_and_can_be_sent_again(server: Receiver, signed_in: Client) -> None:
    delivery = make_webhook_delivery(endpoint=make_webhook_endpoint(url=server.url), attempts=len(PAUSES) - 1)
    server.status = 500
    assert send_all(delivery.next_at) == ["failed The server answered 500."]
    server.status = 200
    wanted = {"action": "send_again", "_selected_action": [delivery.pk]}
    signed_in.post("/admin/crm/webhookdelivery/", wanted)
    again = WebhookDelivery.objects.get().next_at
    assert send_all(again) == ["delivered"]
    assert [headers["webhook-id"] for headers, _ in server.messages] == [delivery.message_id] * 2


def test_a_receiver_that_wants_no_more_is_paused(server: Receiver) -> None:
    endpoint = make_webhook_endpoint(url=server.url)
    first = make_webhook_delivery(endpoint=endpoint)
    make_webhook_delivery(endpoint=endpoint)
    server.status = 410
    assert len(send_all(first.next_at + timedelta(minutes=1))) == 1
    endpoint.refresh_from_db()
    assert endpoint.is_paused


def test_the_secret_is_shown_once(signed_in: Client, server: Receiver) -> None:
    values = {"name": "Warehouse", "url": server.url, "events": ["invoice.paid", "import.done"]}
    created = signed_in.post("/admin/crm/webhookendpoint/add/", values).content.decode()
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.events, secret_of(endpoint) in created) == (["invoice.paid", "import.done"], True)
    change = f"/admin/crm/webhookendpoint/{endpoint.pk}/change/"
    assert "whsec_" not in signed_in.get(change).content.decode()
    former = secret_of(endpoint)
    chosen = {"_selected_action": [endpoint.pk]}
    replaced = signed_in.post("/admin/crm/webhookendpoint/", {"action": "replace_secret", **chosen})
    endpoint.refresh_from_db()
    assert secret_of(endpoint) in replaced.content.decode()
    assert secret_of(endpoint) != former
    signed_in.post("/admin/crm/webhookendpoint/", {"action": "send_test", **chosen})
    assert send_all(WebhookDelivery.objects.get().next_at) == ["delivered"]
    assert json.loads(server.messages[0][1])["type"] == "test"


@pytest.mark.once  # on PostgreSQL the changes of a transaction that runs aren't readable yet
def test_changes_are_told_in_one_message_per_batch() -> None:
    now = Event._meta.get_field("at").get_default()
    assert not changes_wait(now)
    make_webhook_endpoint(events=["customer.changed"])
    job: Any = type("Job", (), {"progress": lambda *_: None})()
    assert changes_wait(now)
    tell_of_changes(job)
    assert not WebhookDelivery.objects.exists()
    customers = [make_customer() for _ in range(3)]
    tell_of_changes(job)
    delivery = WebhookDelivery.objects.get()
    told = json.loads(delivery.body)["data"]["changes"]
    assert {each["customer_id"] for each in told} == {each.pk for each in customers}
    assert handle_events() == 0


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_private_addresses(settings: Settings, address: str, expected: bool) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    assert is_allowed(address) is expected


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://127.0.0.1/hook",
        "https://[::1]/hook",
        "https://ada:secret@example.com/hook",
        "ftp://example.com/hook",
        "https:///hook",
        "https://example.com:99999/hook",
    ],
)
def test_addresses_that_are_refused_when_they_are_entered(
    settings: Settings, signed_in: Client, url: str
) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    assert problem_with(url)
    values = {"name": "Warehouse", "url": url, "events": ["invoice.paid"]}
    assert problem_with(url) in signed_in.post("/admin/crm/webhookendpoint/add/", values).content.decode()
    assert problem_with("https://example.com/hook") == ""


def test_a_public_name_that_leads_to_a_private_address(settings: Settings, server: Receiver) -> None:
    settings.WEBHOOK_PRIVATE_ADDRESSES = False
    with pytest.raises(NotSent, match="private address"):
        post("https://localhost/hook", b"{}", {})
