"""Emails about a user's own account: password resets, and notices of changes."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import ResetPasswordForm
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from crm.account_emails import RESET_JOB
from crm.mail import as_html, queue_email
from crm.queue import enqueue


class AccountAdapter(DefaultAccountAdapter):
    """allauth with our queue of emails."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """No: administrators invite users."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue an email. If no mail server is set up, there is none."""
        if not settings.EMAIL_IS_SET_UP:
            return
        message = self.render_mail(template_prefix, email, context)
        kind = template_prefix.rpartition("/")[2]
        user = context.get("user") or getattr(self.request, "user", None)
        known = user if isinstance(user, User) else None
        queue_email(email, kind, message.subject, message.body, as_html(message.body), user=known)

    def format_email_subject(self, subject: str) -> str:
        """The subject alone."""
        return subject

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Any,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Tell a user about a change of their account, at the address of the user unless another is given."""
        if email or user.email:
            values = {**(context or {}), "user": user}
            super().send_notification_mail(template_prefix, user, values, email or user.email)


class PasswordResetForm(ResetPasswordForm):
    """Requests a password reset.

    It looks up no user: a job does, so neither the page nor the time it takes tells whether there is one.
    """

    def clean_email(self) -> str:
        """The address as it was typed."""
        return str(self.cleaned_data["email"])

    def save(self, request: HttpRequest, **options: Any) -> str:
        """Request the job."""
        address: str = self.cleaned_data["email"]
        if settings.EMAIL_IS_SET_UP:
            enqueue(RESET_JOB, {"address": address})
        return address
