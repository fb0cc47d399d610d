"""Activities: calls, meetings and emails with a customer."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from simple_history.models import HistoricalRecords

from crm.models.person import Person
from crm.models.task import Task
from customers import clock
from customers.formats import day
from customers.models import Customer, CustomerRow
from customers.typed_ids import TypedIdField


class Activity(CustomerRow):
    """A call, meeting or email that a user logged."""

    class Kind(models.TextChoices):
        CALL = "call", "Call"
        MEETING = "meeting", "Meeting"
        MAIL = "mail", "Email"

    class Outcome(models.TextChoices):
        """How it ended."""

        REACHED = "reached", "Spoke with them"
        MESSAGE = "message", "Left a message"
        NO_ANSWER = "no_answer", "No answer"

    id = TypedIdField(prefix="act", primary_key=True, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="activities")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CALL)
    happened_at = models.DateTimeField("date", default=clock.now)
    person = models.ForeignKey(
        Person,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="activities",
        verbose_name="contact",
        help_text="The person you spoke with.",
    )
    duration_minutes = models.PositiveSmallIntegerField(
        "duration in minutes", null=True, blank=True, validators=[MaxValueValidator(1440)]
    )
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    follow_up = models.ForeignKey(
        Task,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="follows",
        help_text="The task that came out of it.",
    )
    summary = models.TextField("notes", blank=True, help_text="Supports Markdown.")
    logged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["-happened_at", "-id"]
        verbose_name_plural = "activities"
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["call", "meeting", "mail"]), name="activity_kind_known"
            ),
        ]
        indexes = [models.Index(fields=["customer", "happened_at"], name="activity_by_customer")]

    @property
    def result(self) -> str:
        """`25 min, left a message`: how long it took and how it ended; empty if neither is known."""
        parts = [f"{self.duration_minutes} min"] if self.duration_minutes else []
        parts += [self.get_outcome_display()] if self.outcome else []
        return ", ".join([*parts[:1], *(part.lower() for part in parts[1:])])

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {day(self.happened_at)}"
