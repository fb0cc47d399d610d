"""What somebody is to do for a customer."""

from __future__ import annotations

from datetime import date
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from simple_history.models import HistoricalRecords

from customers import clock
from customers.models import Customer, CustomerRow
from customers.typed_ids import TypedIdField


class TaskQuerySet(models.QuerySet["Task"]):
    """Tasks, asked for in the business's words."""

    def open(self) -> Self:
        """Those that are not done."""
        return self.filter(done_at=None)

    def of(self, user: Any) -> Self:
        """Those that `user` is to do."""
        return self.filter(owner=user)

    def due_by(self, day: date) -> Self:
        """Open ones that are due on `day` or were before, or of which one is to be reminded by then."""
        return self.open().filter(Q(due_on__lte=day) | Q(reminder_on__lte=day))

    def soonest_first(self) -> Self:
        """In the order in which they are to be done; those without a day last."""
        return self.order_by(F("due_on").asc(nulls_last=True), "pk")


class Task(CustomerRow):
    """Something to do for a customer, by somebody, perhaps by a day."""

    id = TypedIdField(prefix="task", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="tasks")
    title = models.CharField(max_length=255, help_text="What is to be done, in a few words.")
    body = models.TextField("more", blank=True, help_text="What one has to know for it, in Markdown.")
    due_on = models.DateField("due", null=True, blank=True, help_text="Empty: when there is time.")
    reminder_on = models.DateField(
        "reminder",
        null=True,
        blank=True,
        help_text="From this day on it is on the worklist, though it is due later.",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tasks",
        help_text="Who is to do it. From the day it is due, it is on their worklist.",
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
                violation_error_message="Say in a few words what is to be done.",
            ),
            models.CheckConstraint(
                condition=Q(reminder_on=None) | Q(due_on=None) | Q(reminder_on__lte=F("due_on")),
                name="task_reminder_not_after_due",
                violation_error_message="The reminder comes on the day it is due, or before.",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "due_on"], condition=Q(done_at=None), name="task_open_of_owner"),
            models.Index(fields=["customer", "created_at"], name="task_by_customer"),
        ]

    def __str__(self) -> str:
        return self.title
