"""Emails to users of Clientele, and what became of each."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers import clock
from customers.typed_ids import TypedIdField


class OutgoingEmailQuerySet(models.QuerySet["OutgoingEmail"]):
    def due(self, now: datetime) -> Self:
        """Emails to send now, the oldest first."""
        return self.filter(status=OutgoingEmail.Status.WAITING, next_at__lte=now).order_by("next_at", "pk")


class OutgoingEmail(models.Model):
    """An email to a user. A job sends it, and tries again while the mail server can't take it.

    The text is deleted once the email is sent or given up, because it can hold a link that gives access.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"

    id = TypedIdField(prefix="eml", primary_key=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="emails"
    )
    address = models.CharField(max_length=254)
    kind = models.CharField(max_length=30, help_text="What the email is about.")
    subject = models.CharField(max_length=200, help_text="Nothing personal.")
    text = models.TextField()
    html = models.TextField(blank=True)
    status = models.CharField(max_length=7, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True, help_text="Why the last attempt failed.")
    made_at = models.DateTimeField("created", default=clock.now)
    next_at = models.DateTimeField("next attempt", default=clock.now)
    sent_at = models.DateTimeField("sent", null=True)

    objects = OutgoingEmailQuerySet.as_manager()

    class Meta:
        verbose_name = "email to a user"
        verbose_name_plural = "emails to users"
        ordering = ["-made_at", "-id"]
        indexes = [
            models.Index(fields=["-made_at", "-id"], name="outgoing_email_newest"),
            models.Index(fields=["next_at"], condition=Q(status="waiting"), name="outgoing_email_waiting"),
            models.Index(fields=["address", "-made_at"], name="outgoing_email_of_address"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="sent", sent_at__isnull=False) | (~Q(status="sent") & Q(sent_at=None)),
                name="outgoing_email_sent_at",
            )
        ]

    def __str__(self) -> str:
        return self.subject
