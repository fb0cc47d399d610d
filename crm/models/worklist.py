"""Who needs attention: the worklist as it was computed last, and what people decided of its reasons."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers import clock
from customers.models import Customer, CustomerRow
from customers.typed_ids import TypedIdField


class Decision(models.TextChoices):
    """What somebody decided of a reason. It holds until the reason changes, or until the day it was put off to."""

    DONE = "done", "Done"
    SNOOZED = "snoozed", "Snoozed"
    NOT_RELEVANT = "not_relevant", "Not relevant"


class WorklistEntryQuerySet(models.QuerySet["WorklistEntry"]):
    """Entries, asked for in the business's words."""

    def waiting(self) -> Self:
        """Those of current customers with a reason of which nothing was decided."""
        return self.filter(weight__gt=0, customer__merged_into=None, customer__archived_at=None)

    def of_people(self, keys: Any) -> Self:
        """Those that the users with these keys should look at; everybody's and nobody's for None."""
        return self if keys is None else self.filter(person__in=keys)

    def by_need(self) -> Self:
        """The most needed first: by the sum of the weights, then by the largest."""
        return self.order_by("-weight", "-heaviest", "pk")


class WorklistEntry(models.Model):
    """A customer that somebody should look at: its owner, or whom a task or a mention addresses.

    Computed from the other rows (see `crm.desk.worklist`), and thrown away when nothing is left of it.
    """

    id = TypedIdField(prefix="wle", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="worklist_entries")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="worklist_entries",
        help_text="Who should look at it; nobody, where nobody owns the account.",
    )
    weight = models.PositiveIntegerField(default=0, help_text="The sum of the open reasons' weights.")
    heaviest = models.PositiveIntegerField(default=0, help_text="The weight of the heaviest open reason.")

    objects = WorklistEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-weight", "-heaviest", "id"]
        verbose_name_plural = "worklist entries"
        constraints = [
            models.UniqueConstraint(fields=["customer", "person"], name="worklist_entry_once_per_person"),
            models.UniqueConstraint(
                fields=["customer"], condition=Q(person=None), name="worklist_entry_once_for_nobody"
            ),
        ]
        indexes = [
            models.Index(
                fields=["person", "-weight", "-heaviest", "id"],
                condition=Q(weight__gt=0),
                name="worklist_entry_of_a_person",
            ),
            models.Index(
                fields=["-weight", "-heaviest", "id"],
                condition=Q(weight__gt=0),
                name="worklist_entry_by_need",
            ),
        ]

    def __str__(self) -> str:
        return str(self.customer)


class WorklistReasonQuerySet(models.QuerySet["WorklistReason"]):
    """Reasons, asked for in the business's words."""

    def open(self) -> Self:
        """Those of which nothing was decided."""
        return self.filter(decision="")

    def heaviest_first(self) -> Self:
        """In the order in which they are read."""
        return self.order_by("-weight", "since", "pk")


class WorklistReason(models.Model):
    """Why a customer is on the worklist. Its `key` changes when what it says changes materially."""

    id = TypedIdField(prefix="wlr", primary_key=True, editable=False)
    entry = models.ForeignKey(WorklistEntry, on_delete=models.CASCADE, related_name="reasons", db_index=False)
    rule = models.CharField(max_length=30)
    key = models.CharField(max_length=255, blank=True, help_text="What it is about, and how far it has come.")
    words = models.TextField()
    weight = models.PositiveIntegerField()
    since = models.DateTimeField()
    link = models.CharField(blank=True, help_text="The page on which one can do something about it.")
    decision = models.CharField(max_length=20, choices=Decision, blank=True)
    until = models.DateTimeField(null=True, help_text="When one that was put off comes back.")

    objects = WorklistReasonQuerySet.as_manager()

    class Meta:
        ordering = ["-weight", "since", "id"]
        constraints = [models.UniqueConstraint(fields=["entry", "rule", "key"], name="worklist_reason_once")]
        # The last two spare whoever counts them a look at the rows.
        indexes = [models.Index(fields=["rule", "decision", "entry", "id"], name="worklist_reason_by_rule")]

    def __str__(self) -> str:
        return self.words


class WorklistDecisionQuerySet(models.QuerySet["WorklistDecision"]):
    """Decisions, asked for in the business's words."""

    def holding(self, at: datetime) -> Self:
        """Those that still hold at `at`: what was put off comes back when its time has come."""
        return self.filter(Q(until=None) | Q(until__gt=at))


class WorklistDecision(CustomerRow):
    """What somebody decided of a reason: it stays so while the reason's rule and key are the same."""

    id = TypedIdField(prefix="wld", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="worklist_decisions")
    rule = models.CharField(max_length=30)
    key = models.CharField(max_length=255, blank=True)
    words = models.TextField(help_text="What the reason said.")
    decision = models.CharField(max_length=20, choices=Decision)
    until = models.DateTimeField(null=True, blank=True, help_text="When one that was put off comes back.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="worklist_decisions",
    )
    decided_at = models.DateTimeField(default=clock.now)

    objects = WorklistDecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-decided_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "rule", "key"],
                condition=Q(came_with=None),
                name="worklist_decision_once_per_reason",
            ),
            models.UniqueConstraint(
                fields=["came_with", "rule", "key"], name="worklist_decision_once_per_reason_came_with"
            ),
            models.CheckConstraint(
                condition=Q(decision="snoozed", until__isnull=False)
                | (Q(decision__in=["done", "not_relevant"]) & Q(until=None)),
                name="worklist_decision_snoozed_until",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_decision_display()}: {self.words}"


class DeskRefresh(models.Model):
    """When each part of the desk was last refreshed."""

    name = models.CharField(primary_key=True, max_length=20)
    finished_at = models.DateTimeField(null=True, help_text="When the last whole run ended.")
    customers = models.PositiveIntegerField(default=0, help_text="How many customers it looked at.")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "desk refreshes"

    def __str__(self) -> str:
        return self.name
