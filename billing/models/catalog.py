"""The catalog: features, and the plans that include them."""

from __future__ import annotations

from typing import Self

from django.db import models
from simple_history.models import HistoricalRecords

from billing.models.figures import BillingMethod, Interval, TierBehavior, bounded, figure
from customers import clock
from customers.formats import number
from customers.models import Environment
from customers.typed_ids import TypedIdField


class Feature(models.Model):
    """Something that customers may use: on or off, metered, or a credit system that pays for metered features."""

    class Type(models.TextChoices):
        BOOLEAN = "boolean", "On or off"
        METERED = "metered", "Metered"
        CREDIT_SYSTEM = "credit_system", "Credit system"

    id = TypedIdField(prefix="feat", primary_key=True, editable=False)
    feature_id = models.CharField(
        "feature ID", max_length=255, unique=True, help_text="The ID in documents, such as api_calls."
    )
    name = models.CharField()
    type = models.CharField(max_length=20, choices=Type, default=Type.METERED)
    consumable = models.BooleanField(
        default=True,
        help_text="Used up and granted again, like API calls. Off for what is held, like seats or storage.",
    )
    archived = models.BooleanField(default=False, help_text="No longer sold. Existing balances stay.")
    event_names = models.JSONField(
        null=True, blank=True, help_text="Events that count as usage of this feature: a list of names."
    )
    display_singular = models.CharField("singular unit", null=True, blank=True)
    display_plural = models.CharField("plural unit", null=True, blank=True)
    is_stub = models.BooleanField(
        "stub",
        default=False,
        help_text="Only its ID is known so far. Complete it, or import its description.",
    )

    history = HistoricalRecords()

    class Meta:
        ordering = ["feature_id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(type__in=["boolean", "metered", "credit_system"]),
                name="feature_type_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.feature_id


class CreditCost(models.Model):
    """The credits that one unit of a metered feature costs in a credit system."""

    id = TypedIdField(prefix="cost", primary_key=True, editable=False)
    credit_system = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="credit_costs")
    metered_feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="drawn_as")
    credit_cost = figure(help_text="Credits per unit.")
    position = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["credit_system", "metered_feature"],
                name="credit_cost_once_per_feature",
                violation_error_message="This credit system already has a cost for that feature.",
            ),
            bounded("credit_cost_in_range", "credit_cost"),
        ]

    def __str__(self) -> str:
        return f"{self.metered_feature}: {number(self.credit_cost)} credits"


class PlanQuerySet(models.QuerySet["Plan"]):
    """Plans, version by version."""

    def latest_versions(self) -> Self:
        """The newest version of each plan."""
        newest = (
            Plan.objects.filter(env=models.OuterRef("env"), plan_id=models.OuterRef("plan_id"))
            .order_by("-version")
            .values("pk")[:1]
        )
        return self.filter(pk=models.Subquery(newest))


class Plan(models.Model):
    """One version of a plan. Customers stay on the version that was attached; its terms never change once in use."""

    class FreeTrialUnit(models.TextChoices):
        DAY = "day", "Days"
        MONTH = "month", "Months"
        YEAR = "year", "Years"

    class FreeTrialEnd(models.TextChoices):
        BILL = "bill", "Bill the first period"
        REVERT = "revert", "Go back to the plan before, or end"

    id = TypedIdField(prefix="plan", primary_key=True, editable=False)
    env = models.CharField("environment", max_length=10, choices=Environment, default=Environment.LIVE)
    plan_id = models.CharField("plan ID", max_length=255, help_text="The ID in documents, such as pro.")
    version = models.PositiveIntegerField(default=1)
    name = models.CharField()
    description = models.CharField(null=True, blank=True)
    group = models.CharField(
        max_length=255,
        null=True,
        blank=True,
        help_text="A customer has at most one plan of a group at a time.",
    )
    add_on = models.BooleanField("add-on", default=False, help_text="Sold in addition to another plan.")
    auto_enable = models.BooleanField(
        "auto-enabled", default=False, help_text="Attached to every new customer."
    )
    price_amount = figure("price", null=True, blank=True, help_text="The base price. Leave blank for none.")
    price_interval = models.CharField(max_length=20, choices=Interval, blank=True)
    price_interval_count = models.PositiveIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, help_text="An ISO 4217 code, such as USD.")
    additional_currencies = models.JSONField(
        "prices in other currencies",
        null=True,
        blank=True,
        help_text="The base price in other currencies: a list of objects with currency and amount.",
    )
    free_trial_length = models.PositiveIntegerField(null=True, blank=True)
    free_trial_unit = models.CharField(max_length=10, choices=FreeTrialUnit, blank=True)
    free_trial_card_required = models.BooleanField(default=False)
    free_trial_on_end = models.CharField(
        "when the free trial ends",
        max_length=10,
        choices=FreeTrialEnd,
        blank=True,
        help_text="Blank: the first period is billed.",
    )
    trial_once_per_fingerprint = models.BooleanField(
        "trial once per fingerprint",
        default=False,
        help_text="Refuse the trial if another customer with the same fingerprint had it.",
    )
    archived = models.BooleanField(default=False, help_text="No longer sold. Customers who have it keep it.")
    base_variant_id = models.CharField("base variant ID", max_length=255, null=True, blank=True)
    config = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    is_stub = models.BooleanField(
        "stub",
        default=False,
        help_text="Only its ID is known so far. Complete it, or import its description.",
    )

    history = HistoricalRecords()
    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["plan_id", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["env", "plan_id", "version"],
                name="plan_version_once",
                violation_error_message="This version of the plan already exists.",
            ),
            bounded("plan_price_in_range", "price_amount"),
            models.CheckConstraint(
                condition=models.Q(currency__regex="^[A-Z]{3}$"), name="plan_currency_iso"
            ),
            models.CheckConstraint(condition=models.Q(env__in=["live", "sandbox"]), name="plan_env_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.plan_id} v{self.version}"


class Proration(models.TextChoices):
    """How a change within a period is billed. The names are those of the billing document."""

    PRORATE = "prorate", "For the rest of the period"
    PRORATE_IMMEDIATELY = "prorate_immediately", "For the rest of the period, immediately"
    PRORATE_NEXT_CYCLE = "prorate_next_cycle", "For the rest of the period, with the next invoice"
    BILL_IMMEDIATELY = "bill_immediately", "For the whole period"
    BILL_NEXT_CYCLE = "bill_next_cycle", "For the whole period, with the next invoice"
    NONE = "none", "Nothing given back"
    NO_PRORATIONS = "no_prorations", "Nothing given back, no proration"

    @property
    def is_prorated(self) -> bool:
        """Whether the change counts from its moment on."""
        return self.value.startswith("prorate")


class PlanItem(models.Model):
    """What a plan includes of one feature, how often it resets, and the price of more."""

    id = TypedIdField(prefix="item", primary_key=True, editable=False)
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="items")
    feature = models.ForeignKey(Feature, on_delete=models.PROTECT, related_name="plan_items")
    position = models.PositiveIntegerField(default=0, editable=False)
    included = figure(default=0, help_text="The amount granted per unit of the plan.")
    unlimited = models.BooleanField(default=False)
    reset_interval = models.CharField(
        max_length=20,
        choices=Interval,
        blank=True,
        help_text="How often usage returns to 0. Leave blank for never.",
    )
    reset_interval_count = models.PositiveIntegerField(null=True, blank=True)
    price_amount = figure(
        "price", null=True, blank=True, help_text="The price of one pack, in the plan's currency."
    )
    additional_currencies = models.JSONField(
        "prices in other currencies",
        null=True,
        blank=True,
        help_text="The price of one pack in other currencies: a list of objects with currency and amount.",
    )
    price_tiers = models.JSONField(
        null=True,
        blank=True,
        help_text=(
            "Tiers in place of one price: a list of objects with to, amount and flat_amount, and with"
            " additional_currencies for the amounts in other currencies."
        ),
    )
    price_tier_behavior = models.CharField(max_length=20, choices=TierBehavior, blank=True)
    price_interval = models.CharField(max_length=20, choices=Interval, blank=True)
    price_interval_count = models.PositiveIntegerField(null=True, blank=True)
    billing_units = figure("pack size", null=True, blank=True, help_text="Units that one price buys.")
    billing_method = models.CharField(
        max_length=20,
        choices=BillingMethod,
        blank=True,
        help_text="Leave blank if the item has no price of its own.",
    )
    max_purchase = figure(
        "purchase limit",
        null=True,
        blank=True,
        help_text="The most that can be bought. Leave blank for no limit.",
    )
    rollover_max = figure(
        "rollover limit",
        null=True,
        blank=True,
        help_text="The most that is carried over. Leave blank for all of it.",
    )
    rollover_expiry_unit = models.CharField(
        max_length=10,
        choices=[("month", "Months"), ("forever", "Forever")],
        blank=True,
        help_text="Leave blank if nothing is carried over.",
    )
    rollover_expiry_length = models.PositiveIntegerField(null=True, blank=True)
    expiry_unit = models.CharField(
        "expires after",
        max_length=10,
        choices=[("day", "Days"), ("week", "Weeks"), ("month", "Months"), ("year", "Years")],
        blank=True,
        help_text="How long after the grant it expires, if it never resets. Leave blank for no expiry.",
    )
    expiry_length = models.PositiveIntegerField("length of expiry", null=True, blank=True)
    billing_threshold = figure(
        null=True,
        blank=True,
        help_text="Overage is billed as soon as this many units of it are unbilled. Leave blank for the period's end.",
    )
    on_increase = models.CharField(
        "proration when more is taken",
        max_length=20,
        choices=Proration,
        blank=True,
        help_text="For seats and the like, within a period. Leave blank to bill what is in use at the period's end.",
    )
    on_decrease = models.CharField(
        "proration when some is given up", max_length=20, choices=Proration, blank=True
    )
    pooled = models.BooleanField(
        default=False, help_text="An entity's plan grants it to the customer as a whole."
    )

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            bounded(
                "plan_item_figures_in_range",
                "included",
                "price_amount",
                "max_purchase",
                "rollover_max",
                "billing_threshold",
            ),
            models.CheckConstraint(
                condition=models.Q(billing_units=None) | models.Q(billing_units__gt=0),
                name="plan_item_billing_units_positive",
                violation_error_message="Enter a pack size above 0.",
            ),
        ]

    def __str__(self) -> str:
        amount = "unlimited" if self.unlimited else number(self.included)
        return f"{self.feature}: {amount}"
