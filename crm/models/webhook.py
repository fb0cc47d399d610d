"""Outgoing webhooks: where events are sent, and what became of each delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from customers import clock
from customers.models import EventKind
from customers.typed_ids import TypedIdField


class WebhookEndpoint(models.Model):
    """An address to which events are sent. Its secret isn't stored: see `crm.webhooks.signature`."""

    id = TypedIdField(prefix="whe", primary_key=True, editable=False)
    name = models.CharField(max_length=100, unique=True, help_text="Such as “Data warehouse”.")
    url = models.URLField("URL", max_length=500, help_text="Events are posted to this address.")
    events = models.JSONField(default=list, help_text="The kinds of events that are sent.")
    is_paused = models.BooleanField(
        "paused", default=False, help_text="Events while it is paused are not sent later."
    )
    secret_version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField("created", default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta:
        verbose_name = "webhook"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse kinds of events that don't exist."""
        if not isinstance(self.events, list) or not set(self.events) <= set(EventKind.values):
            raise ValidationError({"events": "Choose events from the list."})


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def due(self, now: datetime) -> Self:
        """Deliveries to send now, the oldest first; none of a paused webhook."""
        waiting = self.filter(status=WebhookDelivery.Status.WAITING, next_at__lte=now)
        return waiting.filter(endpoint__is_paused=False).order_by("next_at", "pk")


class WebhookDelivery(models.Model):
    """An event for an endpoint. A job sends it, and tries again until the endpoint has taken it."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    id = TypedIdField(prefix="whd", primary_key=True, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    message_id = models.CharField("message ID", max_length=100, help_text="The same at each attempt.")
    kind = models.CharField("event", max_length=20)
    body = models.TextField(help_text="What is sent, to the byte.")
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    response_status = models.PositiveSmallIntegerField("response", null=True)
    response_text = models.TextField(blank=True, help_text="The start of the last response.")
    error = models.TextField("problem", blank=True, help_text="Why the last attempt failed.")
    log = models.JSONField(default=list, help_text="The moment and the result of each attempt, in order.")
    made_at = models.DateTimeField("created", default=clock.now)
    next_at = models.DateTimeField("next attempt", default=clock.now)
    delivered_at = models.DateTimeField("delivered", null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = "webhook delivery"
        verbose_name_plural = "webhook deliveries"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "message_id"], name="webhook_delivery_once"),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(status="waiting"), name="webhook_delivery_waiting"),
            models.Index(fields=["made_at"], name="webhook_delivery_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.endpoint}"
