"""Where a customer came from: which record of which source, and every payload as it was received."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery

from customers import clock
from customers.models.customer import Customer
from customers.models.customer_row import Belonging
from customers.typed_ids import TypedIdField


class Source(models.TextChoices):
    """The three platforms that hold a customer."""

    PAYMENTS = "payments", "Payments platform"
    BILLING = "billing", "Billing platform"
    CRM = "crm", "CRM"


class SourceRecord(Belonging):
    """One record of one source. (source, environment, source id) names one customer, for ever."""

    id = TypedIdField(prefix="src", primary_key=True, editable=False)
    source = models.CharField(max_length=10, choices=Source)
    env = models.CharField("environment", max_length=10, default="live")
    source_id = models.CharField(
        "id at the source",
        max_length=400,
        help_text="The id the source gave; where it gave none, what it is known by, such as stripe:cus_… or email:…",
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="source_records")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the latest payload in canonical form.")
    claims = models.JSONField(
        default=dict,
        help_text="What this record says of the customer's own fields: for each the value, and since when it says so.",
    )
    is_merged = models.BooleanField(
        "merged away",
        default=False,
        help_text="The id of a record that was merged into another one of this source. It finds the customer; what"
        " still arrives under it is kept as received, and changes nothing.",
    )
    first_received_at = models.DateTimeField(default=clock.now)
    last_received_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-last_received_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "env", "source_id"], name="source_record_names_one_customer"
            ),
            models.CheckConstraint(
                condition=Q(source__in=["payments", "billing", "crm"]), name="source_record_source_known"
            ),
        ]
        indexes = [models.Index(fields=["source_id"], name="source_record_by_id")]

    def __str__(self) -> str:
        return f"{self.get_source_display()} {self.source_id}"


class ReceivedPayloadQuerySet(models.QuerySet["ReceivedPayload"]):
    """Payloads, asked for in the business's words."""

    def latest_of(self, records: Iterable[object]) -> Self:
        """The last payload of each of `records`."""
        last = self.filter(record=OuterRef("record")).order_by("-received_at", "-pk").values("pk")[:1]
        return self.filter(record__in=list(records), pk=Subquery(last))


class ReceivedPayload(models.Model):
    """A payload exactly as it was received. One is added whenever a record's content has changed."""

    id = TypedIdField(prefix="pay", primary_key=True, editable=False)
    record = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="payloads")
    text = models.TextField(help_text="The record's own text, as received.")
    digest = models.CharField(max_length=64)
    remarks = models.JSONField(
        default=list, help_text="What the import changed or noticed: a list of objects with path and text."
    )
    origin = models.CharField(blank=True, help_text="The file it came in.")
    received_at = models.DateTimeField(default=clock.now)

    objects = ReceivedPayloadQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return f"{self.record} at {self.received_at:%Y-%m-%d %H:%M} UTC"
