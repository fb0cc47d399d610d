"""The plans that customers have: subscriptions, purchases and licenses."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from simple_history.models import HistoricalRecords

from billing.models.account import Entity
from billing.models.billed import Billed
from billing.models.catalog import Plan
from billing.models.figures import Interval, bounded, figure
from billing.rules.due_events import (
    DueEvent,
    cycle_events,
    scheduled_events,
    subscription_events,
)
from customers import clock
from customers.configuration.table import RENEWAL_SOON_DAYS, TRIAL_SOON_DAYS
from customers.configuration.values import value_of
from customers.formats import day, number
from customers.models import Customer, ListItem
from customers.typed_ids import TypedIdField


def renews_soon(now: datetime) -> Q:
    """Active subscriptions that renew within `RENEWAL_SOON_DAYS` after `now`: with no cancellation or end date."""
    until = now + timedelta(days=value_of(RENEWAL_SOON_DAYS))
    return Q(
        status=Subscription.Status.ACTIVE,
        canceled_at=None,
        expires_at=None,
        current_period_end__gt=now,
        current_period_end__lte=until,
    )


def trial_ends_soon(now: datetime) -> Q:
    """Active subscriptions with a trial that ends within `TRIAL_SOON_DAYS` after `now`."""
    until = now + timedelta(days=value_of(TRIAL_SOON_DAYS))
    return Q(status=Subscription.Status.ACTIVE, trial_ends_at__gt=now, trial_ends_at__lte=until)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """The conditions on subscriptions that more than one page or rule uses."""

    def running(self) -> Self:
        """Active and scheduled subscriptions, which the billing document lists."""
        return self.exclude(status=Subscription.Status.ENDED)

    def active(self) -> Self:
        """Active subscriptions: they grant something now. Past-due subscriptions are included."""
        return self.filter(status=Subscription.Status.ACTIVE)

    def due_to_start(self, at: datetime) -> Self:
        """Scheduled subscriptions that start by `at`."""
        return self.filter(status=Subscription.Status.SCHEDULED, started_at__lte=at)

    def due(self, at: datetime) -> Self:
        """Subscriptions with an event by `at`: a start, the end of a period or trial, or their own end.

        `Subscription.due_events` is the reference.
        """
        return self.filter(
            Q(status=Subscription.Status.SCHEDULED, started_at__lte=at)
            | Q(Q(current_period_end__lte=at) | Q(expires_at__lte=at), status=Subscription.Status.ACTIVE)
        )

    def trialing(self) -> Self:
        """Active subscriptions on trial."""
        return self.active().filter(trial_ends_at__gt=clock.now())

    def past_due(self) -> Self:
        """Active subscriptions that are marked past due."""
        return self.active().filter(past_due=True)

    def canceling(self) -> Self:
        """Active subscriptions that were canceled at period end."""
        return self.active().filter(canceled_at__isnull=False)

    def renewing_soon(self, now: datetime) -> Self:
        """See `renews_soon`."""
        return self.filter(renews_soon(now))

    def trial_ending_soon(self, now: datetime) -> Self:
        """See `trial_ends_soon`."""
        return self.filter(trial_ends_soon(now))


class Subscription(Billed, ListItem):
    """A recurring plan attached to a customer.

    It stays active while past due (`past_due`), on trial (`trial_ends_at`) and, once canceled at period end, until it
    ends (`canceled_at` is set and `expires_at` is the end).
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        SCHEDULED = "scheduled", "Scheduled"
        ENDED = "ended", "Ended"

    id = TypedIdField(prefix="sub", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="subscriptions")
    entity = models.ForeignKey(
        Entity, on_delete=models.PROTECT, null=True, blank=True, related_name="subscriptions"
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    subscription_id = models.CharField(
        "subscription ID", max_length=255, help_text="The ID in the billing document."
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    auto_enable = models.BooleanField("auto-enabled", default=False)
    add_on = models.BooleanField("add-on", default=False, help_text="Sold in addition to another plan.")
    past_due = models.BooleanField(default=False, help_text="One of its invoices wasn't paid in time.")
    quantity = figure(default=1)
    started_at = models.DateTimeField(default=clock.now)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    current_period_start = models.DateTimeField(null=True, blank=True)
    current_period_end = models.DateTimeField(null=True, blank=True)
    anchor_day = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="The day of the month on which it renews. Shorter months use their last day.",
    )
    canceled_at = models.DateTimeField(
        null=True, blank=True, help_text="When the cancellation was requested."
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it ends, or ended.")
    prepaid_quantities = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Prepaid units by feature ID."
    )
    follows = models.ForeignKey(
        "self",
        verbose_name="replaces",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="followed_by",
        help_text="The subscription that this one replaces.",
    )
    billed_here = models.BooleanField(
        default=False, editable=False, help_text="Invoiced here, not by the billing platform."
    )

    history = HistoricalRecords()
    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "subscription_id"],
                condition=Q(came_with=None),
                name="subscription_id_once_per_customer",
                violation_error_message="The customer already has a subscription with this ID.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "subscription_id"],
                name="subscription_id_once_per_customer_came_with",
                violation_error_message="The customer already has a subscription with this ID.",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["active", "scheduled", "ended"]), name="subscription_status_known"
            ),
            models.CheckConstraint(
                condition=Q(current_period_start=None)
                | Q(current_period_end=None)
                | Q(current_period_end__gt=F("current_period_start")),
                name="subscription_period_ends_after_start",
                violation_error_message="Enter a period end after the period start.",
            ),
            bounded("subscription_quantity_in_range", "quantity"),
        ]
        indexes = [
            models.Index(fields=["plan", "status"], name="subscription_by_plan"),
            models.Index(fields=["started_at", "id"], name="subscription_listed_by_start"),
            models.Index(fields=["current_period_end", "id"], name="subscription_listed_by_end"),
            models.Index(Cast("quantity", models.FloatField()), "id", name="subscription_by_quantity"),
            models.Index(fields=["status", "current_period_end"], name="subscription_by_period_end"),
            models.Index(fields=["status", "expires_at"], name="subscription_by_expiry"),
            models.Index(
                fields=["trial_ends_at", "id"],
                condition=models.Q(trial_ends_at__isnull=False),
                name="subscription_by_trial_end",
            ),
            models.Index(
                fields=["current_period_end"],
                condition=models.Q(past_due=True),
                name="subscription_past_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan} ({self.subscription_id})"

    def due_events(self) -> list[DueEvent]:
        """Its start, the end of its period or trial, and its own end; none once it has ended."""
        if self.status == self.Status.SCHEDULED:
            return scheduled_events(self.started_at)
        if self.status == self.Status.ACTIVE:
            return subscription_events(self.current_period_end, self.trial_ends_at, self.expires_at)
        return []


class SubscriptionPhase(Billed):
    """What a subscription is from a moment on, until its next phase or its end: plan, quantity, prepaid units.

    A change of plan, version or quantity begins a phase. The subscription keeps its ID, discounts and anchor day, and
    stays past due if it was. Only subscriptions that are billed here have phases. A change that lies ahead is
    a scheduled subscription that follows the present one.
    """

    changes_customer_of = "subscription"

    id = TypedIdField(prefix="phase", primary_key=True, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="phases")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    quantity = figure(default=1)
    prepaid_quantities = models.JSONField(default=dict, blank=True, help_text="Prepaid units by feature ID.")
    starts_at = models.DateTimeField(default=clock.now)
    reason = models.CharField(blank=True)

    class Meta:
        ordering = ["starts_at", "id"]
        constraints = [bounded("subscription_phase_quantity_in_range", "quantity")]

    def __str__(self) -> str:
        return f"{number(self.quantity)} of {self.plan} from {day(self.starts_at)}"


class BillingCycleQuerySet(models.QuerySet["BillingCycle"]):
    """The conditions on billing cycles that more than one rule uses."""

    def due(self, at: datetime) -> Self:
        """Cycles of active subscriptions that end their period by `at`."""
        return self.filter(period_end__lte=at, subscription__status=Subscription.Status.ACTIVE)


class BillingCycle(models.Model):
    """The current period of a subscription's prices that are charged at another interval than its base price.

    For example, a yearly plan has a monthly cycle for seats that are priced by the month.
    """

    changes_customer_of = "subscription"

    id = TypedIdField(prefix="cycle", primary_key=True, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="cycles")
    interval = models.CharField(max_length=20, choices=Interval)
    interval_count = models.PositiveIntegerField(default=1)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    anchor_day = models.PositiveSmallIntegerField(null=True, blank=True, editable=False)

    objects = BillingCycleQuerySet.as_manager()

    class Meta:
        ordering = ["period_end", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "interval", "interval_count"], name="billing_cycle_once_per_interval"
            ),
        ]
        indexes = [models.Index(fields=["period_end"], name="billing_cycle_by_period_end")]

    def __str__(self) -> str:
        return f"{day(self.period_start)} to {day(self.period_end)}"

    @property
    def rhythm(self) -> tuple[str, int]:
        """The interval and its count."""
        return self.interval, self.interval_count

    def due_events(self) -> list[DueEvent]:
        """The end of its period, if its subscription is active."""
        is_active = self.subscription.status == Subscription.Status.ACTIVE
        return cycle_events(self.period_end) if is_active else []


class PurchaseQuerySet(models.QuerySet["Purchase"]):
    """The conditions on purchases that more than one rule uses."""

    def due(self, at: datetime) -> Self:
        """Scheduled purchases that begin by `at`."""
        return self.filter(scheduled=True, removed_at=None, started_at__lte=at)

    def begun(self) -> Self:
        """Purchases that grant something, or did, and that the billing platform still lists."""
        return self.filter(scheduled=False, removed_at=None)


class Purchase(Billed, ListItem):
    """A plan that a customer bought once. A scheduled one grants and bills from `started_at` on."""

    id = TypedIdField(prefix="pur", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="purchases")
    entity = models.ForeignKey(
        Entity, on_delete=models.PROTECT, null=True, blank=True, related_name="purchases"
    )
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="purchases")
    quantity = figure(default=1)
    started_at = models.DateTimeField(default=clock.now)
    scheduled = models.BooleanField(default=False, editable=False, help_text="It has not begun.")
    prepaid_quantities = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Prepaid units by feature ID."
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Leave blank if it never expires.")
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the billing platform stopped listing it."
    )

    history = HistoricalRecords()
    objects = PurchaseQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [bounded("purchase_quantity_in_range", "quantity")]
        indexes = [
            models.Index(fields=["started_at"], condition=Q(scheduled=True), name="purchase_scheduled"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} bought {day(self.started_at)}"

    def due_events(self) -> list[DueEvent]:
        """Its start, if it is scheduled."""
        return scheduled_events(self.started_at) if self.scheduled else []


class License(ListItem):
    """Seats of a plan that a customer may assign to its entities."""

    id = TypedIdField(prefix="lic", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="licenses")
    license_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="licenses")
    parent_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="parent_of_licenses")
    license_plan_name = models.CharField(blank=True)
    granted = figure(default=0)
    usage = figure(default=0)
    remaining = figure(default=0)
    paid_quantity = figure(default=0)

    history = HistoricalRecords(no_db_index=["came_with", "license_plan", "parent_plan"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            bounded(
                "license_figures_in_range", "granted", "usage", "remaining", "paid_quantity", at_least=None
            )
        ]

    def __str__(self) -> str:
        return (
            f"{self.license_plan_name or self.license_plan}: {number(self.usage)} of {number(self.granted)}"
        )
