"""Events: what happened to customers, for those who are told about it."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from customers import clock
from customers.typed_ids import TypedIdField


class EventKind(models.TextChoices):
    """What happened. The values are part of outgoing webhooks."""

    CUSTOMER_CHANGED = "customer.changed", "Customers changed"
    CUSTOMER_LINKED = "customer.linked", "Records were linked to a customer"
    CUSTOMER_MERGED = "customer.merged", "A customer was merged into another"
    ALERT_FIRED = "alert.fired", "A usage alert fired"
    INVOICE_ISSUED = "invoice.issued", "An invoice was issued"
    INVOICE_PAID = "invoice.paid", "An invoice was paid"
    INVOICE_PAST_DUE = "invoice.past_due", "An invoice is past due"
    TRIAL_ENDING = "trial.ending", "A trial is about to end"
    IMPORT_DONE = "import.done", "An import ended"


class EventQuerySet(models.QuerySet["Event"]):
    def unhandled(self) -> Self:
        """Events to be handled, the oldest first."""
        return self.filter(handled_at=None).order_by("id")


class Event(models.Model):
    """Something happened. A verb writes it in its own transaction (`customers.events`), a job tells who wants to know.

    The customer isn't a foreign key, because an event outlives an erased customer.
    """

    id = TypedIdField(prefix="evt", primary_key=True, editable=False)
    kind = models.CharField(max_length=20, choices=EventKind)
    customer_id = TypedIdField(prefix="cus", null=True)
    subject = models.CharField(max_length=100, blank=True, help_text="The ID of what it is about.")
    data = models.JSONField(default=dict, help_text="IDs and counts: no names, addresses or amounts.")
    done_by = models.PositiveBigIntegerField(null=True, help_text="The key of the user who did it.")
    key = models.CharField(max_length=200, null=True, unique=True, help_text="Recorded once.")
    at = models.DateTimeField(default=clock.now, db_index=True)
    handled_at = models.DateTimeField(null=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [models.Index(fields=["id"], condition=Q(handled_at=None), name="event_unhandled")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
