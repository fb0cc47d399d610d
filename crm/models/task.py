"""Tasks for customers."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, When
from simple_history.models import HistoricalRecords

from customers import clock
from customers.models import Customer, CustomerRow
from customers.models.orders import Literal, words
from customers.typed_ids import TypedIdField


class TaskQuerySet(models.QuerySet["Task"]):
    def open(self) -> Self:
        return self.filter(done_at=None)

    def of(self, user: Any) -> Self:
        """Tasks assigned to `user`."""
        return self.filter(owner=user)

    def due_by(self, day: date) -> Self:
        """Open tasks that are due, or whose reminder is, on `day` or earlier."""
        return self.open().filter(Q(due_on__lte=day) | Q(reminder_on__lte=day))

    def soonest_first(self) -> Self:
        """By due date; tasks without one last."""
        return self.order_by(F("due_on").asc(nulls_last=True), "pk")


def order_by_status() -> Case:
    """Open tasks by due date, those without one next, done ones last."""
    return Case(
        When(done_at__isnull=False, then=Literal(date(9000, 1, 1))),
        When(due_on__isnull=True, then=Literal(date(8000, 1, 1))),
        default=F("due_on"),
        output_field=models.DateField(),
    )


class Task(CustomerRow):
    """A task for a customer."""

    id = TypedIdField(prefix="task", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="tasks")
    title = models.CharField(max_length=255, help_text="A few words.")
    body = models.TextField("details", blank=True, help_text="Supports Markdown.")
    due_on = models.DateField("due", null=True, blank=True, help_text="Leave blank for no due date.")
    reminder_on = models.DateField(
        "reminder",
        null=True,
        blank=True,
        help_text="The task is on the worklist from this day, even if it is due later.",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name="assignee",
        help_text="The task is on their worklist from its due date.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    done_at = models.DateTimeField("done", null=True, editable=False)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    history = HistoricalRecords()
    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(title=""),
                name="task_has_a_title",
                violation_error_message="Enter a title.",
            ),
            models.CheckConstraint(
                condition=Q(reminder_on=None) | Q(due_on=None) | Q(reminder_on__lte=F("due_on")),
                name="task_reminder_not_after_due",
                violation_error_message="Enter a reminder on or before the due date.",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "due_on"], condition=Q(done_at=None), name="task_open_of_owner"),
            models.Index(fields=["customer", "created_at"], name="task_by_customer"),
            models.Index(fields=["due_on", "id"], name="task_by_due_date"),
            models.Index(fields=["created_at", "id"], name="task_by_creation"),
            models.Index(words("title"), "id", name="task_by_title"),
            models.Index(order_by_status(), "id", name="task_by_status"),
        ]

    def __str__(self) -> str:
        return self.title
