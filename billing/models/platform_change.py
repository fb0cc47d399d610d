"""Changes of subscriptions that are to be made on the billing platform, which bills them."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from billing.models.catalog import Plan
from billing.models.figures import bounded, figure
from billing.models.subscription import Subscription
from customers import clock
from customers.formats import number
from customers.typed_ids import TypedIdField


class PlatformChangeQuerySet(models.QuerySet["PlatformChange"]):
    """The conditions on platform changes that more than one rule uses."""

    def waiting(self) -> Self:
        """Changes that are still to be made: not yet in a document of the platform, and not withdrawn."""
        return self.filter(outcome="")


class PlatformChange(models.Model):
    """A change or cancellation that a user requested of a subscription that the billing platform bills.

    It bills nothing and changes nothing here. Someone makes it on the platform, and the import that shows it closes it.
    """

    class Timing(models.TextChoices):
        AT_ONCE = "at_once", "Immediately"
        AT_PERIOD_END = "at_period_end", "At period end"

    class Outcome(models.TextChoices):
        MADE = "made", "Made"
        WITHDRAWN = "withdrawn", "Withdrawn"
        ENDED = "ended", "Subscription ended"

    changes_customer_of = "subscription"

    id = TypedIdField(prefix="ask", primary_key=True, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="platform_changes")
    plan_before = models.ForeignKey(
        Plan, on_delete=models.PROTECT, related_name="+", help_text="The plan when it was requested."
    )
    plan = models.ForeignKey(
        Plan,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Blank for a cancellation.",
    )
    quantity = figure(default=1)
    timing = models.CharField(
        max_length=20, choices=Timing, blank=True, help_text="Blank if the platform decides by price."
    )
    requested_at = models.DateTimeField(default=clock.now)
    requested_by = models.CharField(blank=True)
    outcome = models.CharField(max_length=20, choices=Outcome, blank=True, help_text="Blank while it waits.")
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = PlatformChangeQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at", "-id"]
        verbose_name = "change on the billing platform"
        verbose_name_plural = "changes on the billing platform"
        constraints = [
            bounded("platform_change_quantity_in_range", "quantity"),
            models.UniqueConstraint(
                fields=["subscription"], condition=Q(outcome=""), name="one_platform_change_waits"
            ),
            models.CheckConstraint(
                condition=Q(outcome="", closed_at=None) | (~Q(outcome="") & Q(closed_at__isnull=False)),
                name="platform_change_closed_with_outcome",
            ),
        ]

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """What is to be done on the platform: `change Basic v1 to 2 of Pro v1`, `cancel Basic v1 at period end`."""
        when = f" {self.get_timing_display().lower()}" if self.timing else ""
        if self.plan is None:
            return f"cancel {self.plan_before}{when}"
        many = "" if self.quantity == 1 else f"{number(self.quantity)} of "
        return f"change {self.plan_before} to {many}{self.plan}{when}"
