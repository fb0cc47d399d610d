"""Source records, and every payload as it was received."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery

from customers import clock
from customers.models.customer import Customer
from customers.models.customer_row import CustomerRow
from customers.typed_ids import TypedIdField


class Source(models.TextChoices):
    """The three platforms that customers come from."""

    PAYMENTS = "payments", "Payments platform"
    BILLING = "billing", "Billing platform"
    CRM = "crm", "CRM"


class LinkRule(models.TextChoices):
    """By which rule an import gave a record to its customer. See `customers.ingest.matching`."""

    FIRST = "first", "First record of its customer"
    OUR_ID = "our_id", "Linked by our ID"
    SAME_ID = "same_id", "Linked by the same ID"
    STRIPE_ID = "stripe_id", "Linked by the same Stripe ID"
    EMAIL = "email", "Linked by the same email address"


#: The source of records that came in a file of a user begins with this: `csv:trade-fair-2026`.
FILE_SOURCE = "csv:"


def is_of_file(source: str) -> bool:
    """Whether a source is a file that a user imported, not a platform."""
    return source.startswith(FILE_SOURCE)


class SourceRecord(CustomerRow):
    """A record of a customer at a source, found by (source, environment, source ID)."""

    id = TypedIdField(prefix="src", primary_key=True, editable=False)
    source = models.CharField(
        max_length=80,
        choices=Source,
        help_text="The platform, or csv: and the name that a user gave to a file.",
    )
    env = models.CharField("environment", max_length=10, default="live")
    source_id = models.CharField(
        "ID at the source",
        max_length=400,
        help_text="The ID that the source gave. A record without one has a stand-in such as stripe:cus_… or email:…",
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="source_records")
    linked_by = models.CharField(
        max_length=10,
        choices=LinkRule,
        blank=True,
        editable=False,
        help_text="By which rule the import gave the record to its customer. Empty for records imported before this was kept.",
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the latest document in canonical form.")
    claims = models.JSONField(
        default=dict,
        help_text="The values that this record has for the customer's fields, and since when.",
    )
    signs = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="The names, phones, domains and tax numbers that tell whether another record is of the same customer.",
    )
    not_understood = models.TextField(
        blank=True,
        editable=False,
        help_text="The keys and words of its documents that mean nothing here, as JSON. They go back into the record's"
        " own document. Empty if all was understood.",
    )
    mailbox = models.CharField(
        max_length=320,
        blank=True,
        editable=False,
        help_text="The canonical form of the email address. Empty for placeholders and offices, such as info@.",
    )
    is_merged = models.BooleanField(
        "merged away",
        default=False,
        help_text="This source merged the record into another one. Its ID still finds the customer. New documents of the"
        " record are stored but change nothing.",
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
                condition=Q(source__in=["payments", "billing", "crm"]) | Q(source__regex="^csv:."),
                name="source_record_source_known",
            ),
        ]
        indexes = [
            models.Index(fields=["source_id"], name="source_record_by_id"),
            models.Index(fields=["mailbox"], name="source_record_by_mailbox"),
        ]

    def __str__(self) -> str:
        return f"{self.source_name} {self.source_id}"

    @property
    def source_name(self) -> str:
        """The platform, or the name that a user gave to a file."""
        return (
            f"file “{self.source.removeprefix(FILE_SOURCE)}”"
            if is_of_file(self.source)
            else self.get_source_display()
        )


class ReceivedPayloadQuerySet(models.QuerySet["ReceivedPayload"]):
    """Filters with names of their own."""

    def latest_of(self, records: Iterable[object]) -> Self:
        """The latest payload of each of `records`."""
        last = self.filter(record=OuterRef("record")).order_by("-received_at", "-pk").values("pk")[:1]
        return self.filter(record__in=list(records), pk=Subquery(last))


class ReceivedPayload(models.Model):
    """A document exactly as it was received; one is added whenever a record's content has changed."""

    id = TypedIdField(prefix="pay", primary_key=True, editable=False)
    record = models.ForeignKey(SourceRecord, on_delete=models.PROTECT, related_name="payloads")
    text = models.TextField(help_text="The document as it was received.")
    digest = models.CharField(max_length=64)
    remarks = models.JSONField(
        default=list, help_text="What the import changed or noticed, as a list of objects with path and text."
    )
    origin = models.CharField(blank=True, help_text="The file that it came in.")
    received_at = models.DateTimeField(default=clock.now)

    objects = ReceivedPayloadQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-id"]

    def __str__(self) -> str:
        return f"{self.record} at {self.received_at:%Y-%m-%d %H:%M} UTC"
