"""Figures that reports sum: computed by jobs from subscriptions, invoices, the ledger and work done.

`account` is the customer that a figure was computed for. It stays after a merge, so what was known on an earlier day can
still be shown; `crm.reports.scope` finds the accounts of customers, those merged into them included. The indexes have
all columns that reports read, so that PostgreSQL reads no rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from billing.models import Feature, Plan
from billing.models.figures import figure
from customers.bulk import pieces
from customers.models import Customer, Environment

_BATCH = 1000


class KnownFigureQuerySet(models.QuerySet["Any"]):
    """Rows with the days on which they were known."""

    def current(self) -> Self:
        """What is known now."""
        return self.filter(known_until=None)

    def known_on(self, day: date) -> Self:
        """What was known at the end of `day`."""
        return self.filter(Q(known_until=None) | Q(known_until__gt=day), known_from__lte=day)

    def keep(self, wanted: Mapping[tuple[Any, ...], Sequence[Any]], day: date) -> int:
        """Make what is known from `day` on equal to `wanted`: values by key, in the order of `VALUES` and `KEY`.

        Rows that differ are kept as what was known before; changes of one day leave one row. Return how many rows are
        known. Runs inside the caller's transaction.
        """
        size = len(self.model.KEY)
        names = (*self.model.KEY, *self.model.VALUES)
        unmatched = dict(wanted)
        closed, gone = [], []
        for pk, known_from, *columns in self.current().values_list("pk", "known_from", *names).iterator():
            key, values = tuple(columns[:size]), columns[size:]
            if key in unmatched and list(unmatched[key]) == values:
                del unmatched[key]
            elif known_from < day:
                closed.append(pk)
            else:
                gone.append(pk)
        for piece in pieces(closed):
            self.filter(pk__in=piece).update(known_until=day)
        for piece in pieces(gone):
            self.filter(pk__in=piece).delete()
        rows = [
            self.model(known_from=day, **dict(zip(names, (*key, *values), strict=True)))
            for key, values in unmatched.items()
        ]
        self.bulk_create(rows, batch_size=_BATCH)
        return len(wanted)


class KnownFigure(models.Model):
    """A figure of an account that was known from one day until another; None: it still is."""

    #: Derived from other rows, which are the change.
    changes_customer_of = None

    account = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="+", db_index=False, editable=False
    )
    env = models.CharField("environment", max_length=10, choices=Environment)
    currency = models.CharField(max_length=3)
    known_from = models.DateField()
    known_until = models.DateField(null=True)

    objects = KnownFigureQuerySet.as_manager()

    class Meta:
        abstract = True


class RevenueChange(KnownFigure):
    """The MRR of an account at the end of a month, where it differs from the month before, in minor units.

    The sum of all changes up to a month is the MRR at its end. An opening row stands for the months before the history.
    """

    class Kind(models.TextChoices):
        OPENING = "opening", "Opening"
        NEW = "new", "New"
        EXPANSION = "expansion", "Expansion"
        CONTRACTION = "contraction", "Contraction"
        CHURN = "churn", "Churn"

    KEY = ("account_id", "currency", "month")
    VALUES = ("env", "kind", "before", "after")

    month = models.DateField(help_text="The first day of the month.")
    kind = models.CharField(max_length=11, choices=Kind)
    before = models.BigIntegerField()
    after = models.BigIntegerField()

    class Meta:
        ordering = ["month", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "currency", "month"],
                condition=Q(known_until=None),
                name="revenue_change_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["env", "currency", "month", "kind", "before", "after", "account"],
                condition=Q(known_until=None),
                name="revenue_change_by_month",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} in {self.month:%B %Y}"


class Receivable(KnownFigure):
    """What is due on the unpaid invoices of an account with one due date, in minor units."""

    KEY = ("account_id", "currency", "due_on")
    VALUES = ("env", "amount", "invoices")

    due_on = models.DateField("due date", null=True, help_text="Blank for invoices without a due date.")
    amount = models.BigIntegerField()
    invoices = models.PositiveIntegerField()

    class Meta:
        ordering = ["due_on", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "currency", "due_on"],
                condition=Q(known_until=None),
                name="receivable_once_per_due_date",
            ),
            models.UniqueConstraint(
                fields=["account", "currency"],
                condition=Q(known_until=None, due_on=None),
                name="receivable_once_without_due_date",
            ),
        ]
        indexes = [
            models.Index(
                fields=["env", "currency", "due_on", "amount", "invoices", "account"],
                condition=Q(known_until=None),
                name="receivable_by_due_date",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} due on {self.due_on}"


class UsageMonth(models.Model):
    """Usage less refunds of a feature in a month by an account, deducted from what a plan granted.

    `plan` is None for usage of standalone grants.
    """

    changes_customer_of = None

    account = models.ForeignKey(
        Customer, on_delete=models.CASCADE, related_name="+", db_index=False, editable=False
    )
    env = models.CharField("environment", max_length=10, choices=Environment)
    feature = models.ForeignKey(Feature, on_delete=models.CASCADE, related_name="+", db_index=False)
    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    month = models.DateField(help_text="The first day of the month.")
    amount = figure(max_digits=35)

    class Meta:
        ordering = ["month", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "month", "feature", "plan"],
                condition=Q(plan__isnull=False),
                name="usage_month_once_per_plan",
            ),
            models.UniqueConstraint(
                fields=["account", "month", "feature"],
                condition=Q(plan=None),
                name="usage_month_once_standalone",
            ),
        ]
        indexes = [
            models.Index(
                fields=["env", "month", "feature", "plan", "amount", "account"],
                name="usage_month_by_month",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.feature} in {self.month:%B %Y}"


class WorkMonth(models.Model):
    """What a user did for customers in a month."""

    changes_customer_of = None

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    env = models.CharField("environment", max_length=10, choices=Environment)
    month = models.DateField(help_text="The first day of the month.")
    calls = models.PositiveIntegerField(default=0)
    meetings = models.PositiveIntegerField(default=0)
    emails = models.PositiveIntegerField(default=0)
    notes = models.PositiveIntegerField(default=0)
    tasks = models.PositiveIntegerField("tasks done", default=0)
    decisions = models.PositiveIntegerField("worklist decisions", default=0)

    class Meta:
        ordering = ["month", "user"]
        constraints = [
            models.UniqueConstraint(fields=["user", "env", "month"], name="work_month_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.month:%B %Y}"
