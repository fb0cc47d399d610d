"""What customers' limits and late payments set off: alerts that fired, and steps of dunning that were taken."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from billing.models.account import Entity
from billing.models.catalog import Feature
from billing.models.controls import UsageAlert
from billing.models.figures import figure
from billing.models.invoice import Invoice
from customers import clock
from customers.formats import number
from customers.models import Customer, CustomerRow
from customers.typed_ids import TypedIdField


class AlertFired(CustomerRow):
    """A usage alert that fired. It fires once for each threshold and period: `key` names them.

    It keeps the threshold as it was, because an alert may change or go.
    """

    id = TypedIdField(prefix="fired", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="alerts_fired")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="alerts_fired")
    entity = models.ForeignKey(
        Entity, on_delete=models.PROTECT, null=True, blank=True, related_name="alerts_fired"
    )
    key = models.CharField(max_length=400, editable=False)
    name = models.CharField(blank=True)
    threshold = figure()
    threshold_type = models.CharField(max_length=20, choices=UsageAlert.ThresholdType)
    used = figure(null=True, blank=True)
    granted = figure(null=True, blank=True, help_text="What 100% was.")
    remaining = figure(null=True, blank=True)
    period_ends_at = models.DateTimeField(null=True, blank=True, help_text="Blank if it never resets.")
    fired_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering: ClassVar[list[str]] = ["-fired_at", "-id"]
        verbose_name = "alert that fired"
        verbose_name_plural = "alerts that fired"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["customer", "key"], condition=Q(came_with=None), name="alert_fires_once"
            ),
            models.UniqueConstraint(fields=["came_with", "key"], name="alert_fires_once_came_with"),
        ]

    def __str__(self) -> str:
        return f"{self.feature} {self.words}"

    @property
    def words(self) -> str:
        """The threshold: `past 80%`, `below 100 remaining`."""
        return UsageAlert(threshold=self.threshold, threshold_type=self.threshold_type).words

    @property
    def figures(self) -> str:
        """What was used, of how much: `850 of 1,000 used`, `850 used`, `40 of 1,000 remaining`."""
        of = f" of {number(self.granted)}" if self.granted else ""
        if self.threshold_type.startswith("remaining") and self.remaining is not None:
            return f"{number(self.remaining)}{of} remaining"
        return f"{number(self.used or 0)}{of} used"


class DunningStep(models.Model):
    """A step of dunning that an unpaid invoice reached. `outcome` says what the last step did."""

    changes_customer_of = "invoice"

    id = TypedIdField(prefix="dun", primary_key=True, editable=False)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="dunning_steps")
    step = models.PositiveSmallIntegerField(help_text="Counted from 1.")
    of = models.PositiveSmallIntegerField("steps in all")
    days = models.PositiveIntegerField("days past due")
    taken_at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["-taken_at", "-id"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["invoice", "step"], name="dunning_step_once"),
        ]

    def __str__(self) -> str:
        return f"Reminder {self.step} of {self.of} for invoice {self.invoice.shown_id}"

    @property
    def is_last(self) -> bool:
        """Whether no step follows."""
        return self.step >= self.of
