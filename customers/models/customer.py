"""The customer: one row for the one record that three sources and people fill."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from customers import clock
from customers.models.orders import letters, words
from customers.models.pinned_fields import PinnedFields
from customers.typed_ids import TypedIdField


class Environment(models.TextChoices):
    """Whether a customer is real; identifiers are unique within one environment."""

    LIVE = "live", "Live"
    SANDBOX = "sandbox", "Test mode"


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Filters with names of their own."""

    def current(self) -> Self:
        """Customers that people work with: not merged into another and not archived."""
        return self.filter(merged_into=None, archived_at=None)

    def unmerged(self) -> Self:
        """Customers that are not merged into another, archived ones too."""
        return self.filter(merged_into=None)


class Customer(PinnedFields):
    """One customer, made of the records of the payments platform, the billing platform and the CRM.

    The columns hold the values of the most trusted source (`SOURCE_PRECEDENCE`) or of a person; an empty text stands
    for `null` in the documents. `created_at` and `updated_at` are the platform's and are exported unchanged.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"
        SUSPENDED = "suspended", "Suspended"

    PINNABLE = (
        "name",
        "email",
        "phone",
        "status",
        "custom_data",
        "fingerprint",
        "external_id",
        "stripe_id",
    )

    id = TypedIdField(prefix="cus", primary_key=True, editable=False)
    name = models.CharField(blank=True, help_text="The person's full name, or the organization's name.")
    email = models.CharField(
        max_length=320,
        blank=True,
        db_index=True,
        help_text="Receipts and notices go here.",
    )
    phone = models.CharField(
        max_length=255,
        blank=True,
        help_text="With the country code, such as +1 202 555 0100.",
    )
    status = models.CharField(
        max_length=20,
        choices=Status,
        default=Status.ACTIVE,
        help_text="Inactive accounts can be reactivated. Suspended accounts are stopped, for example because of an unpaid invoice.",
    )
    custom_data = models.JSONField(
        null=True, blank=True, help_text="Other data of the payments platform, as a JSON object."
    )
    env = models.CharField(
        "environment",
        max_length=10,
        choices=Environment,
        default=Environment.LIVE,
        help_text="Identifiers are unique within an environment. Customers of different environments can't be merged.",
    )
    external_id = models.CharField(
        "external ID",
        max_length=255,
        null=True,
        blank=True,
        help_text="The ID of this customer in your own systems.",
    )
    stripe_id = models.CharField(
        "Stripe ID", max_length=255, null=True, blank=True, help_text="The customer's ID at Stripe."
    )
    fingerprint = models.CharField(
        max_length=255,
        blank=True,
        help_text="Identifies the device, such as its serial number, so that each person gets one free trial.",
    )
    created_at = models.DateTimeField(
        default=clock.now, help_text="When the payments platform created the customer."
    )
    updated_at = models.DateTimeField(
        default=clock.now, help_text="When the payments platform last changed the customer."
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="merged_customers",
        help_text="The primary record that this customer was merged into.",
    )
    archived_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Archived customers are left out of lists. Nothing is deleted.",
    )

    history = HistoricalRecords(excluded_fields=["pinned_fields"])
    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="customer_newest"),
            models.Index(letters("name"), "id", name="customer_listed_by_name"),
            models.Index(words("email"), "id", name="customer_listed_by_email"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["env", "external_id"],
                name="customer_external_id_once_per_env",
                violation_error_message="Another customer in this environment has this external ID.",
            ),
            models.UniqueConstraint(
                fields=["env", "stripe_id"],
                name="customer_stripe_id_once_per_env",
                violation_error_message="Another customer in this environment has this Stripe ID.",
            ),
            models.CheckConstraint(
                condition=~Q(external_id="") & ~Q(stripe_id=""),
                name="customer_no_empty_identifier",
                violation_error_message="Leave an unknown ID blank.",
            ),
            models.CheckConstraint(
                condition=~Q(merged_into=F("id")),
                name="customer_not_merged_into_itself",
                violation_error_message="Choose another customer. A customer can't be merged into itself.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "inactive", "suspended"]),
                name="customer_status_known",
            ),
            models.CheckConstraint(condition=Q(env__in=["live", "sandbox"]), name="customer_env_known"),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.external_id or str(self.pk)

    def clean(self) -> None:
        """Store identifiers that a form left blank as unknown, not as empty texts."""
        self.external_id = self.external_id or None
        self.stripe_id = self.stripe_id or None
