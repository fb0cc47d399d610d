"""Billing controls of a customer: automatic top-ups, limits of usage and overage, usage alerts."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.account import Entity
from billing.models.catalog import Feature
from billing.models.figures import bounded, figure
from customers.formats import number
from customers.models import Customer, ListItem
from customers.typed_ids import TypedIdField

_OF_ENTITY = (
    "Leave blank for the customer as a whole. An entity's own replaces the customer's for the entity."
)


def _entity(related_name: str) -> Any:
    return models.ForeignKey(
        Entity,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name=related_name,
        help_text=_OF_ENTITY,
    )


class AutoTopup(ListItem):
    """Buys `quantity` more of a feature when its balance falls below `threshold`."""

    id = TypedIdField(prefix="topup", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="auto_topups")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="auto_topups")
    threshold = figure(help_text="The balance below which more is bought.")
    quantity = figure(help_text="The amount bought each time.")
    enabled = models.BooleanField(null=True, blank=True, help_text="Off when unknown.")
    limit_interval = models.CharField(
        max_length=10,
        choices=[("hour", "Hour"), ("day", "Day"), ("week", "Week"), ("month", "Month")],
        blank=True,
    )
    limit_interval_count = models.PositiveIntegerField(null=True, blank=True)
    limit = figure("purchase limit", null=True, blank=True, help_text="The most purchases in one interval.")

    history = HistoricalRecords(no_db_index=["came_with", "feature"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "auto top-up"
        constraints = [bounded("auto_topup_in_range", "threshold", "quantity", "limit", at_least=None)]

    def __str__(self) -> str:
        return f"{number(self.quantity)} {self.feature} below {number(self.threshold)}"


class OverageAllowed(ListItem):
    """Whether usage of a feature may exceed the balance, whatever its grants say."""

    id = TypedIdField(prefix="over", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="overage_allowed")
    entity = _entity("overage_allowed")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="overage_allowed")
    enabled = models.BooleanField(
        "allowed",
        null=True,
        blank=True,
        help_text="Yes lets usage continue after the balance reaches 0, No stops it there. Unknown leaves it to the"
        " plan.",
    )

    history = HistoricalRecords(no_db_index=["came_with", "entity", "feature"])

    class Meta:
        ordering = ["position", "id"]
        verbose_name = "overage control"

    def __str__(self) -> str:
        allowed = {True: "overage allowed", False: "no overage", None: "overage as in the plan"}
        return f"{self.feature}: {allowed[self.enabled]}"


class SpendLimit(ListItem):
    """The most overage that a customer may run up, of one feature or, without `feature`, of each."""

    class LimitType(models.TextChoices):
        ABSOLUTE = "absolute", "Units"
        USAGE_PERCENTAGE = "usage_percentage", "Percentage of the included amount"

    id = TypedIdField(prefix="limit", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="spend_limits")
    entity = _entity("spend_limits")
    feature = models.ForeignKey(
        Feature, on_delete=models.PROTECT, null=True, blank=True, related_name="spend_limits"
    )
    enabled = models.BooleanField(null=True, blank=True, help_text="Off when unknown.")
    limit_type = models.CharField(
        "measured in",
        max_length=20,
        choices=LimitType,
        blank=True,
        help_text="Leave blank for units. A percentage is of what the main plan includes.",
    )
    overage_limit = figure(null=True, blank=True)
    skip_overage_billing = models.BooleanField(
        "overage is free",
        null=True,
        blank=True,
        help_text="Overage is counted and reset, but not billed.",
    )

    history = HistoricalRecords(no_db_index=["came_with", "entity", "feature"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [bounded("spend_limit_in_range", "overage_limit", at_least=None)]

    def __str__(self) -> str:
        return f"{self.feature or 'All features'}: {self.words}"

    @property
    def is_percentage(self) -> bool:
        """Whether `overage_limit` is a percentage of what the main plan includes."""
        return self.limit_type == self.LimitType.USAGE_PERCENTAGE

    @property
    def words(self) -> str:
        """The limit on pages: `No limit`, `50`, `20% of the included amount`."""
        if self.overage_limit is None:
            return "no limit"
        if self.is_percentage:
            return f"{number(self.overage_limit)}% of the included amount"
        return number(self.overage_limit)


class UsageLimit(ListItem):
    """The most units of a feature that may be used in each interval, whatever the balance holds.

    `reported` is what the billing platform counted in the interval of `reported_at`. A limit with a `filter` counts only
    usage with certain properties. Usage that is recorded here has none, so such a limit is kept and never reached here.
    """

    class Interval(models.TextChoices):
        DAY = "day", "Day"
        WEEK = "week", "Week"
        MONTH = "month", "Month"
        YEAR = "year", "Year"

    class Anchor(models.TextChoices):
        BILLING_CYCLE = "billing_cycle", "Billing cycle"
        UTC = "utc", "Calendar in UTC"

    id = TypedIdField(prefix="cap", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="usage_limits")
    entity = _entity("usage_limits")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="usage_limits")
    limit = figure(help_text="The most that may be used in one interval.")
    interval = models.CharField("per", max_length=10, choices=Interval)
    anchor = models.CharField(
        "intervals follow",
        max_length=20,
        choices=Anchor,
        blank=True,
        help_text="Leave blank for the billing cycle. Without one, intervals follow the calendar in UTC.",
    )
    enabled = models.BooleanField(null=True, blank=True, help_text="On when unknown.")
    filter = models.JSONField(
        "counts only", null=True, blank=True, help_text="The properties of the usage that counts."
    )
    reported = figure(
        "counted by the platform", null=True, blank=True, help_text="What the billing platform counted."
    )
    reported_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the platform's count was imported."
    )

    history = HistoricalRecords(no_db_index=["came_with", "entity", "feature"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            bounded("usage_limit_in_range", "limit", "reported"),
            models.CheckConstraint(
                condition=Q(interval__in=["day", "week", "month", "year"]), name="usage_limit_interval_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature}: {number(self.limit)}/{self.interval}"


class UsageAlert(ListItem):
    """An alert when usage passes `threshold`, or when what remains falls below it.

    The threshold is a number of units, or a percentage of what `basis` counts.
    """

    class ThresholdType(models.TextChoices):
        USAGE = "usage", "Units used"
        USAGE_PERCENTAGE = "usage_percentage", "Percentage used"
        REMAINING = "remaining", "Units remaining"
        REMAINING_PERCENTAGE = "remaining_percentage", "Percentage remaining"

    class Basis(models.TextChoices):
        BALANCE = "balance", "All grants"
        INCLUDED = "included", "What plans include"
        RECURRING = "recurring", "Grants that reset"
        USAGE_LIMIT = "usage_limit", "The usage limit"

    id = TypedIdField(prefix="alert", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="usage_alerts")
    entity = _entity("usage_alerts")
    feature = models.ForeignKey(
        Feature, on_delete=models.PROTECT, null=True, blank=True, related_name="usage_alerts"
    )
    threshold = figure()
    threshold_type = models.CharField(max_length=20, choices=ThresholdType)
    basis = models.CharField(
        "measured against",
        max_length=20,
        choices=Basis,
        blank=True,
        help_text="What 100% is. Leave blank for all grants.",
    )
    filter = models.JSONField("counts only", null=True, blank=True, editable=False)
    enabled = models.BooleanField(null=True, blank=True, help_text="On when unknown.")
    name = models.CharField(null=True, blank=True)

    history = HistoricalRecords(no_db_index=["came_with", "entity", "feature"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            bounded("usage_alert_in_range", "threshold", at_least=None),
            models.CheckConstraint(
                condition=Q(
                    threshold_type__in=["usage", "usage_percentage", "remaining", "remaining_percentage"]
                ),
                name="usage_alert_type_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"{self.feature or 'All features'} {self.words}"

    @property
    def is_percentage(self) -> bool:
        """Whether the threshold is a percentage."""
        return self.threshold_type in (
            self.ThresholdType.USAGE_PERCENTAGE,
            self.ThresholdType.REMAINING_PERCENTAGE,
        )

    @property
    def is_of_remaining(self) -> bool:
        """Whether the alert is about what remains, not about what was used."""
        return self.threshold_type in (
            self.ThresholdType.REMAINING,
            self.ThresholdType.REMAINING_PERCENTAGE,
        )

    @property
    def words(self) -> str:
        """The threshold on pages: `past 80%`, `below 100 remaining`."""
        figure = number(self.threshold) + ("%" if self.is_percentage else "")
        return f"below {figure} remaining" if self.is_of_remaining else f"past {figure}"
