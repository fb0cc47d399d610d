"""What users are told in the bell and by email, and what each of them chose to be told."""

from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers import clock
from customers.typed_ids import TypedIdField


class NotificationKind(models.TextChoices):
    """What a notification is about. The label completes “Tell me when …”."""

    MENTIONED = "mentioned", "a note mentions me"
    ASSIGNED = "assigned", "a task is assigned to me"
    TASK_DUE = "task_due", "a task of mine is due, or its reminder is"
    ACCOUNT = "account", "an account is reassigned to me"
    JOINED = "joined", "an account of mine is merged or linked"
    ALERT = "alert", "a usage alert of my account fires"
    PAST_DUE = "past_due", "an invoice of my account is past due"
    TRIAL_ENDING = "trial_ending", "a trial of my account is about to end"
    IMPORT_DONE = "import_done", "an import of mine ends"
    EXPORT_DONE = "export_done", "an export of mine ends"


class EmailChoice(models.TextChoices):
    """When notifications of a kind are sent by email."""

    NEVER = "never", "Never"
    NOW = "now", "Immediately"
    DAILY = "daily", "In the daily digest"


class NotificationQuerySet(models.QuerySet["Notification"]):
    def of(self, user: Any) -> Self:
        """The notifications in the bell of `user`."""
        return self.filter(user=user, in_bell=True)

    def unread(self) -> Self:
        return self.filter(read_at=None)

    def for_digest(self) -> Self:
        """Notifications that wait for the daily digest."""
        return self.filter(waits_for_digest=True)


class Notification(models.Model):
    """A user was told something.

    The customer is an ID, not a foreign key: the name is looked up when a page shows it, so it is the present one, and
    none is kept after a customer is erased.
    """

    id = TypedIdField(prefix="ntf", primary_key=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=20, choices=NotificationKind)
    text = models.TextField(help_text="A sentence without the customer's name.")
    detail = models.TextField(blank=True, help_text="Such as the start of the note.")
    customer_id = TypedIdField(prefix="cus", null=True)
    link = models.TextField(blank=True, help_text="The path of the page to open.")
    key = models.CharField(
        max_length=255, null=True, help_text="One notification per user, kind and key; null for no limit."
    )
    at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True)
    in_bell = models.BooleanField(default=True)
    waits_for_digest = models.BooleanField(default=False)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "key"], name="notification_once_per_key"),
        ]
        indexes = [
            models.Index(fields=["user", "-id"], name="notification_of_user"),
            models.Index(
                fields=["user"], condition=Q(read_at=None, in_bell=True), name="notification_unread"
            ),
            models.Index(fields=["user"], condition=Q(waits_for_digest=True), name="notification_for_digest"),
            models.Index(fields=["at"], name="notification_by_age"),
        ]

    def __str__(self) -> str:
        return self.text


class NotificationChoice(models.Model):
    """How a user wants to be told about one kind. Without a row, as the settings say."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_choices"
    )
    kind = models.CharField(max_length=20, choices=NotificationKind)
    bell = models.BooleanField(default=True)
    email = models.CharField(max_length=5, choices=EmailChoice, default=EmailChoice.NEVER)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notification_choice_once"),
            models.CheckConstraint(
                condition=Q(kind__in=NotificationKind.values), name="notification_choice_kind"
            ),
            models.CheckConstraint(
                condition=Q(email__in=EmailChoice.values), name="notification_choice_email"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"


class DigestTime(models.Model):
    """The hour of a user's daily digest, and the day of the last one, both in the user's time zone.

    Without an hour, it is that of the settings.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="digest_time"
    )
    hour = models.PositiveSmallIntegerField(null=True)
    last_on = models.DateField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(hour__lte=23), name="digest_hour_of_a_day")]

    def __str__(self) -> str:
        return f"Digest of {self.user}"
