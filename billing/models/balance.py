"""What a customer may use: balances with their grants and rollovers, and flags."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Self, TypeVar

from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from billing.models.account import Entity
from billing.models.billed import Billed
from billing.models.catalog import Feature, Plan
from billing.models.figures import BillingMethod, Interval, TierBehavior, bounded, figure
from billing.models.subscription import Purchase, Subscription
from billing.rules.due_events import DueEvent, expiry_events, reset_events, scheduled_events
from billing.rules.figures import GrantFigures, RolloverFigures, counts
from billing.rules.intervals import NEVER_RESETS
from customers import clock
from customers.configuration.table import RESET_PAST_DUE
from customers.configuration.values import value_of
from customers.formats import number
from customers.models import Customer, ListItem, PartOfList
from customers.typed_ids import TypedIdField

M = TypeVar("M", bound=models.Model)


class Balance(ListItem):
    """A balance of one feature in one of a customer's accounts. What it holds is the sum of its grants and rollovers.

    A merge moves balances as they are, so a customer can have several of one feature, side by side.
    """

    id = TypedIdField(prefix="bal", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="balances")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="balances")
    overage_allowed = models.BooleanField(
        default=False, help_text="Usage is accepted after the balance reaches 0."
    )
    max_purchase = figure(
        "overage limit",
        null=True,
        blank=True,
        help_text="The most overage. Leave blank for no limit.",
    )
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the billing platform stopped listing it."
    )

    history = HistoricalRecords(no_db_index=["came_with", "feature"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "feature"],
                condition=Q(came_with=None),
                name="balance_once_per_feature",
                violation_error_message="The customer already has a balance of this feature.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "feature"],
                name="balance_once_per_feature_came_with",
                violation_error_message="The customer already has a balance of this feature.",
            ),
            bounded("balance_max_purchase_in_range", "max_purchase"),
        ]

    def __str__(self) -> str:
        return f"{self.feature} of {self.customer}"


class CountedQuerySet(models.QuerySet[M]):
    """The conditions that grants and rollovers share."""

    def counted(self, at: datetime | None = None) -> Self:
        """The rows that count toward their balance at `at` (default: now): `billing.rules.figures.counts` in SQL."""
        return self.filter(ended_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=at or clock.now()))

    def due_to_expire(self, at: datetime) -> Self:
        """The rows that expire by `at` and have not ended. The rows' `due_events` are the reference."""
        return self.filter(ended_at=None, expires_at__lte=at)


class GrantQuerySet(CountedQuerySet["Grant"]):
    """The conditions on grants that more than one rule uses."""

    def counted(self, at: datetime | None = None) -> Self:
        """The grants that count toward their balance at `at` (default: now). A scheduled one doesn't yet."""
        return super().counted(at).filter(scheduled_amount=None)

    def scheduled(self) -> Self:
        """The grants that have not started. See `Grant.is_scheduled`."""
        return self.filter(ended_at=None, scheduled_amount__isnull=False)

    def due_to_start(self, at: datetime) -> Self:
        """The scheduled grants that start by `at`. `Grant.due_events` is the reference."""
        return self.scheduled().filter(created_at__lte=at)

    def due_to_reset(self, at: datetime) -> Self:
        """The grants with a reset due by `at`. `Grant.due_events` is the reference."""
        due = self.filter(ended_at=None, next_reset_at__lte=at).exclude(reset_interval__in=NEVER_RESETS)
        return due if value_of(RESET_PAST_DUE) else due.exclude(subscription__past_due=True)

    def figures(self) -> Iterator[tuple[str, GrantFigures]]:
        """The key of the balance and the figures of each grant, without loading whole rows."""
        names = ("balance_id", "included_grant", "prepaid_grant", "usage", "unlimited", "next_reset_at")
        for key, included, prepaid, usage, unlimited, resets_at in self.order_by().values_list(*names):
            yield (
                str(key),
                GrantFigures(
                    included_grant=included,
                    prepaid_grant=prepaid,
                    usage=usage,
                    unlimited=unlimited,
                    resets_at=resets_at,
                ),
            )


class RolloverQuerySet(CountedQuerySet["Rollover"]):
    """The figures of rollovers."""

    def figures(self) -> Iterator[tuple[str, RolloverFigures]]:
        """The key of the balance and the figures of each rollover, without loading whole rows."""
        for key, granted, left in self.order_by().values_list("balance_id", "granted", "left"):
            yield str(key), RolloverFigures.of(granted, left)


class Grant(Billed, PartOfList):
    """One grant of a feature: a row of the balance's breakdown.

    It holds `included_grant + prepaid_grant - usage`. Usage is negative where more was refunded than used. A grant
    without a plan is standalone.
    """

    changes_customer_of = "balance"

    id = TypedIdField(prefix="grt", primary_key=True, editable=False)
    balance = models.ForeignKey(Balance, on_delete=models.PROTECT, related_name="grants")
    entity = models.ForeignKey(Entity, on_delete=models.PROTECT, null=True, blank=True, related_name="grants")
    plan = models.ForeignKey(
        Plan,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="grants",
        help_text="Blank for a standalone grant.",
    )
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, null=True, blank=True, related_name="grants"
    )
    purchase = models.ForeignKey(
        Purchase, on_delete=models.PROTECT, null=True, blank=True, related_name="grants"
    )
    grant_id = models.CharField(
        "grant ID", max_length=255, blank=True, help_text="The ID in the billing document."
    )
    included_grant = figure("included", default=0)
    prepaid_grant = figure("prepaid", default=0)
    usage = figure(default=0)
    adjusted = figure(
        default=0,
        help_text="The part of the included amount added by adjustments. The next reset removes it.",
    )
    billed_overage = figure(
        default=0,
        editable=False,
        help_text="The part of the overage that invoices billed already. The next reset returns it to 0.",
    )
    entries = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="The number of ledger lines."
    )
    scheduled_amount = figure(
        null=True,
        blank=True,
        editable=False,
        help_text="What it will include from its start on. Blank once it has started.",
    )
    scheduled_by = models.CharField(blank=True, editable=False, help_text="Who scheduled it.")
    scheduled_reason = models.CharField(blank=True, editable=False, help_text="Why it was scheduled.")
    unlimited = models.BooleanField(default=False)
    reset_interval = models.CharField(
        max_length=20, choices=Interval, blank=True, help_text="Blank if it never resets."
    )
    reset_interval_count = models.PositiveIntegerField(null=True, blank=True)
    next_reset_at = models.DateTimeField(null=True, blank=True)
    last_reset_at = models.DateTimeField(
        "last reset",
        null=True,
        blank=True,
        editable=False,
        help_text="When it was last reset here: what was used before is billed.",
    )
    anchor_day = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="The day of the month on which it resets. Shorter months use their last day.",
    )
    price_amount = figure("price", null=True, blank=True)
    price_tiers = models.JSONField(null=True, blank=True)
    price_tier_behavior = models.CharField(max_length=20, choices=TierBehavior, blank=True)
    billing_units = figure(null=True, blank=True)
    billing_method = models.CharField(
        max_length=20, choices=BillingMethod, blank=True, help_text="Blank if the grant has no price."
    )
    max_purchase = figure("overage limit", null=True, blank=True)
    seats_billed_until = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="Until when another grant billed what is in use. This one bills it from then on.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When it stopped counting toward the balance."
    )

    #: Figures have no history rows, because the ledger is their history. So usage writes none.
    history = HistoricalRecords(
        excluded_fields=[
            "included_grant",
            "prepaid_grant",
            "usage",
            "adjusted",
            "billed_overage",
            "entries",
            "scheduled_by",
            "scheduled_reason",
        ],
        no_db_index=["entity", "plan", "subscription", "purchase"],
    )
    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["balance", "grant_id"],
                condition=~Q(grant_id=""),
                name="grant_id_once_per_balance",
            ),
            bounded(
                "grant_figures_in_range",
                "included_grant",
                "prepaid_grant",
                "usage",
                "adjusted",
                at_least=None,
            ),
            bounded("grant_prices_in_range", "price_amount", "max_purchase", "scheduled_amount"),
        ]
        # `renew` looks for due events every few minutes.
        indexes = [
            models.Index(fields=["next_reset_at"], condition=Q(ended_at=None), name="grant_by_next_reset"),
            models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="grant_by_expiry"),
            models.Index(
                fields=["created_at"], condition=Q(scheduled_amount__isnull=False), name="grant_scheduled"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.plan or 'Standalone grant'}: {number(self.held)}"

    @property
    def figures(self) -> GrantFigures:
        """The grant's figures for `billing.rules.figures`."""
        return GrantFigures(
            included_grant=self.included_grant,
            prepaid_grant=self.prepaid_grant,
            usage=self.usage,
            unlimited=self.unlimited,
            resets_at=self.next_reset_at,
        )

    def counts_at(self, at: datetime) -> bool:
        """Whether the grant counts towards its balance."""
        return self.scheduled_amount is None and counts(self.ended_at, self.expires_at, at)

    @property
    def is_scheduled(self) -> bool:
        """Whether its start lies ahead, or was not applied yet."""
        return self.scheduled_amount is not None and self.ended_at is None

    @property
    def started_at(self) -> datetime | None:
        """Since when usage may draw from it; None if that isn't known.

        An imported grant was there before its import, and that of a subscription before the change to its plan.
        """
        if self.imported or (self.subscription is not None and self.subscription.follows_id is not None):
            return None
        source = self.subscription or self.purchase
        return min(self.created_at, source.started_at) if source else self.created_at

    def was_reset_after(self, at: datetime) -> bool:
        """Whether the period of `at` was closed by a reset."""
        return self.last_reset_at is not None and at < self.last_reset_at

    @property
    def held(self) -> Decimal:
        """What remains of the grant; negative in overage."""
        return self.figures.balance

    @property
    def is_add_on(self) -> bool:
        """Whether it comes with a plan that is sold in addition to another."""
        if self.subscription is not None:
            return self.subscription.add_on
        return self.plan is not None and self.plan.add_on

    @property
    def began_at(self) -> datetime:
        """When its subscription or purchase began, or it was granted."""
        source = self.subscription or self.purchase
        return source.started_at if source else self.created_at

    def due_events(self) -> list[DueEvent]:
        """Its start if it is scheduled, else its expiry and its next reset; none once it has ended."""
        if self.ended_at is not None:
            return []
        if self.scheduled_amount is not None:
            return scheduled_events(self.created_at)
        is_past_due = self.subscription is not None and self.subscription.past_due
        resets = reset_events(
            self.next_reset_at, self.reset_interval, may_reset=not is_past_due or value_of(RESET_PAST_DUE)
        )
        return expiry_events(self.expires_at) + resets


class Rollover(PartOfList):
    """Unused amount that a reset carried over: `granted` then, `left` now."""

    changes_customer_of = "balance"

    id = TypedIdField(prefix="roll", primary_key=True, editable=False)
    balance = models.ForeignKey(Balance, on_delete=models.PROTECT, related_name="rollovers")
    grant = models.ForeignKey(
        Grant, on_delete=models.PROTECT, null=True, blank=True, related_name="rollovers"
    )
    granted = figure("carried over", default=0)
    left = figure("remaining", default=0)
    entries = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="The number of ledger lines."
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Blank if it never expires.")
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When it stopped counting toward the balance."
    )

    history = HistoricalRecords(excluded_fields=["granted", "left", "entries"], no_db_index=["grant"])
    objects = RolloverQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [bounded("rollover_figures_in_range", "granted", "left", at_least=None)]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(ended_at=None), name="rollover_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"{number(self.left)} of {number(self.granted)} carried over"

    def due_events(self) -> list[DueEvent]:
        """Its expiry; nothing once it has ended."""
        return [] if self.ended_at is not None else expiry_events(self.expires_at)

    @property
    def figures(self) -> RolloverFigures:
        """The rollover's figures for `billing.rules.figures`."""
        return RolloverFigures.of(self.granted, self.left)

    def counts_at(self, at: datetime) -> bool:
        """Whether the rollover counts towards its balance."""
        return counts(self.ended_at, self.expires_at, at)


class Flag(ListItem):
    """A boolean feature that a customer has."""

    id = TypedIdField(prefix="flag", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="flags")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="flags")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="flags")
    flag_id = models.CharField("flag ID", max_length=255, help_text="The ID in the billing document.")
    expires_at = models.DateTimeField(null=True, blank=True)

    history = HistoricalRecords(no_db_index=["came_with", "feature", "plan"])

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "feature"],
                condition=Q(came_with=None),
                name="flag_once_per_feature",
                violation_error_message="The customer already has a flag for this feature.",
            ),
            models.UniqueConstraint(
                fields=["came_with", "feature"],
                name="flag_once_per_feature_came_with",
            ),
        ]

    def __str__(self) -> str:
        return str(self.feature)
