"""Rows on another row's form.

- `RecordTabularInline`, `RecordStackedInline`: short and long rows that people add and change there.
- `ReadOnlyInline`: rows that are looked at there.

Nothing can be deleted unless its inline says `deletable = True`.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms import ModelForm
from django.http import HttpRequest
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
    """Rows on another row's form, page by page."""

    user: Any = None
    only_one = ""

    def get_page_num(self) -> int:
        """The page that the address asks for; the first if that is no number."""
        asked = self.request.GET.get(self.get_pagination_key(), "1")
        return int(asked) if asked.isascii() and asked.isdigit() and 0 < len(asked) < 10 and int(asked) else 1

    def _existing_object(self, pk: Any) -> Any:
        # A row may have moved to another page since the form was opened.
        return super()._existing_object(pk) or self.queryset.filter(pk=pk).first()

    def clean(self) -> None:
        """At most one of the rows is the one that `only_one` marks, and every row that was there still is."""
        super().clean()
        if any(form.instance._state.adding and form.has_changed() for form in self.initial_forms):
            raise ValidationError("A row on this form is no longer there. Open the form again.")
        marked = [
            form
            for form in self.forms
            if getattr(form, "cleaned_data", {}).get(self.only_one) and not self._should_delete_form(form)
        ]
        if len(marked) > 1:
            label = self.model._meta.get_field(self.only_one).verbose_name
            raise ValidationError(f"Only one of them can be the {label}.")

    def save_new(self, form: ModelForm, commit: bool = True) -> Any:
        """Save a row that was added on the form."""
        self.complete(form.instance)
        return super().save_new(form, commit)

    def save_existing(self, form: ModelForm, obj: Any, commit: bool = True) -> Any:
        """Save a row that was there; imports leave alone what was entered."""
        if isinstance(form.instance, PinnedFields):
            change_locks(form.instance, lock=form.changed_data)
        return super().save_existing(form, obj, commit)

    def complete(self, row: Model) -> None:
        """Fill in what the person did not enter, such as who they are."""


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
    """Rows that are looked at on another row's form, and worked on at their own page: `page` is a link to it."""

    hide_title = True

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The declared ones and, if the row has a page, a link to it."""
        fields = super().get_fields(request, obj)
        return (*fields, "page") if self.show_change_link else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The link too."""
        return (*super().get_readonly_fields(request, obj), "page")

    @display(description=" ")
    def page(self, row: Model) -> SafeString | str:
        """A link to the row's page."""
        return link_to(row, "Open")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not here."""
        return False
