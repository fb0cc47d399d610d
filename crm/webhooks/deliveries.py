"""Queue deliveries of events, and send those that are due."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from crm.models import WebhookDelivery, WebhookEndpoint
from crm.sending import PAUSES, take_next
from crm.webhooks.post import NotSent, post
from crm.webhooks.signature import signature
from customers import clock
from customers.changes import Change
from customers.models import Event, EventKind
from customers.typed_ids import new_typed_id

TEST = "test"
#: The receiver wants no more messages.
_GONE = 410
_LONGEST_EXCERPT = 500


def endpoints_by_event() -> dict[str, list[WebhookEndpoint]]:
    """The endpoints that each kind of event is sent to."""
    found: dict[str, list[WebhookEndpoint]] = {}
    for endpoint in WebhookEndpoint.objects.filter(is_paused=False):
        for kind in endpoint.events:
            found.setdefault(kind, []).append(endpoint)
    return found


def queue_deliveries(events: Iterable[Event], endpoints: Mapping[str, Sequence[WebhookEndpoint]]) -> int:
    """Queue each event for the endpoints that want it, once, and return how many deliveries that is."""
    made = [
        _delivery(endpoint, str(event.pk), event.kind, event.at, _data(event))
        for event in events
        for endpoint in endpoints.get(event.kind, ())
    ]
    WebhookDelivery.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def queue_message(endpoint: WebhookEndpoint, kind: str, data: Mapping[str, Any]) -> None:
    """Queue a message that isn't an event of its own: a test, or changes of many customers."""
    _delivery(endpoint, new_typed_id("msg"), kind, clock.now(), data).save(force_insert=True)


def queue_changes(changes: Sequence[Change], endpoints: Sequence[WebhookEndpoint]) -> int:
    """Queue one message with all these changes for each endpoint, and return how many messages that is."""
    data = {
        "changes": [
            {"customer_id": each.customer_id, "kind": each.kind, "merged_into_id": each.merged_into_id}
            for each in changes
        ]
    }
    for endpoint in endpoints:
        queue_message(endpoint, EventKind.CUSTOMER_CHANGED, data)
    return len(endpoints)


def send_again(deliveries: Iterable[WebhookDelivery]) -> int:
    """Send deliveries again now, with fresh attempts, and return how many. The receiver sees the same message ID."""
    keys = [delivery.pk for delivery in deliveries]
    waiting = WebhookDelivery.Status.WAITING
    return WebhookDelivery.objects.filter(pk__in=keys).update(
        status=waiting, attempts=0, next_at=clock.now(), delivered_at=None
    )


def send_next(now: datetime) -> WebhookDelivery | None:
    """Send the first delivery that is due, and record what came of it. None if none is due."""
    delivery: WebhookDelivery | None = take_next(
        WebhookDelivery.objects.due(now).select_related("endpoint"), now
    )
    if delivery is not None:
        _send(delivery)
    return delivery


def _send(delivery: WebhookDelivery) -> None:
    endpoint, timestamp = delivery.endpoint, int(clock.now().timestamp())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Clientele",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(endpoint, delivery.message_id, timestamp, delivery.body),
    }
    try:
        response = post(endpoint.url, delivery.body.encode(), headers)
    except NotSent as problem:
        delivery.response_status, delivery.response_text, delivery.error = None, "", str(problem)
    else:
        delivery.response_status = response.status
        delivery.response_text = response.text.replace("\0", "")[:_LONGEST_EXCERPT]
        delivery.error = "" if response.is_accepted else f"The server answered {response.status}."
        if response.is_accepted:
            delivery.status, delivery.delivered_at = WebhookDelivery.Status.DELIVERED, clock.now()
    if delivery.response_status == _GONE:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(is_paused=True)
        delivery.error = "The server wants no more messages (410), so the webhook is paused."
    if delivery.error and (delivery.attempts >= len(PAUSES) or delivery.response_status == _GONE):
        delivery.status = WebhookDelivery.Status.FAILED
    delivery.log = [
        *delivery.log,
        [clock.now().isoformat(), delivery.error or f"Delivered: {delivery.response_status}"],
    ]
    delivery.save(
        update_fields=["status", "response_status", "response_text", "error", "delivered_at", "log"]
    )
    if delivery.response_status is None:
        # The server is down: its other deliveries wait too, or each would wait for its answer.
        WebhookDelivery.objects.due(clock.now()).filter(endpoint=endpoint).update(next_at=delivery.next_at)


def _data(event: Event) -> dict[str, Any]:
    data = {name: value for name, value in event.data.items() if name != "account_managers"}
    if event.customer_id:
        data["customer_id"] = str(event.customer_id)
    return data


def _delivery(
    endpoint: WebhookEndpoint, message_id: str, kind: str, at: datetime, data: Mapping[str, Any]
) -> WebhookDelivery:
    body = {"type": kind, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}
    return WebhookDelivery(
        endpoint=endpoint,
        message_id=message_id,
        kind=kind,
        body=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
    )
