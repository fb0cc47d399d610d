"""The jobs that send emails to users."""

from __future__ import annotations

from datetime import datetime

from crm.account_emails import queue_password_resets
from crm.jobs.kind import JobResult, RunningJob
from crm.jobs.sending import send_all
from crm.mail import send_next
from crm.models import Job, OutgoingEmail
from crm.notifications.digest import send_digests
from customers import clock
from customers.formats import counted


def reset_passwords(job: RunningJob) -> JobResult:
    """Email a link to the users with the address of a request, if there are any."""
    count = queue_password_resets(job.arguments["address"])
    # The page of jobs must not show the address.
    Job.objects.filter(pk=job.id).update(arguments={})
    return JobResult(f"{counted(count, 'email')} queued")


def emails_wait(now: datetime) -> bool:
    """Whether emails are due."""
    return OutgoingEmail.objects.due(now).exists()


def send_emails(job: RunningJob) -> JobResult:
    """Send the emails that are due."""
    return send_all(job, send_next, lambda email: f"An email wasn't sent: {email.error}", "email")


def queue_digests(job: RunningJob) -> JobResult:
    """Queue the daily digests that are due."""
    return JobResult(f"{counted(send_digests(clock.now()), 'digest')} sent")
