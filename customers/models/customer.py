"""The customer: one row, whichever of the three platforms it was first heard of from."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from customers import clock
from customers.typed_ids import TypedIdField


class Environment(models.TextChoices):
    """Where a customer was created; identifiers are unique within one environment."""

    LIVE = "live", "Live"
    SANDBOX = "sandbox", "Sandbox"


class CustomerQuerySet(models.QuerySet["Customer"]):
    """Customers, asked for in the business's words."""

    def current(self) -> Self:
        """Customers that people work with: neither merged into another nor archived."""
        return self.filter(merged_into=None, archived_at=None)

    def unmerged(self) -> Self:
        """Every customer that is a record of its own, archived ones too."""
        return self.filter(merged_into=None)


class Customer(models.Model):
    """One customer, made of what the payments platform, the billing platform and the CRM know of it.

    `name` and `email` are the values that won among the sources (see `SOURCE_PRECEDENCE`); an empty text
    stands for the documents' `null`. `created_at` and `updated_at` are the platform's and come back as they came.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"
        SUSPENDED = "suspended", "Suspended"

    id = TypedIdField(prefix="cus", primary_key=True, editable=False)
    name = models.CharField(blank=True, help_text="The person's full name, or the organisation's name.")
    email = models.CharField(
        "e-mail",
        max_length=320,
        blank=True,
        db_index=True,
        help_text="Receipts and notices go here. Kept as the source sent it, even when it is not a valid address.",
    )
    phone = models.CharField(
        max_length=255,
        blank=True,
        help_text="With the country code, like +1 555 0100. A number that does not exist is kept as it came.",
    )
    status = models.CharField(
        max_length=20,
        choices=Status,
        default=Status.ACTIVE,
        help_text="Inactive: the account may be reactivated. Suspended: stopped, for example over a payment problem.",
    )
    custom_data = models.JSONField(
        null=True, blank=True, help_text="Anything else the payments platform holds, as a JSON object."
    )
    env = models.CharField(
        "environment",
        max_length=10,
        choices=Environment,
        default=Environment.LIVE,
        help_text="Identifiers are unique within one environment; customers of two are never merged.",
    )
    external_id = models.CharField(
        "external id",
        max_length=255,
        null=True,
        blank=True,
        help_text="The id that the integrator's own system gives this customer.",
    )
    stripe_id = models.CharField(
        "Stripe id", max_length=255, null=True, blank=True, help_text="The customer's id at Stripe."
    )
    fingerprint = models.CharField(
        max_length=255,
        blank=True,
        help_text="Identifies the device, such as its serial number, so that a trial is not taken twice.",
    )
    created_at = models.DateTimeField(default=clock.now, help_text="When the platform created the customer.")
    updated_at = models.DateTimeField(
        default=clock.now, help_text="When the platform last changed the customer."
    )
    pinned_fields = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="Fields that a person has edited; an import leaves them alone.",
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="merged_customers",
        help_text="The customer that this one became part of.",
    )
    archived_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="An archived customer is kept with all its rows, but left out of lists and the day's work.",
    )

    history = HistoricalRecords(excluded_fields=["pinned_fields"])
    objects = CustomerQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="customer_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["env", "external_id"],
                name="customer_external_id_once_per_env",
                violation_error_message="Another customer of this environment has this external id.",
            ),
            models.UniqueConstraint(
                fields=["env", "stripe_id"],
                name="customer_stripe_id_once_per_env",
                violation_error_message="Another customer of this environment has this Stripe id.",
            ),
            models.CheckConstraint(
                condition=~Q(external_id="") & ~Q(stripe_id=""),
                name="customer_no_empty_identifier",
                violation_error_message="Leave an unknown identifier empty.",
            ),
            models.CheckConstraint(
                condition=~Q(merged_into=F("id")),
                name="customer_not_merged_into_itself",
                violation_error_message="A customer cannot be merged into itself.",
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
        """An identifier field left empty in a form is an unknown identifier, not an empty one."""
        self.external_id = self.external_id or None
        self.stripe_id = self.stripe_id or None
