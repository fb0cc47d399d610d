"""What is summed from a customer's subscriptions, invoices, balances and contacts, for lists, segments and reports.

`crm.desk.facts` computes the rows and keeps them. Pages that list many customers read them instead of summing.
Account managers, tags and worklist reasons are not here: they have indexed tables of their own, which change in the
same transaction as the user's action.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast

from billing.models import Balance, Feature, Invoice, Subscription
from billing.models.figures import figure
from customers.formats import number
from customers.models import Customer

#: A figure of a balance is a sum of figures of grants, so it can have more digits than they have.
_SUM: dict[str, Any] = {"max_digits": 35}
#: Of a name, what lists sort by.
NAME_LENGTH = 100


def limited_figure(name: str) -> models.Case:
    """A figure of a balance as a number to sort by; no value if the balance is unlimited. SQLite keeps figures as text."""
    return models.Case(models.When(unlimited=False, then=Cast(name, models.FloatField())))


class CustomerFactsQuerySet(models.QuerySet["CustomerFacts"]):
    def due(self, at: datetime) -> Self:
        """Rows that time alone has changed by `at`."""
        return self.filter(due_at__lte=at)


class CustomerFacts(models.Model):
    """One row per customer that isn't merged, as of `computed_at`.

    Time alone changes the customer's facts, health or worklist next at `due_at`; None: never.
    """

    #: Derived from other rows, which are the change.
    changes_customer_of = None

    customer = models.OneToOneField(
        Customer, primary_key=True, on_delete=models.CASCADE, related_name="facts", editable=False
    )
    plans = models.JSONField(
        default=list, help_text="IDs of the plans of running subscriptions, in the order of the document."
    )
    is_active = models.BooleanField("active", default=False, help_text="Has an active subscription.")
    is_scheduled = models.BooleanField("scheduled", default=False, help_text="Has a scheduled subscription.")
    is_past_due = models.BooleanField("past due", default=False, help_text="Has a past-due subscription.")
    is_ending = models.BooleanField("canceled", default=False, help_text="Has a canceled subscription.")
    trial_ends_at = models.DateTimeField(null=True, help_text="End of the trial that ends last.")
    renews_at = models.DateTimeField(null=True, help_text="The next renewal.")
    oldest_due_at = models.DateTimeField(
        "oldest due date", null=True, help_text="The earliest due date of an unpaid invoice."
    )
    lowest_balance = models.ForeignKey(
        Balance, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    lowest_percent = models.PositiveSmallIntegerField(
        "lowest balance in percent", null=True, help_text="What remains of the lowest balance, rounded down."
    )
    runs_out_at = models.DateTimeField(
        null=True, help_text="When the first balance runs out at its burn rate, if that is before its reset."
    )
    last_contact_at = models.DateTimeField("last contact", null=True)
    health_score = models.PositiveSmallIntegerField("health", null=True)
    mrr_sort = models.BigIntegerField(
        null=True,
        help_text="MRR to sort by: in the reporting currency, at the rates of the day on which it was computed.",
    )
    due_sort = models.BigIntegerField(null=True, help_text="The amount due to sort by, likewise.")
    status_sort = models.PositiveSmallIntegerField(
        "place of the status", default=0, help_text="What needs attention comes first."
    )
    plan_sort = models.CharField(
        "plan to sort by",
        max_length=NAME_LENGTH,
        null=True,
        help_text="The name of the first plan, in lowercase.",
    )
    owner_sort = models.CharField(
        "account manager to sort by", max_length=NAME_LENGTH, null=True, help_text="The name, in lowercase."
    )
    computed_at = models.DateTimeField("computed", help_text="When this row last changed.")
    due_at = models.DateTimeField("next change", null=True, help_text="When time alone changes it next.")

    objects = CustomerFactsQuerySet.as_manager()

    class Meta:
        ordering = ["customer_id"]
        verbose_name = "facts"
        verbose_name_plural = "facts"
        indexes = [
            models.Index(fields=["due_at"], name="facts_due"),
            models.Index(fields=["last_contact_at", "customer"], name="facts_by_contact"),
            models.Index(fields=["renews_at", "customer"], name="facts_by_renewal"),
            models.Index(fields=["health_score", "customer"], name="facts_by_health"),
            models.Index(
                fields=["trial_ends_at", "customer"],
                condition=Q(trial_ends_at__isnull=False),
                name="facts_on_trial",
            ),
            models.Index(
                fields=["oldest_due_at", "customer"],
                condition=Q(oldest_due_at__isnull=False),
                name="facts_by_due_date",
            ),
            models.Index(
                fields=["runs_out_at"], condition=Q(runs_out_at__isnull=False), name="facts_run_out"
            ),
            models.Index(fields=["mrr_sort", "customer"], name="facts_by_mrr"),
            models.Index(fields=["due_sort", "customer"], name="facts_by_due"),
            models.Index(fields=["status_sort", "customer"], name="facts_by_status"),
            models.Index(fields=["plan_sort", "customer"], name="facts_by_plan"),
            models.Index(fields=["owner_sort", "customer"], name="facts_by_owner"),
            models.Index(fields=["lowest_percent"], name="facts_by_balance"),
            models.Index(fields=["customer"], condition=Q(is_past_due=True), name="facts_past_due"),
            models.Index(fields=["customer"], condition=Q(is_ending=True), name="facts_ending"),
            models.Index(fields=["customer"], condition=Q(is_scheduled=True), name="facts_scheduled"),
        ]

    def __str__(self) -> str:
        return f"Facts of {self.customer}"


class CurrencyFacts(models.Model):
    """What a customer brings and owes in one currency, in minor units. No row stands for zeros."""

    changes_customer_of = None

    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="currency_facts", db_index=False, editable=False
    )
    currency = models.CharField(max_length=3)
    mrr = models.BigIntegerField("MRR", default=0)
    due = models.BigIntegerField("amount due", default=0, help_text="Of unpaid invoices.")
    past_due = models.BigIntegerField("amount past due", default=0, help_text="Of past-due invoices.")

    class Meta:
        ordering = ["customer_id", "currency"]
        verbose_name_plural = "currency facts"
        constraints = [
            models.UniqueConstraint(fields=["customer", "currency"], name="currency_facts_once"),
        ]
        indexes = [
            models.Index(fields=["currency", "mrr", "customer"], name="currency_facts_by_mrr"),
            models.Index(
                fields=["currency", "past_due", "customer"],
                condition=Q(past_due__gt=0),
                name="currency_facts_past_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} of {self.customer}"


class BalanceFacts(models.Model):
    """The figures of a balance that is listed and isn't a flag, and when it runs out at its burn rate.

    `billing.rules.figures` has the meaning of the figures. `used_percent` is rounded up, so that comparing it with a
    bound of ten decimals is exact.
    """

    changes_customer_of = None

    balance = models.OneToOneField(
        Balance, primary_key=True, on_delete=models.CASCADE, related_name="facts", editable=False
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="balance_facts", editable=False
    )
    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="+", editable=False)
    unlimited = models.BooleanField(default=False)
    granted = figure(default=Decimal(0), **_SUM)
    remaining = figure(default=Decimal(0), **_SUM)
    usage = figure(default=Decimal(0), **_SUM)
    used_percent = figure("used in percent", null=True, **_SUM)
    per_day = figure("burn rate", default=Decimal(0), help_text="Usage per day.", **_SUM)
    resets_at = models.DateTimeField("next reset", null=True)
    runs_out_at = models.DateTimeField(null=True)
    feature_sort = models.CharField(
        "feature to sort by", max_length=NAME_LENGTH, default="", help_text="The name, in lowercase."
    )

    class Meta:
        ordering = ["balance_id"]
        verbose_name_plural = "balance facts"
        indexes = [
            models.Index(fields=["feature", "remaining"], name="balance_facts_by_remaining"),
            models.Index(fields=["feature", "granted"], name="balance_facts_by_granted"),
            models.Index(fields=["feature", "usage"], name="balance_facts_by_usage"),
            models.Index(fields=["feature", "used_percent"], name="balance_facts_by_percent"),
            models.Index(
                Cast("used_percent", models.FloatField()), "balance", name="balance_facts_most_used"
            ),
            models.Index(fields=["runs_out_at", "balance"], name="balance_facts_run_out"),
            models.Index(fields=["resets_at", "balance"], name="balance_facts_by_reset"),
            models.Index(fields=["feature_sort", "balance"], name="balance_facts_by_feature"),
            *(
                models.Index(limited_figure(name), "balance", name=f"balance_facts_{name}")
                for name in ("remaining", "granted", "per_day")
            ),
        ]

    def __str__(self) -> str:
        return f"{number(self.remaining)} of {number(self.granted)} left"


class SubscriptionFacts(models.Model):
    """What the list of subscriptions sorts by, where that is what a cell says and no column of the subscription."""

    changes_customer_of = None

    subscription = models.OneToOneField(
        Subscription, primary_key=True, on_delete=models.CASCADE, related_name="facts", editable=False
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="subscription_facts", editable=False
    )
    plan_sort = models.CharField(
        "plan to sort by", max_length=NAME_LENGTH, help_text="The name, in lowercase."
    )
    status_sort = models.PositiveSmallIntegerField(
        "place of the status", help_text="What needs attention comes first."
    )
    mrr_sort = models.BigIntegerField(
        "MRR to sort by", null=True, help_text="In the reporting currency; nothing if it doesn't earn."
    )

    class Meta:
        ordering = ["subscription_id"]
        verbose_name_plural = "subscription facts"
        indexes = [
            models.Index(fields=["plan_sort", "subscription"], name="subscription_facts_by_plan"),
            models.Index(fields=["status_sort", "subscription"], name="subscription_facts_by_status"),
            models.Index(fields=["mrr_sort", "subscription"], name="subscription_facts_by_mrr"),
        ]

    def __str__(self) -> str:
        return f"Facts of {self.subscription}"


class InvoiceFacts(models.Model):
    """What the list of invoices sorts by, where that is what a cell says and no column of the invoice."""

    changes_customer_of = None

    invoice = models.OneToOneField(
        Invoice, primary_key=True, on_delete=models.CASCADE, related_name="facts", editable=False
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="invoice_facts", editable=False
    )
    status_sort = models.PositiveSmallIntegerField(
        "place of the status", help_text="What needs attention comes first."
    )
    due_sort = models.BigIntegerField(
        "amount due to sort by", null=True, help_text="In the reporting currency; nothing if nothing is due."
    )
    total_sort = models.BigIntegerField("total to sort by", help_text="In the reporting currency.")

    class Meta:
        ordering = ["invoice_id"]
        verbose_name_plural = "invoice facts"
        indexes = [
            models.Index(fields=["status_sort", "invoice"], name="invoice_facts_by_status"),
            models.Index(fields=["due_sort", "invoice"], name="invoice_facts_by_due"),
            models.Index(fields=["total_sort", "invoice"], name="invoice_facts_by_total"),
        ]

    def __str__(self) -> str:
        return f"Facts of {self.invoice}"
