"""The daily digest: an email with a user's notifications of the day."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from crm.mail import absolute, queue_notification
from crm.models import DigestTime, Notification
from crm.models.preferences import time_zone_of
from crm.notify import email_lines
from customers.configuration.table import DIGEST_HOUR
from customers.configuration.values import value_of

_MOST = 50


@transaction.atomic
def send_digests(now: datetime) -> int:
    """Queue the digests that are due, and return how many.

    A digest is due when the user's hour has come, on a day of their own time zone that had none yet.
    """
    waiting = Notification.objects.for_digest().order_by().values("user")
    users = get_user_model()._default_manager.filter(pk__in=waiting, is_active=True).order_by("pk")
    return sum(_send(user, now) for user in users.select_related("preferences"))


def _send(user: Any, now: datetime) -> bool:
    local = now.astimezone(time_zone_of(user) or timezone.get_default_timezone())
    digest, _ = DigestTime.objects.select_for_update().get_or_create(user=user)
    hour = value_of(DIGEST_HOUR) if digest.hour is None else digest.hour
    if local.hour < hour or digest.last_on == local.date():
        return False
    digest.last_on = local.date()
    digest.save(update_fields=["last_on"])
    waiting = Notification.objects.for_digest().filter(user=user)
    found = list(waiting)
    waiting.update(waits_for_digest=False)
    values = {
        "lines": email_lines(found[:_MOST]),
        "more": max(len(found) - _MOST, 0),
        "all": absolute(reverse("desk-notifications")),
    }
    return queue_notification(user, "digest", "Your daily digest", "digest", values)
