"""What every page of the admin shares. Each model's admin is one of these classes.

- `RecordAdmin`: a row that people add and change; two people cannot overwrite each other in silence.
- `HistoryAdmin`: the same for a model that keeps a history.
- `ReadOnlyAdmin`: a row that only imports and the ledger write.

Rows on another row's form are in `customers.admin.inlines`.
Nothing can be deleted unless its admin says `deletable = True`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import flatten_fieldsets, unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Model, QuerySet
from django.forms import Field, ModelForm
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import strip_tags
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter, BooleanRadioFilter, ChoicesDropdownFilter
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from customers import limits
from customers.admin.contact_fields import ContactField, LinkField
from customers.admin.extreme_times import keep_extreme_times
from customers.admin.fields import FigureFormField, JsonField, LinkInput, RowSelect
from customers.admin.forms import RecordForm
from customers.formats import as_link, page_of_key, record_url, without_idle_zeros, without_midnight
from customers.typed_ids import TypedIdField, to_uuid

#: The filters of lists. None of them queries the rows for its choices.
Choices, YesNo, Row = ChoicesDropdownFilter, BooleanRadioFilter, AutocompleteSelectFilter

_LONGEST_SEARCH = 200
_LOOKUPS = {"exact", "isnull", "id__exact", "pk__exact", "from", "to"}


class FieldsMixin(BaseModelAdmin):
    """The form fields of rows, on their own page and inline.

    `link_fields` maps text columns that hold a link to its validator, `contact_fields` columns with an email address,
    a phone number or a domain to their form field. `json_shapes` maps JSON columns to their shape
    (see `JsonField`); other JSON columns may hold any JSON.
    """

    link_fields: dict[str, Callable[[str], None]] = {}
    contact_fields: dict[str, type[ContactField]] = {}
    json_shapes: dict[str, Any] = {}

    def __init__(self, model: type[Model], admin_site: Any) -> None:
        super().__init__(model, admin_site)  # type: ignore[call-arg]
        people = (field.name for field in self.model._meta.fields if field.related_model is get_user_model())
        figures = (field.name for field in self.model._meta.fields if isinstance(field, models.DecimalField))
        moments = (field.name for field in self.model._meta.fields if isinstance(field, models.DateTimeField))
        self.readonly_preprocess_fields = {
            **dict.fromkeys(moments, without_midnight),
            **dict.fromkeys(figures, without_idle_zeros),
            **dict.fromkeys(self.link_fields, as_link),
            # Few roles may view users, so a link to one would lead most people to a refusal.
            **dict.fromkeys(people, strip_tags),
        }

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **options: Any
    ) -> Field | None:
        """Give JSON, figures and links our own form fields, and limit the length of texts."""
        if isinstance(db_field, models.JSONField):
            options |= {"form_class": JsonField, "shape": self.json_shapes.get(db_field.name, Any)}
            options["widget"] = UnfoldAdminExpandableTextareaWidget({"class": "clientele-json"})
            options["when_empty"] = None if db_field.null else db_field.get_default
        elif isinstance(db_field, models.DecimalField):
            options["form_class"] = FigureFormField
        elif isinstance(db_field, models.TextField):
            options.setdefault("max_length", limits.NOTE)
        elif isinstance(db_field, models.CharField) and db_field.max_length is None:
            options.setdefault("max_length", limits.TEXTS.get(db_field.name, limits.LINE))
        if db_field.name in self.link_fields:
            options |= {"widget": LinkInput(), "form_class": LinkField}
        if db_field.name in self.contact_fields:
            options["form_class"] = self.contact_fields[db_field.name]
        field: Field | None = super().formfield_for_dbfield(db_field, request, **options)
        if field is not None and db_field.name in self.link_fields:
            field.validators = [*field.validators, self.link_fields[db_field.name]]
        return field

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **options: Any
    ) -> Any:
        """Rows are chosen with an autocomplete."""
        if "widget" not in options and db_field.name in self.get_autocomplete_fields(request):
            options["widget"] = RowSelect(db_field, self.admin_site, using=options.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **options)


class RecordChangeList(ChangeList):
    """A list that is sorted only by the columns in `sortable_by`, whatever the URL says."""

    def get_ordering_field(self, field_name: Any) -> Any:
        """The column to sort by; None for one that is not in `sortable_by`."""
        if self.sortable_by is not None and field_name not in self.sortable_by:
            return None
        return super().get_ordering_field(field_name)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """The columns to sort by, each once."""
        return list(dict.fromkeys(super().get_ordering(request, queryset)))

    def url_for_result(self, result: Model) -> str:
        """The URL that the first column of a row links to."""
        url: str = self.model_admin.url_of_row(result)
        return url

    def get_results(self, request: HttpRequest) -> None:
        """Read one page of rows, and let the admin load what its columns show."""
        super().get_results(request)
        rows = list(self.result_list)
        keep_extreme_times(rows)
        self.model_admin.complete_page(rows)


class RecordAdmin(FieldsMixin, ModelAdmin):
    """A row that people add and change.

    A search for a typed ID finds that row, or the rows of that customer; any other search looks in `search_fields`. A
    model without text columns has `search_fields = ("id",)`.
    """

    form = RecordForm
    change_form_before_template = "customers/seen_values.html"
    deletable = False
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_filter_submit = True
    warn_unsaved_form = True

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only if `deletable` allows it."""
        return self.deletable and super().has_delete_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A form for a new row leaves out read-only fields."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            return fieldsets
        return without_fields(set(self.get_readonly_fields(request, obj)), fieldsets)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row, locked while a form that changes it is handled."""
        if (
            request.method == "POST"
            and transaction.get_connection().in_atomic_block
            and self.is_id(object_id)
        ):
            list(self.model._default_manager.select_for_update().filter(pk=object_id).values_list("pk"))
        return super().get_object(request, object_id, from_field)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Take only foreign keys from the URL."""
        chosen = super().get_changeform_initial_data(request)
        return {name: chosen[name] for name in self.get_autocomplete_fields(request) if name in chosen}

    def url_of_row(self, row: Model) -> str:
        """The page that the list opens for a row."""
        return page_of_key(type(row), row.pk)

    def complete_page(self, rows: list[Any]) -> None:
        """Load what the columns show for all rows of a page at once."""

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return RecordChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only lookups of declared filters."""
        filters = self.get_list_filter(request) if request else self.list_filter
        for declared in filters:
            parameter = getattr(declared, "parameter_name", None)
            name = declared[0] if isinstance(declared, tuple | list) else declared
            if lookup in (parameter, name, *getattr(declared, "parameters", ())):
                return True
            is_of_field = isinstance(name, str) and lookup.startswith(f"{name}_")
            if is_of_field and lookup[len(name) :].lstrip("_") in _LOOKUPS:
                return True
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The rows with this typed ID, those of the customer with this typed ID, or those with these words."""
        term = search_term.strip()[:_LONGEST_SEARCH]
        by_id = self.find_by_id(queryset, term)
        if by_id is not None:
            return by_id, False
        if term and tuple(self.get_search_fields(request)) == ("id",):
            return queryset.none(), False
        by_words: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, term)
        return by_words

    def find_by_id(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """The rows that a typed ID means in this list; None if `term` isn't a typed ID."""
        for field in self.model._meta.fields:
            key = field.target_field if isinstance(field, models.ForeignKey) else field
            is_ours = field.primary_key or field.name in {"customer", "customer_id"}
            if is_ours and isinstance(key, TypedIdField):
                found = to_uuid(term.lower(), (key.prefix, *key.also))
                if found is not None:
                    return queryset.filter(**{field.name: found})
        return None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form. On an `IntegrityError` after a concurrent change, save nothing and show a message."""
        try:
            response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            self.message_user(
                request,
                "Couldn't save, because someone else just saved a conflicting change. Check the form and try again.",
                messages.ERROR,
            )
            return HttpResponseRedirect(request.get_full_path())
        return response

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Run an action; refuse malformed IDs."""
        if not all(map(self.is_id, request.POST.getlist(ACTION_CHECKBOX_NAME))):
            self.message_user(
                request, "Choose the rows again. One of them has an invalid ID.", messages.ERROR
            )
            return None
        response: HttpResponse | None = super().response_action(request, queryset)
        return response

    def response_post_save_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """After *Edit*, the page of the record that was edited; the list if the record has none, or was opened from one."""
        url = "" if self.get_preserved_filters(request) else record_url(obj)
        if url:
            return HttpResponseRedirect(url)
        response: HttpResponse = super().response_post_save_change(request, obj)
        return response

    def save_model(self, request: HttpRequest, obj: Model, form: ModelForm, change: bool) -> None:
        """Save if anything differs, so that the history holds only changes."""
        if form.has_changed() or not change:
            super().save_model(request, obj, form, change)
        self._show_warnings(request, form)

    def save_formset(self, request: HttpRequest, form: ModelForm, formset: Any, change: bool) -> None:
        """Save the rows of an inline; its formset completes new ones with the user."""
        formset.user = request.user
        super().save_formset(request, form, formset, change)
        for row in formset.forms:
            if row not in formset.deleted_forms:
                self._show_warnings(request, row)

    def _show_warnings(self, request: HttpRequest, form: Any) -> None:
        for warning in getattr(form, "warnings", ()):
            self.message_user(request, warning, messages.WARNING)

    def is_id(self, text: str) -> bool:
        """Whether `text` is a well-formed primary key of the model."""
        try:
            return self.model._meta.pk.to_python(text) is not None
        except ValidationError:
            return False


class HistoryAdmin(SimpleHistoryAdmin, RecordAdmin):
    """A row that people add and change, with its history. Former versions can be read, not restored."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.is_id(unquote(object_id)):
            response: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return response
        # Names link to users only for people who may view users.
        named = {} if request.user.has_perm("auth.view_user") else {"admin_user_view": ""}
        page: HttpResponse = super().history_view(request, object_id, {**named, **(extra_context or {})})
        return page

    def history_form_view(
        self,
        request: HttpRequest,
        object_id: str,
        version_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A former version, read-only."""
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        if not (
            self.is_id(object_id) and version_id.isascii() and version_id.isdigit() and len(version_id) < 19
        ):
            raise Http404
        request.reads_history = True  # type: ignore[attr-defined]
        response: HttpResponse = super().history_form_view(request, object_id, version_id, extra_context)
        return response

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Not for a former version."""
        return not getattr(request, "reads_history", False) and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Every field of a former version."""
        if getattr(request, "reads_history", False):
            return flatten_fieldsets(self.fieldsets or [(None, {"fields": self.fields or ()})])
        return super().get_readonly_fields(request, obj)

    def revert_disabled(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Always true, because other rows may depend on later changes."""
        return True


class ReadOnlyAdmin(RecordAdmin):
    """A row that only imports and the ledger write, and people only view."""

    warn_unsaved_form = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyHistoryAdmin(HistoryAdmin, ReadOnlyAdmin):
    """A row that only imports and the ledger write, with its history."""


def without_fields(names: set[str], fieldsets: Any) -> list[tuple[Any, dict[str, Any]]]:
    """`fieldsets` without the fields in `names`, and without fieldsets that become empty."""
    remaining = (
        (title, {**options, "fields": _without(names, options["fields"])}) for title, options in fieldsets
    )
    return [(title, options) for title, options in remaining if options["fields"]]


def _without(names: set[str], fields: Any) -> list[Any]:
    remaining = (_without(names, each) if isinstance(each, tuple | list) else each for each in fields)
    return [each for each in remaining if each and (isinstance(each, list) or each not in names)]
