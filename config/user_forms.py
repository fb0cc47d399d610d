"""Forms of users and groups.

Editors can grant only access that they have, and can't overwrite a colleague's change without seeing it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac
from unfold.forms import AdminPasswordChangeForm, UserChangeForm

from config.access import grantable_groups, grantable_permissions
from customers.admin.forms import RecordForm
from customers.formats import listed

_SHOWN = 10


class AccessForm(RecordForm):
    """A form that grants access. `actor` is the user who fills it in; the admin sets it."""

    actor: User

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """The chosen rows as sorted keys, because a database returns them in any order, and order is not a change."""
        initial = super().get_initial_for_field(field, field_name)
        if isinstance(field, forms.ModelMultipleChoiceField) and initial:
            return sorted(getattr(row, "pk", row) for row in initial)
        return initial

    def _restrict(self, name: str, queryset: Any, help_text: str) -> None:
        field = self.fields.get(name)
        if isinstance(field, forms.ModelMultipleChoiceField) and not self.actor.is_superuser:
            field.queryset = queryset
            field.help_text = help_text

    def _conflict(self, name: str) -> str:
        if not isinstance(self.fields[name], forms.ModelMultipleChoiceField):
            return super()._conflict(name)
        rows = [str(row) for row in getattr(self.instance, name).all()[: _SHOWN + 1]]
        more = ["more"] if len(rows) > _SHOWN else []
        now = f"it is now {listed(rows[:_SHOWN] + more)}" if rows else "it is empty now"
        return f"This changed after you opened the form: {now}. Save again to overwrite it."


class UserForm(AccessForm, UserChangeForm):
    """A user: name, state and access."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._restrict(
            "groups",
            grantable_groups(self.actor),
            "You can choose groups whose permissions you have yourself.",
        )
        self._restrict(
            "user_permissions",
            grantable_permissions(self.actor).select_related("content_type"),
            "You can choose permissions that you have yourself.",
        )
        superuser = self.fields.get("is_superuser")
        if superuser is not None and not self.actor.is_superuser:
            superuser.disabled = True
            superuser.help_text = "Only a superuser can change this."

    def clean(self) -> dict[str, Any] | None:
        """Refuse superuser status from an editor who isn't a superuser.

        The page disables the box, so only a forged or outdated request sends it.
        """
        cleaned = super().clean()
        superuser = self.fields.get("is_superuser")
        if superuser is not None and superuser.disabled and self.data.get(self.add_prefix("is_superuser")):
            self.add_error("is_superuser", "Only a superuser can make someone a superuser.")
        return cleaned

    def _digests(self) -> dict[str, str]:
        # The password is not edited here, and nothing derived from its hash belongs on a page.
        return {name: digest for name, digest in super()._digests().items() if name != "password"}


class GroupForm(AccessForm):
    """A group and its permissions."""

    class Meta:
        model = Group
        fields = ("name", "permissions")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._restrict(
            "permissions",
            grantable_permissions(self.actor).select_related("content_type"),
            "You can choose permissions that you have yourself.",
        )


class _SeenPassword(forms.CharField):
    """Identifies the password that the user had when the page was opened. A page shown again has the current one."""

    widget = forms.HiddenInput

    def bound_data(self, data: Any, initial: Any) -> Any:
        return initial


class UserPasswordForm(AdminPasswordChangeForm):
    """Set a user's password, unless it was changed or disabled after the page was opened."""

    seen_password = _SeenPassword(required=False)

    def __init__(self, user: User, *args: Any, **options: Any) -> None:
        super().__init__(user, *args, **options)
        self.fields["seen_password"].initial = salted_hmac("config.user_forms", user.password).hexdigest()[
            :16
        ]

    def clean(self) -> Any:
        """Refuse if the user's password changed after the page was opened."""
        cleaned = super().clean()
        if self.cleaned_data.get("seen_password") != self.fields["seen_password"].initial:
            raise ValidationError(
                "The password of this user changed after you opened the page. Enter the new one again to replace it."
            )
        return cleaned
