"""The administration of users, groups and signing in."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

# E-mail addresses of users play no part, and the logs are off.
admin.site.unregister([User, Group, Authenticator, AccessAttempt, EmailAddress, AccessFailureLog, AccessLog])


@admin.register(User)
class StyledUserAdmin(UserAdmin, ModelAdmin):
    """Users: as Django has them, in the admin's look."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "first_name", "last_name", "is_active", "is_staff", "last_login")


@admin.register(Group)
class StyledGroupAdmin(GroupAdmin, ModelAdmin):
    """Groups: as Django has them, in the admin's look."""


class DeleteOnlyAdmin(ModelAdmin):
    """Rows that a person may look at and remove, but neither add nor change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody may."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody may."""
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(DeleteOnlyAdmin):
    """The second steps of users: deleting one lets a person in who lost the device. Never shows the secret."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = list_display


@admin.register(AccessAttempt)
class AccessAttemptAdmin(DeleteOnlyAdmin):
    """Failed sign-ins: deleting one ends a lock-out before its time."""

    list_display = ("username", "ip_address", "attempt_time", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = (*list_display, "user_agent", "path_info")
