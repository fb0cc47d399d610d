"""Forms of users and groups: no grant beyond the editor's own access, no change of a colleague overwritten unseen."""

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
    """A form on which access is given. The admin sets `actor`: who fills it in."""

    actor: User

    def get_initial_for_field(self, field: forms.Field, field_name: str) -> Any:
        """Chosen rows as sorted keys: a database gives them in any order, and an order is no change."""
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
        """Refuse a superuser made by someone who is none: a disabled box is not sent by an honest page."""
        cleaned = super().clean()
        superuser = self.fields.get("is_superuser")
        if superuser is not None and superuser.disabled and self.data.get(self.add_prefix("is_superuser")):
            self.add_error("is_superuser", "Only a superuser can make someone a superuser.")
        return cleaned

    def _digests(self) -> dict[str, str]:
        # The password is shown, not edited, and its hash has no business in a page.
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
    """Which password the page was opened for. A page that is shown again is for the present one."""

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
        """Refuse a page that shows a password that is no longer the user's."""
        cleaned = super().clean()
        if self.cleaned_data.get("seen_password") != self.fields["seen_password"].initial:
            raise ValidationError(
                "The password of this user changed after you opened the page. Enter the new one again to replace it."
            )
        return cleaned
