"""Jobs: work that runs behind the pages, when it runs next, and the processes that do it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from customers import clock
from customers.changes import Position
from customers.typed_ids import TypedIdField

#: A worker that was not seen for this long is gone, and its jobs are taken up by others.
GONE_AFTER = timedelta(seconds=60)


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self, now: datetime) -> Self:
        """Workers that were seen within the last minute."""
        return self.filter(seen_at__gte=now - GONE_AFTER)

    def gone(self, now: datetime) -> Self:
        """Workers that have not been seen for a minute."""
        return self.filter(seen_at__lt=now - GONE_AFTER)


class Worker(models.Model):
    """A process that runs jobs. It says every few seconds that it is there."""

    id = TypedIdField(prefix="wrk", primary_key=True, editable=False)
    host = models.CharField(max_length=255)
    process = models.PositiveBigIntegerField()
    started_at = models.DateTimeField(default=clock.now)
    seen_at = models.DateTimeField(default=clock.now)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ["started_at", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.host}, process {self.process}"


class JobQuerySet(models.QuerySet["Job"]):
    def due(self, now: datetime) -> Self:
        """Waiting jobs that are due, the earliest first."""
        return self.filter(state=Job.State.WAITING, run_after__lte=now).order_by("run_after", "pk")

    def left_behind(self, now: datetime) -> Self:
        """Running jobs without a live worker."""
        return self.filter(Q(worker=None) | Q(worker__seen_at__lt=now - GONE_AFTER), state=Job.State.RUNNING)

    def active(self) -> Self:
        """Jobs that run, wait or are paused."""
        return self.filter(state__in=[Job.State.RUNNING, Job.State.WAITING, Job.State.PAUSED])

    def ended(self) -> Self:
        """Jobs that are over, the last one first."""
        return self.filter(state__in=Job.ENDED).order_by("-ended_at", "-pk")


class Job(models.Model):
    """One run of some work. `kind` names the work (`crm.jobs.kinds`), `arguments` say what to do it with.

    Of the jobs with one kind and `key`, one runs at a time and one waits.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Canceled"

    #: The states that a job doesn't leave, unless a person runs it again.
    ENDED = (State.DONE, State.FAILED, State.CANCELED)

    id = TypedIdField(prefix="job", primary_key=True, editable=False)
    kind = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict)
    key = models.CharField(max_length=255, blank=True)
    subject = models.TextField(blank=True, help_text="What it is about, in words.")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs"
    )
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    run_after = models.DateTimeField("runs after", default=clock.now)
    attempt = models.PositiveIntegerField("attempts", default=0)
    worker = models.ForeignKey(Worker, on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs")
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    done = models.PositiveBigIntegerField(default=0, help_text="How much of the work is done.")
    total = models.PositiveBigIntegerField(default=0, help_text="How much work there is. 0 if unknown.")
    command = models.CharField(
        max_length=64, blank=True, help_text="The command that did the work itself, without a worker."
    )
    result = models.TextField(blank=True, help_text="What it did, in words.")
    problems = models.PositiveBigIntegerField(default=0, help_text="What it had to leave out.")
    error = models.TextField(blank=True, help_text="Why the last attempt failed.")
    log = models.JSONField(default=list, help_text="Moments and sentences, oldest first.")

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(state="waiting") & ~Q(key=""), name="job_waits_once"
            ),
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(state="running") & ~Q(key=""), name="job_runs_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, state__in=["waiting", "running", "paused"])
                | Q(ended_at__isnull=False, state__in=["done", "failed", "canceled"]),
                name="job_ended_has_moment",
            ),
        ]
        indexes = [
            models.Index(
                fields=["run_after", "id"], condition=Q(state="waiting"), name="job_waiting_by_time"
            ),
            models.Index(fields=["id"], condition=Q(state__in=["running", "paused"]), name="job_running"),
            models.Index(fields=["ended_at", "id"], name="job_by_end"),
            models.Index(fields=["kind", "ended_at"], name="job_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class JobSchedule(models.Model):
    """When a kind of job runs next. `crm.jobs.kinds` says how often."""

    kind = models.CharField(max_length=64, primary_key=True)
    next_at = models.DateTimeField("next run")
    is_paused = models.BooleanField(default=False)

    class Meta:
        ordering = ["kind"]
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.kind


class ChangePositionManager(models.Manager["ChangePosition"]):
    def of(self, reader: str) -> Position | None:
        """Where this reader is; None if it never read."""
        row = self.filter(pk=reader).first()
        return Position(row.number, row.customer_id) if row else None

    def keep(self, reader: str, position: Position) -> None:
        """Let the reader continue from `position`."""
        self.update_or_create(
            pk=reader, defaults={"number": position.number, "customer_id": position.customer_id}
        )


class ChangePosition(models.Model):
    """How far a reader has read the outbox of changed customers (`customers.changes`)."""

    reader = models.CharField(max_length=64, primary_key=True)
    number = models.BigIntegerField()
    customer_id = TypedIdField(prefix="cus")

    objects = ChangePositionManager()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.reader}: {self.number}"
