"""Tell users and webhooks about events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse

from billing.models import AlertFired, Invoice, Subscription
from crm.models import NotificationKind, Relationship
from crm.notify import name_of, notify
from crm.webhooks.deliveries import endpoints_by_event, queue_deliveries
from customers import clock
from customers.formats import counted, number, page_of, short_day
from customers.logs import log_failure
from customers.models import Customer, Event, EventKind

_BATCH = 500
#: Knows the permissions of users.
_BACKEND = "config.preferences.UserBackend"
#: So many notifications of one kind from one batch become one that counts them: after an import there may be thousands.
_MOST_ALIKE = 5

_KINDS = {
    EventKind.CUSTOMER_LINKED: NotificationKind.JOINED,
    EventKind.CUSTOMER_MERGED: NotificationKind.JOINED,
    EventKind.ALERT_FIRED: NotificationKind.ALERT,
    EventKind.INVOICE_PAST_DUE: NotificationKind.PAST_DUE,
    EventKind.TRIAL_ENDING: NotificationKind.TRIAL_ENDING,
}
_MANY = {
    NotificationKind.JOINED: ("account was merged or linked", "accounts were merged or linked"),
    NotificationKind.ALERT: ("usage alert fired", "usage alerts fired"),
    NotificationKind.PAST_DUE: ("invoice is past due", "invoices are past due"),
    NotificationKind.TRIAL_ENDING: ("trial is about to end", "trials are about to end"),
}


@dataclass(frozen=True, slots=True)
class _Told:
    """What one user is told about an event."""

    text: str
    actor: Any
    customer: Customer
    link: str
    detail: str
    key: str


@transaction.atomic
def handle_events() -> int:
    """Tell who wants to know about the oldest events, in the transaction that marks them as handled. Returns how many.

    An event that fails is logged and not tried again, so that it doesn't hold up the others.
    """
    events = list(Event.objects.unhandled().select_for_update()[:_BATCH])
    if not _tell(events):
        for event in events:
            _tell([event])
    Event.objects.filter(pk__in=[event.pk for event in events]).update(handled_at=clock.now())
    return len(events)


def _tell(events: Sequence[Event]) -> bool:
    """Tell about the events, all or none. Returns whether it succeeded."""
    try:
        with transaction.atomic():
            queue_deliveries(events, endpoints_by_event())
            _notify([event for event in events if event.kind in _KINDS])
            _tell_of_imports([event for event in events if event.kind == EventKind.IMPORT_DONE])
    # Every exception is caught, because anything may be wrong with the data of one customer. It is logged.
    except Exception as problem:  # noqa: BLE001
        event = str(events[0].pk) if len(events) == 1 else None
        log_failure(
            "event_skipped" if event else "events_failed", problem, event_id=event, events=len(events)
        )
        return False
    return True


def _notify(events: Sequence[Event]) -> None:
    customers = _survivors(event.customer_id for event in events)
    owners = dict(
        Relationship.objects.filter(customer__in=customers.values()).values_list("customer_id", "owner_id")
    )
    actors = get_user_model()._default_manager.in_bulk({event.done_by for event in events if event.done_by})
    words = _Words(events)
    told: dict[tuple[int, NotificationKind], list[_Told]] = defaultdict(list)
    for event in events:
        customer = customers.get(str(event.customer_id))
        if customer is None:
            continue
        actor = actors.get(event.done_by) if event.done_by else None
        text, link, detail = words.of(event, actor)
        for user_id in {owners.get(customer.pk), *event.data.get("account_managers", ())} - {None}:
            told[user_id, _KINDS[EventKind(event.kind)]].append(
                _Told(text, actor, customer, link, detail, str(event.pk))
            )
    for (user_id, kind), found in told.items():
        if len(found) > _MOST_ALIKE:
            one, many = _MANY[kind]
            text = f"{counted(len(found), one, many)} in your accounts"
            notify(kind, [user_id], text, link=reverse("desk-worklist"))
            continue
        for each in found:
            notify(
                kind,
                [user_id],
                each.text,
                actor=each.actor,
                customer=each.customer,
                link=each.link,
                detail=each.detail,
                key=each.key,
            )


def _tell_of_imports(events: Sequence[Event]) -> None:
    """Tell who imported a file; of an import by a command, which has no user, those who operate the jobs."""
    if not events:
        return
    operators = get_user_model()._default_manager.with_perm("crm.change_job", backend=_BACKEND)
    keys = list(operators.values_list("pk", flat=True))
    for event in events:
        counts = [f"{number(event.data.get(name, 0))} {name}" for name in ("created", "updated", "refused")]
        notify(
            NotificationKind.IMPORT_DONE,
            [event.done_by] if event.done_by else keys,
            f"Import of {event.data.get('source', 'documents')} documents done",
            detail=", ".join(counts),
            # Operators need not be allowed to import, which the page of an import asks for.
            link=reverse("import", args=[event.subject])
            if event.subject and event.done_by
            else reverse("jobs"),
            key=str(event.pk),
        )


class _Words:
    """Sentences about events. What they are about is read for all of them together."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._alerts = AlertFired.objects.select_related("feature").in_bulk(
            _subjects(events, EventKind.ALERT_FIRED)
        )
        self._invoices = Invoice.objects.in_bulk(_subjects(events, EventKind.INVOICE_PAST_DUE))
        self._trials = Subscription.objects.select_related("plan").in_bulk(
            _subjects(events, EventKind.TRIAL_ENDING)
        )

    def of(self, event: Event, actor: Any) -> tuple[str, str, str]:
        """The sentence, the page to open (empty for the customer's), and a detail."""
        if event.kind == EventKind.CUSTOMER_LINKED:
            return f"{name_of(actor)} linked records to this account", "", ""
        if event.kind == EventKind.CUSTOMER_MERGED:
            return f"{name_of(actor)} merged another customer into this account", "", ""
        if event.kind == EventKind.ALERT_FIRED:
            alert = self._alerts.get(event.subject)
            return ("A usage alert fired", "", f"{alert}: {alert.figures}" if alert else "")
        if event.kind == EventKind.INVOICE_PAST_DUE:
            invoice = self._invoices.get(event.subject)
            return f"Invoice {invoice} is past due", page_of(invoice) if invoice else "", ""
        trial = self._trials.get(event.subject)
        if trial is None or trial.trial_ends_at is None:
            return "A trial is about to end", "", ""
        return f"The trial of {trial.plan} ends {short_day(trial.trial_ends_at)}", "", ""


def _subjects(events: Sequence[Event], kind: EventKind) -> list[str]:
    return [event.subject for event in events if event.kind == kind]


def _survivors(customer_ids: Iterable[str | None]) -> Mapping[str, Customer]:
    """The customers by the ID that an event names: for a merged one, the survivor."""
    keys = {key for key in customer_ids if key}
    found = Customer.objects.filter(pk__in=keys).select_related("merged_into")
    return {str(each.pk): each.merged_into or each for each in found}
