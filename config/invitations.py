"""Invite users by email: they set their own password."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.sites import UnfoldAdminSite
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
)

from config.access import grantable_groups, may_manage_user
from crm.account_emails import queue_invitation
from crm.mail import refusal_of
from customers.logs import log_event

#: Who gives access may invite.
PERMISSIONS = ("auth.add_user", "auth.change_user")


class InvitationForm(forms.ModelForm):
    """A new user without a password. `actor` is the user who invites."""

    email = forms.EmailField(
        widget=UnfoldAdminEmailInputWidget, help_text="The invitation goes to this address."
    )
    groups: Any = forms.ModelMultipleChoiceField(
        label="Roles",
        queryset=Group.objects.none(),
        widget=UnfoldAdminSelectMultipleWidget,
        help_text="You can choose groups whose permissions you have yourself.",
    )

    class Meta:
        model = User
        fields = ("email", "username", "first_name", "last_name", "groups")
        widgets = dict.fromkeys(("username", "first_name", "last_name"), UnfoldAdminTextInputWidget)

    def __init__(self, actor: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        fields: Any = self.fields
        fields["groups"].queryset = grantable_groups(actor).order_by("name")
        fields["username"].help_text = "For signing in."

    def clean_email(self) -> str:
        """Refuse the address of another user."""
        email = str(self.cleaned_data["email"])
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError("Choose another address. A user has this one.")
        return email

    @transaction.atomic
    def invite(self, by: User) -> User:
        """Create the user and queue the invitation."""
        user: User = self.save(commit=False)
        user.is_staff = True
        user.set_unusable_password()
        user.save()
        self.save_m2m()
        queue_invitation(user, by=by)
        log_event("user_invited", user=user.pk, by=by.pk)
        return user


def invitation_page(request: HttpRequest, site: UnfoldAdminSite) -> HttpResponse:
    """Invite a user."""
    by = _inviting(request)
    form = InvitationForm(by, request.POST or None)
    if request.method == "POST" and settings.EMAIL_IS_SET_UP and form.is_valid():
        user = form.invite(by)
        messages.success(request, f"Invited {user.email}.")
        return HttpResponseRedirect(reverse("admin:auth_user_changelist"))
    context = {"title": "Invite user", "form": form, "is_set_up": settings.EMAIL_IS_SET_UP}
    return TemplateResponse(request, "config/invite.html", {**site.each_context(request), **context})


def invite_again_page(request: HttpRequest, site: UnfoldAdminSite, user_id: int) -> HttpResponse:
    """Send another invitation to a user who has not set a password yet."""
    by = _inviting(request)
    user = get_object_or_404(User, pk=user_id)
    if not (may_be_invited(user) and may_manage_user(by, user)):
        raise PermissionDenied
    if request.method == "POST" and settings.EMAIL_IS_SET_UP:
        queue_invitation(user, by=by)
        log_event("user_invited", user=user.pk, by=by.pk)
        messages.success(request, f"Invited {user.email}.")
        return HttpResponseRedirect(reverse("admin:auth_user_change", args=[user.pk]))
    context = {
        "title": "Invite again",
        "invited": user,
        "refusal": refusal_of(user.email),
        "is_set_up": settings.EMAIL_IS_SET_UP,
    }
    return TemplateResponse(request, "config/invite_again.html", {**site.each_context(request), **context})


def may_be_invited(user: User) -> bool:
    """Whether a user is active, has an address, and has no password."""
    return user.is_active and bool(user.email) and not user.has_usable_password()


def _inviting(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User) or not user.has_perms(PERMISSIONS):
        raise PermissionDenied
    return user
