"""Form fields shared by pages and admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from unfold.widgets import UnfoldAdminTextInputWidget

from customers.formats import user_name

_MOST_TAGS = 10
_LONGEST_TAG = 50


def people_who_act() -> Any:
    """Users who may sign in here, so that they can be assigned tasks and accounts."""
    return get_user_model()._default_manager.filter(is_active=True, is_staff=True).order_by("username")


class PersonField(forms.ModelChoiceField):
    """A user, called by name."""

    def label_from_instance(self, obj: Any) -> str:
        """The name that pages call them by."""
        return user_name(obj)


class TagNamesField(forms.CharField):
    """Tag names separated by commas; the value is a sorted list without repetitions."""

    widget = UnfoldAdminTextInputWidget

    def clean(self, value: Any) -> Any:
        """Raises `ValidationError` for too many or too long names."""
        text = super().clean(value) or ""
        found = {" ".join(each.split()) for each in text.split(",")} - {""}
        if self.required and not found:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        if len(found) > _MOST_TAGS or any(len(each) > _LONGEST_TAG for each in found):
            raise forms.ValidationError(
                f"Enter at most {_MOST_TAGS} tags of at most {_LONGEST_TAG} characters."
            )
        return sorted({each.casefold(): each for each in sorted(found)}.values())
