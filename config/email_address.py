"""A user's own email address: a new one counts once the user has opened the link that was sent there."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.decorators import rate_limit
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse

from crm.mail import absolute, as_html, queue_email
from customers.logs import log_event

_SALT = "config.email_address"


class EmailAddressForm(forms.Form):
    """The new address."""

    email = forms.EmailField(label="New email address")


@login_required
@reauthentication_required
@rate_limit(action="manage_email")
def email_page(request: HttpRequest) -> HttpResponse:
    """Show the user's address, and send a link to a new one."""
    user: Any = request.user
    form = EmailAddressForm(request.POST or None)
    if request.method == "POST" and settings.EMAIL_IS_SET_UP and form.is_valid():
        address = form.cleaned_data["email"]
        _send_link(user, address)
        messages.success(request, f"Sent a link to {address}. Open it to confirm the address.")
        return HttpResponseRedirect(reverse("account_email"))
    return TemplateResponse(request, "account/email_change.html", {"form": form})


@login_required
def confirm_page(request: HttpRequest, key: str) -> HttpResponse:
    """Confirm a new address: the one in the link, of the user who is signed in."""
    user: Any = request.user
    address = _address_in(key, user)
    if request.method == "POST" and address:
        _change(request, user, address)
        messages.success(request, f"Emails to you go to {address}.")
        return HttpResponseRedirect(reverse("desk-notification-choices"))
    return TemplateResponse(request, "account/email_confirm.html", {"address": address, "key": key})


def _send_link(user: User, address: str) -> None:
    # Bound to the present address, so that a link works once, and not after another change.
    key = signing.dumps([user.pk, user.email, address], salt=_SALT)
    values = {"username": user.get_username(), "link": absolute(reverse("account_confirm_email", args=[key]))}
    text = render_to_string("crm/mail/email_confirmation.txt", values)
    queue_email(address, "email_confirmation", "Confirm your email address", text, as_html(text), user=user)


def _address_in(key: str, user: User) -> str:
    """The address that a link confirms; empty if the link is too old, was used, or is of another user."""
    try:
        user_id, former, address = signing.loads(key, salt=_SALT, max_age=settings.PASSWORD_RESET_TIMEOUT)
    except signing.BadSignature:
        return ""
    return str(address) if (user_id, former) == (user.pk, user.email) else ""


@transaction.atomic
def _change(request: HttpRequest, user: User, address: str) -> None:
    former = user.email
    user.email = address
    user.save(update_fields=["email"])
    if former:
        values = {"from_email": former, "to_email": address}
        get_adapter(request).send_notification_mail("account/email/email_changed", user, values, former)
    log_event("user_email_changed", user=user.pk)
