"""The worklist as of its last refresh, and the decisions on its reasons."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers import clock
from customers.models import Customer, CustomerRow, Environment
from customers.typed_ids import TypedIdField


class DecisionKind(models.TextChoices):
    """A decision on a reason. It holds until the reason changes, or the snooze ends."""

    DONE = "done", "Done"
    SNOOZED = "snoozed", "Snoozed"
    NOT_RELEVANT = "not_relevant", "Dismissed"


class WorklistEntryQuerySet(models.QuerySet["WorklistEntry"]):
    def waiting(self) -> Self:
        """Entries with an open reason, of live customers that are neither merged nor archived."""
        return self.filter(
            weight__gt=0,
            customer__merged_into=None,
            customer__archived_at=None,
            customer__env=Environment.LIVE,
        )

    def of_people(self, keys: Any) -> Self:
        """Entries for the users with these IDs; all entries, including those for no user, if `keys` is None."""
        return self if keys is None else self.filter(person__in=keys)

    def by_need(self) -> Self:
        """By the sum of the weights of the open reasons, then by the highest weight."""
        return self.order_by("-weight", "-heaviest", "pk")


class WorklistEntry(models.Model):
    """A customer on the worklist of `person`: its account manager, or the user of a task or mention.

    Computed by `crm.desk.worklist`, and deleted when it has no reasons.
    """

    #: Derived from other rows, which are the change.
    changes_customer_of = None

    id = TypedIdField(prefix="wle", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="worklist_entries")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="worklist_entries",
        help_text="Blank for a customer without an account manager.",
    )
    weight = models.PositiveIntegerField(default=0, help_text="Sum of the open reasons' weights.")
    heaviest = models.PositiveIntegerField(default=0, help_text="Highest weight of an open reason.")

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
    def open(self) -> Self:
        """Reasons without a decision."""
        return self.filter(decision="")

    def heaviest_first(self) -> Self:
        return self.order_by("-weight", "since", "pk")


class WorklistReason(models.Model):
    """Why a customer is on the worklist. Its `key` changes when the situation changes materially."""

    id = TypedIdField(prefix="wlr", primary_key=True, editable=False)
    entry = models.ForeignKey(WorklistEntry, on_delete=models.CASCADE, related_name="reasons", db_index=False)
    rule = models.CharField(max_length=30)
    key = models.CharField(
        max_length=255,
        blank=True,
        help_text="Identifies the situation. A decision holds while it stays the same.",
    )
    words = models.TextField()
    weight = models.PositiveIntegerField()
    since = models.DateTimeField()
    link = models.CharField(blank=True, help_text="The page to act on.")
    act = models.CharField(
        max_length=80, blank=True, help_text="The name of the act that settles it, and the ID of its row."
    )
    decision = models.CharField(max_length=20, choices=DecisionKind, blank=True)
    until = models.DateTimeField("snoozed until", null=True)

    objects = WorklistReasonQuerySet.as_manager()

    class Meta:
        ordering = ["-weight", "since", "id"]
        constraints = [models.UniqueConstraint(fields=["entry", "rule", "key"], name="worklist_reason_once")]
        # `entry` and `id` make counting an index-only scan.
        indexes = [models.Index(fields=["rule", "decision", "entry", "id"], name="worklist_reason_by_rule")]

    def __str__(self) -> str:
        return self.words


class WorklistDecisionQuerySet(models.QuerySet["WorklistDecision"]):
    def holding(self, at: datetime) -> Self:
        """Decisions that hold at `at`: a snooze doesn't after it ends."""
        return self.filter(Q(until=None) | Q(until__gt=at))


class WorklistDecision(CustomerRow):
    """A decision on a reason. It holds while the reason's rule and key stay the same."""

    #: About an entry of the worklist, which is derived.
    changes_customer_of = None

    id = TypedIdField(prefix="wld", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="worklist_decisions")
    rule = models.CharField(max_length=30)
    key = models.CharField(max_length=255, blank=True)
    words = models.TextField("reason", help_text="The reason at the time of the decision.")
    decision = models.CharField(max_length=20, choices=DecisionKind)
    until = models.DateTimeField("snoozed until", null=True, blank=True)
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
    """When each refresh of the desk last finished; its row is locked during the refresh."""

    name = models.CharField(primary_key=True, max_length=20)
    finished_at = models.DateTimeField("finished", null=True, help_text="End of the last complete run.")
    customers = models.PositiveIntegerField(default=0, help_text="Customers in the last run.")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "desk refreshes"

    def __str__(self) -> str:
        return self.name
