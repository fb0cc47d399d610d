"""Emails with a link that lets a user set a password: invitations and password resets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.urls import reverse

from crm.mail import absolute, as_html, queue_email
from crm.models import OutgoingEmail
from crm.notify import name_of
from customers import clock
from customers.formats import counted

RESET = "password_reset"
INVITATION = "invitation"

#: The job that looks up who has an address.
RESET_JOB = "password_resets"

#: A user gets one link within this time, however often someone asks for it.
_AT_MOST_EVERY = timedelta(minutes=5)


def queue_password_resets(address: str) -> int:
    """Queue an email to each active user with this address, in any letter case, and return how many.

    It goes to the address of the user, never to the one that was typed in.
    """
    users = get_user_model()._default_manager.filter(email__iexact=address, is_active=True).exclude(email="")
    lately = OutgoingEmail.objects.filter(kind=RESET, made_at__gt=clock.now() - _AT_MOST_EVERY)
    count = 0
    for user in users.order_by("pk"):
        if not lately.filter(user=user).exists():
            _queue(user, RESET, "Reset your password")
            count += 1
    return count


def queue_invitation(user: Any, *, by: Any) -> None:
    """Queue an email in which `by` invites a user to set their own password."""
    _queue(user, INVITATION, "You're invited to Clientele", by=name_of(by))


def _queue(user: Any, kind: str, subject: str, **values: str) -> None:
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    text = render_to_string(
        f"crm/mail/{kind}.txt",
        {
            **values,
            "username": user.get_username(),
            "link": absolute(reverse("account_reset_password_from_key", kwargs=key)),
            "days": counted(settings.PASSWORD_RESET_TIMEOUT // 86_400, "day"),
        },
    )
    queue_email(user.email, kind, subject, text, as_html(text), user=user)
