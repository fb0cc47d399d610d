"""Emails to users: written as rows in the caller's transaction, sent by a job.

A mail server that can't be reached, or that answers “later”, is tried again after growing pauses. An address that it
refuses is not tried again: the page of notifications shows it to the user, and no notification is sent there until an
email has arrived.
"""

from __future__ import annotations

import smtplib
from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from billing.invoices.emails import mail_problem
from crm.models import OutgoingEmail
from crm.sending import PAUSES, take_next
from customers import clock

_PERMANENT = 500


def absolute(path: str) -> str:
    """The address of a page, for an email."""
    return f"{settings.SITE_URL}{path}"


def queue_notification(user: Any, kind: str, subject: str, template: str, context: Mapping[str, Any]) -> bool:
    """Queue an email that a user chose to get, from `crm/mail/{template}.txt` and `.html`. Returns whether it is queued.

    It isn't if no mail server is set up, if the user has no address, or if the server refused the address.
    """
    if not settings.EMAIL_IS_SET_UP or not user.email or refusal_of(user.email):
        return False
    values = {**context, "choices": absolute(reverse("desk-notification-choices"))}
    text = render_to_string(f"crm/mail/{template}.txt", values)
    html = render_to_string(f"crm/mail/{template}.html", values)
    queue_email(user.email, kind, subject, text, html, user=user)
    return True


def queue_email(
    address: str, kind: str, subject: str, text: str, html: str = "", *, user: Any = None
) -> OutgoingEmail:
    """Queue an email in the caller's transaction. The subject must name no customer, person or amount."""
    return OutgoingEmail.objects.create(
        address=address, kind=kind, subject=subject, text=text.strip() + "\n", html=html, user=user
    )


def as_html(text: str) -> str:
    """The HTML of an email that is one plain text."""
    return render_to_string("crm/mail/plain.html", {"text": text.strip()})


def refusal_of(address: str) -> str:
    """Why the mail server refused the last email to this address; empty if it didn't."""
    ended = OutgoingEmail.objects.filter(address=address).exclude(status=OutgoingEmail.Status.WAITING)
    last = ended.order_by("-made_at", "-pk").first()
    return last.error if last is not None and last.status == OutgoingEmail.Status.REFUSED else ""


def send_next(now: datetime) -> OutgoingEmail | None:
    """Send the first email that is due, and record what came of it. None if no email is due."""
    email: OutgoingEmail | None = take_next(OutgoingEmail.objects.due(now), now)
    if email is not None:
        _send(email)
    return email


def _send(email: OutgoingEmail) -> None:
    try:
        _message(email).send()
    # SMTP's own exceptions are OSErrors. An address that can't be written into a header is a ValueError.
    except (OSError, ValueError) as problem:
        email.error = mail_problem(problem)
        if not isinstance(
            problem, smtplib.SMTPRecipientsRefused | smtplib.SMTPResponseException | ValueError
        ):
            # The server is down: the others wait too, or each would wait for its answer.
            OutgoingEmail.objects.due(clock.now()).update(next_at=email.next_at)
        if _is_refusal(problem):
            email.status = OutgoingEmail.Status.REFUSED
        elif email.attempts >= len(PAUSES):
            email.status = OutgoingEmail.Status.FAILED
    else:
        email.status, email.error, email.sent_at = OutgoingEmail.Status.SENT, "", clock.now()
    if email.status != OutgoingEmail.Status.WAITING:
        email.text = email.html = ""
    email.save(update_fields=["status", "error", "sent_at", "text", "html"])


def _message(email: OutgoingEmail) -> EmailMultiAlternatives:
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    domain = sender.rpartition("@")[2] or "localhost"
    message = EmailMultiAlternatives(
        email.subject,
        email.text,
        to=[email.address],
        # The same at each attempt, so that mail programs know one that arrives twice.
        headers={"Message-ID": f"<{email.pk}@{domain}>", "Auto-Submitted": "auto-generated"},
    )
    if email.html:
        message.attach_alternative(email.html, "text/html")
    return message


def _is_refusal(problem: Exception) -> bool:
    """Whether another attempt can't succeed: the server refused this email for good, or its address is none."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _ in problem.recipients.values())
    if isinstance(
        problem, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError | smtplib.SMTPHeloError
    ):
        # This is about the server or the settings, not about the email.
        return False
    if isinstance(problem, smtplib.SMTPResponseException):
        return problem.smtp_code >= _PERMANENT
    return isinstance(problem, ValueError)
