"""Users, groups, two-step sign-in and failed sign-ins in the admin."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action
from unfold.forms import UserCreationForm

from config.access import may_manage_group, may_manage_user
from config.invitations import PERMISSIONS as INVITING
from config.invitations import may_be_invited
from config.session_limits import end_sessions_of
from config.user_forms import GroupForm, UserForm, UserPasswordForm
from crm.roles import ROLES
from customers.admin.base import ReadOnlyAdmin, RecordAdmin
from customers.audit.record import audit
from customers.logs import log_event
from customers.models import AuditAction

# An address is a column of its user, axes keeps no logs, and users end their sessions themselves.
admin.site.unregister(
    [User, Group, Authenticator, AccessAttempt, EmailAddress, AccessFailureLog, AccessLog, UserSession]
)

#: The fields that decide what a user may do.
_ACCESS = {"is_active", "is_staff", "is_superuser", "groups", "user_permissions"}

_BUILT_IN = (
    "This role is built in: its permissions are part of Clientele and can't be changed here."
    " To give people other permissions, add a group of your own."
)


class _LoggedAdmin(RecordAdmin):
    """An admin that logs each change of access. The log has IDs and field names, no values."""

    deletable = True

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Log a new row."""
        self._log("added", request, obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Log which fields of a row were changed."""
        fields = [name for part in message for name in part.get("changed", {}).get("fields", ())]
        if fields:
            self._log("changed", request, obj, fields="+".join(fields).lower().replace(" ", "_"))
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Log each deleted row."""
        for obj in queryset:
            self._log("deleted", request, obj)
        return super().log_deletions(request, queryset)

    def _log(self, verb: str, request: HttpRequest, obj: Any, **facts: str) -> None:
        kind = str(self.opts.model_name)
        log_event(f"{kind}_{verb}", **{kind: obj.pk}, by=request.user.pk, **facts)
        audit(AuditAction.ACCESS_CHANGED, None, f"{kind} {obj.pk}", by=request.user, verb=verb, changed=facts)


class _ActorAdmin(_LoggedAdmin):
    """An admin that sets `actor`, the signed-in user, on its form."""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> type[ModelForm]:
        """The form class for this request, with its `actor`."""
        form: Any = super().get_form(request, obj, change, **options)
        form.actor = request.user
        return form  # type: ignore[no-any-return]


@admin.register(User)
class UserRecordAdmin(UserAdmin, _ActorAdmin):  # type: ignore[misc] # the stubs know no mixins of two admins
    """Users. Only a superuser can change a user who has a permission that the editor lacks."""

    form = UserForm
    add_form = UserCreationForm
    change_password_form = UserPasswordForm
    change_user_password_template = "admin/auth/user/set_password.html"  # noqa: S105
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_staff", "last_login")
    actions_list = ("invite",)
    actions_detail = ("invite_again",)
    readonly_fields = ("last_login", "date_joined")

    @action(description="Invite user", url_path="invite", permissions=["invite"])
    def invite(self, request: HttpRequest) -> HttpResponse:
        """Open the page that invites a user."""
        return HttpResponseRedirect(reverse("invite"))

    @action(description="Invite again", url_path="invite-again", permissions=["invite"])
    def invite_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the page that invites a user again."""
        user = self.get_object(request, unquote(object_id))
        if user is None:
            raise Http404("There is no such user.")
        return HttpResponseRedirect(reverse("invite-again", args=[user.pk]))

    def has_invite_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whether the signed-in user may invite."""
        return request.user.has_perms(INVITING)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The actions of a user: another invitation while they have no password."""
        user = self.get_object(request, str(object_id))
        found: list[Any] = super().get_actions_detail(request, object_id)
        return found if user is not None and may_be_invited(user) else []

    def save_model(self, request: HttpRequest, obj: Any, form: ModelForm, change: bool) -> None:
        """Save. If the email address changed, tell the user at the old one."""
        former = form.initial.get("email") if change else None
        super().save_model(request, obj, form, change)
        if former and former != obj.email:
            values = {"from_email": former, "to_email": obj.email or "no address"}
            get_adapter(request).send_notification_mail("account/email/email_changed", obj, values, former)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save groups and permissions. A user whose access changed is signed out elsewhere, so that no session keeps the former one."""
        super().save_related(request, form, formsets, change)
        if change and not _ACCESS.isdisjoint(form.changed_data):
            end_sessions_of(form.instance, but=request.session.session_key)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse users with more access than the signed-in user."""
        return super().has_change_permission(request, obj) and (
            obj is None or may_manage_user(request.user, obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse users with more access than the signed-in user."""
        return super().has_delete_permission(request, obj) and (
            obj is None or may_manage_user(request.user, obj)
        )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Set a user's password; the row is locked while it is checked and saved."""
        with transaction.atomic():
            before = (
                User.objects.filter(pk=id).values_list("password", flat=True).first()
                if id.isdigit()
                else None
            )
            response: HttpResponse = super().user_change_password(request, id, form_url)
            user = User.objects.filter(pk=id).first() if before is not None else None
            if user is not None and user.password != before and user.pk != request.user.pk:
                get_adapter(request).send_notification_mail("account/email/password_changed", user)
        return response


@admin.register(Group)
class GroupRecordAdmin(GroupAdmin, _ActorAdmin):  # type: ignore[misc]
    """Groups. Built-in roles follow `crm.roles`, so they are shown and not changed."""

    form = GroupForm

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse built-in roles, and groups with a permission that the signed-in user lacks."""
        return super().has_change_permission(request, obj) and self._may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse built-in roles, and groups with a permission that the signed-in user lacks."""
        return super().has_delete_permission(request, obj) and self._may_manage(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The fields, with a note if the group is a built-in role."""
        description = _BUILT_IN if obj is not None and obj.name in ROLES else None
        return [(None, {"fields": ("name", "permissions"), "description": description})]

    def _may_manage(self, request: HttpRequest, group: Any) -> bool:
        return group is None or (group.name not in ROLES and may_manage_group(request.user, group))


class DeleteOnlyAdmin(_LoggedAdmin, ReadOnlyAdmin):
    """Rows that people can view and delete, but not add or change."""


@admin.register(Authenticator)
class AuthenticatorAdmin(DeleteOnlyAdmin):
    """Second steps of users. Deleting one lets a user who lost the device sign in. The secret is never shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = list_display

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse users with more access than the signed-in user."""
        return super().has_delete_permission(request, obj) and (
            obj is None or may_manage_user(request.user, obj.user)
        )


@admin.register(AccessAttempt)
class AccessAttemptAdmin(DeleteOnlyAdmin):
    """Failed sign-ins. Deleting one ends its block early."""

    list_display = ("username", "ip_address", "attempt_time", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = (*list_display, "user_agent", "path_info")
