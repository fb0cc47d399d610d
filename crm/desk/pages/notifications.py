"""The pages of notifications: the list, what opens one, and what a user wants to be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from crm.mail import queue_email, refusal_of
from crm.models import DigestTime, EmailChoice, Notification, NotificationChoice, NotificationKind
from crm.notify import default_choice, names_of, target_of
from customers import clock
from customers.configuration.table import DIGEST_HOUR, NOTIFICATIONS
from customers.configuration.values import value_of
from customers.formats import counted, when
from customers.typed_ids import to_uuid

_PAGE = 30
_SEE_CUSTOMERS = "customers.view_customer"

#: What a filter of the list says for each kind.
TITLES = {kind: NOTIFICATIONS[kind].label for kind in NotificationKind}


@dataclass(frozen=True, slots=True)
class Line:
    """A notification as the list shows it."""

    key: str
    text: str
    detail: str
    customer: str
    when: SafeString | str
    is_unread: bool


def notifications_page(request: HttpRequest) -> HttpResponse:
    """The user's notifications, newest first; unread ones, or those of one kind, by `show` and `kind`."""
    if request.method == "POST":
        count = _mine(request).unread().update(read_at=clock.now())
        messages.success(request, f"Marked {counted(count, 'notification')} as read.")
        return HttpResponseRedirect(request.get_full_path())
    unread = request.GET.get("show") == "unread"
    kind = request.GET.get("kind", "")
    found = _mine(request).unread() if unread else _mine(request)
    if kind in NotificationKind.values:
        found = found.filter(kind=kind)
    before = request.GET.get("before", "")
    is_later_page = to_uuid(before, ("ntf",)) is not None
    rows = list((found.filter(pk__lt=before) if is_later_page else found)[: _PAGE + 1])
    context = {
        **admin.site.each_context(request),
        "title": "Notifications",
        "lines": _lines(rows[:_PAGE], can_see=request.user.has_perm(_SEE_CUSTOMERS)),
        "unread": unread,
        "kind": kind,
        "kinds": TITLES.items(),
        "is_filtered": unread or bool(kind),
        "older": rows[_PAGE - 1].pk if len(rows) > _PAGE else "",
        "is_later_page": is_later_page,
    }
    return TemplateResponse(request, "crm/notifications/list.html", context)


def open_notification(request: HttpRequest, notification_id: str) -> HttpResponse:
    """Mark a notification as read, and go to its page."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        found = _mine(request).filter(pk=notification_id).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404("You have no such notification.")
    if found.read_at is None:
        found.read_at = clock.now()
        found.save(update_fields=["read_at"])
    if request.POST.get("stay"):
        return HttpResponseRedirect(reverse("desk-notifications"))
    return HttpResponseRedirect(target_of(found))


def choices_page(request: HttpRequest) -> HttpResponse:
    """Show and save how the user wants to be told about each kind."""
    user: Any = request.user
    if request.method == "POST" and "test" in request.POST and user.email:
        text = "This email was sent from your notification preferences. Emails to your address arrive."
        queue_email(user.email, "test", "Test email from Clientele", text, user=user)
        messages.success(request, "Sent a test email. It arrives within a minute.")
        return HttpResponseRedirect(reverse("desk-notification-choices"))
    if request.method == "POST" and "defaults" in request.POST:
        _forget_choices(user)
        messages.success(request, "Reset your notifications to the defaults.")
        return HttpResponseRedirect(reverse("desk-notification-choices"))
    if request.method == "POST":
        _save_choices(request)
        messages.success(request, "Saved your notifications.")
        return HttpResponseRedirect(reverse("desk-notification-choices"))
    chosen = _chosen(user)
    hour = _chosen_hour(user)
    context = {
        **admin.site.each_context(request),
        "title": "Notification preferences",
        "rows": [(kind, kind.label, chosen.get(kind) or default_choice(kind)) for kind in NotificationKind],
        "emails": EmailChoice.choices,
        "hours": [(hour, f"{hour:02}:00") for hour in range(24)],
        "hour": value_of(DIGEST_HOUR) if hour is None else hour,
        "has_own": bool(chosen) or hour is not None,
        "address": user.email,
        "refusal": refusal_of(user.email) if user.email else "",
        "is_set_up": settings.EMAIL_IS_SET_UP,
    }
    return TemplateResponse(request, "crm/notifications/choices.html", context)


def _save_choices(request: HttpRequest) -> None:
    """Keep what the user changed. What still is as the settings say stays without a row, and follows them."""
    user: Any = request.user
    chosen = _chosen(user)
    for kind in NotificationKind:
        bell, email = f"{kind}-bell" in request.POST, request.POST.get(f"{kind}-email", "")
        email = email if email in EmailChoice.values else EmailChoice.NEVER
        shown = chosen.get(kind) or default_choice(kind)
        if (bell, email) != (shown.bell, shown.email):
            NotificationChoice.objects.update_or_create(
                user=user, kind=kind, defaults={"bell": bell, "email": email}
            )
    hour = request.POST.get("hour", "")
    shown_hour = _chosen_hour(user)
    if hour in {str(each) for each in range(24)} and (
        shown_hour is not None or int(hour) != value_of(DIGEST_HOUR)
    ):
        DigestTime.objects.update_or_create(user=user, defaults={"hour": int(hour)})


@transaction.atomic
def _forget_choices(user: Any) -> None:
    NotificationChoice.objects.filter(user=user).delete()
    DigestTime.objects.filter(user=user).update(hour=None)


def _chosen(user: Any) -> dict[str, NotificationChoice]:
    return {each.kind: each for each in NotificationChoice.objects.filter(user=user)}


def _chosen_hour(user: Any) -> int | None:
    return DigestTime.objects.filter(user=user).values_list("hour", flat=True).first()


def _mine(request: HttpRequest) -> Any:
    return Notification.objects.of(request.user)


def _lines(rows: Sequence[Notification], *, can_see: bool) -> list[Line]:
    names = names_of(rows) if can_see else {}
    return [
        Line(
            str(row.pk),
            row.text,
            row.detail,
            names.get(str(row.customer_id), ""),
            when(row.at),
            row.read_at is None,
        )
        for row in rows
    ]
