"""Rows on another row's form.

- `RecordTabularInline`, `RecordStackedInline`: short and long rows that people add and change there.
- `ReadOnlyInline`: rows that people only view there.

Nothing can be deleted unless its inline says `deletable = True`.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from unfold.admin import StackedInline, TabularInline
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet

from customers.admin.base import FieldsMixin
from customers.admin.forms import RecordForm
from customers.formats import link_to
from customers.models import PinnedFields
from customers.pinned_fields import change_locks


class RecordFormSet(PaginationInlineFormSet):
    """Paginated rows on another row's form."""

    user: Any = None
    only_one = ""

    @cached_property
    def empty_form(self) -> Any:
        """The form of a new row. A page asks for it four times over, and building it takes a third of the page."""
        return super().empty_form

    def get_page_num(self) -> int:
        """The page number in the URL; the first page for anything but a number."""
        asked = self.request.GET.get(self.get_pagination_key(), "1")
        return int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 10 and int(asked) else 1

    def _existing_object(self, pk: Any) -> Any:
        # The row may have moved to another page since the form was opened.
        return super()._existing_object(pk) or self.queryset.filter(pk=pk).first()

    def clean(self) -> None:
        """Allow one row with the flag `only_one` in each account, and refuse rows that no longer exist."""
        super().clean()
        if any(form.instance._state.adding and form.has_changed() for form in self.initial_forms):
            raise ValidationError("Reload the form. A row on it no longer exists.")
        marked = [
            form
            for form in self.forms
            if getattr(form, "cleaned_data", {}).get(self.only_one) and not self._should_delete_form(form)
        ]
        accounts = [getattr(form.instance, "came_with_id", None) for form in marked]
        if len(set(accounts)) < len(accounts):
            label = self.model._meta.get_field(self.only_one).verbose_name
            raise ValidationError(f"Choose one {label}.")

    def save_new(self, form: ModelForm, commit: bool = True) -> Any:
        self.complete(form.instance)
        return super().save_new(form, commit)

    def save_existing(self, form: ModelForm, obj: Any, commit: bool = True) -> Any:
        """Save a changed row and lock the changed fields."""
        if isinstance(form.instance, PinnedFields):
            change_locks(form.instance, lock=form.changed_data)
        return super().save_existing(form, obj, commit)

    def complete(self, row: Model) -> None:
        """Fill in columns that are not on the form, such as the user."""


class _InlineMixin(FieldsMixin):
    form = RecordForm
    formset = RecordFormSet
    extra = 0
    tab = True
    per_page = 10
    show_change_link = True
    deletable = False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.deletable and super().has_delete_permission(request, obj)


class RecordTabularInline(_InlineMixin, TabularInline):
    """Short rows that people add and change on another row's form."""


class RecordStackedInline(_InlineMixin, StackedInline):
    """Long rows that people add and change on another row's form."""


class ReadOnlyInline(_InlineMixin, TabularInline):
    """Rows that people view on another row's form and change on their own page, which `page` links to."""

    hide_title = True

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        fields = super().get_fields(request, obj)
        return (*fields, "page") if self.show_change_link else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "page")

    @display(description=" ")
    def page(self, row: Model) -> SafeString | str:
        """A link to the row's page."""
        return link_to(row, "Open")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
