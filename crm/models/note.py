"""What was said about a customer, and the documents that concern it."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from customers import clock
from customers.models import Belonging, Customer
from customers.typed_ids import TypedIdField
from customers.wire import is_plain_link


class Note(Belonging):
    """A note by one of us. The one flagged as the summary is the `notes` of the crm document."""

    id = TypedIdField(prefix="note", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="customer_notes",
    )
    body = models.TextField("note")
    is_summary = models.BooleanField(
        "summary",
        default=False,
        help_text="The crm document carries this note. Without one it carries the newest.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(is_summary=True),
                name="note_one_summary_per_customer",
                violation_error_message="The customer has a summary already; unset that one first.",
            ),
        ]

    def __str__(self) -> str:
        first_line = self.body.strip().splitlines()[0] if self.body.strip() else ""
        return first_line[:80]


class Document(Belonging):
    """A document that concerns a customer: a contract, an offer, a presentation. Counted per type."""

    id = TypedIdField(prefix="doc", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="documents")
    type = models.CharField(max_length=255, help_text="The type it is counted under, such as contract.")
    title = models.CharField()
    url = models.CharField("link", blank=True, help_text="A link that begins with http:// or https://.")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["type", "title", "id"]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """A link must be one that a browser opens and never runs."""
        if self.url and not is_plain_link(self.url):
            raise ValidationError({"url": "Enter a link that begins with http:// or https://."})
