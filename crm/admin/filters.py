"""The filters of segments in the customer list: a segment saves the parameters of its URL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django import forms
from django.contrib.admin import ListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminTextInputWidget,
)

from crm.desk.segments.crm_filters import RECORDS
from crm.desk.segments.filter import BadValue, FilterContext, FilterParameter, SegmentFilter
from crm.desk.segments.query import FILTERS
from customers import clock


class SegmentFilterForm(forms.Form):
    """The fields of one filter, with the values in the URL."""

    def __init__(self, segment_filter: SegmentFilter, texts: dict[str, list[str]], problem: str) -> None:
        initial = {
            each.name: texts.get(each.name, []) if each.takes_several else (texts.get(each.name) or [""])[-1]
            for each in segment_filter.parameters
        }
        super().__init__(initial=initial, auto_id="filter_%s")
        for each in segment_filter.parameters:
            self.fields[each.name] = _field(each, texts.get(each.name, []))
        if problem:
            next(iter(self.fields.values())).help_text = problem

    class Media:
        js = (*UnfoldAdminSelect2Widget.Media.js, "crm/filters.js")
        css = UnfoldAdminSelect2Widget.Media.css


class SegmentListFilter(ListFilter):
    """A segment filter in the customer list."""

    template = "unfold/filters/filters_field.html"
    form_class = SegmentFilterForm
    segment_filter: ClassVar[SegmentFilter]
    #: Its parameters in the URL.
    parameters: ClassVar[tuple[str, ...]]

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.title = self.segment_filter.label
        super().__init__(request, params, model, model_admin)
        self.may = request.user.has_perm(self.segment_filter.permission)
        self.problem = ""
        for name in self.parameters:
            if name in params:
                values = params.pop(name)
                texts = [text.strip() for text in (values if isinstance(values, list) else [values])]
                self.used_parameters[name] = [text for text in texts if text]

    def has_output(self) -> bool:
        """Only users with its permission see it."""
        return self.may

    def expected_parameters(self) -> list[str | None]:
        """The names of its parameters."""
        return list(self.parameters)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """Its form, where Unfold expects the choices."""
        texts: Any = self.used_parameters
        yield {"form": SegmentFilterForm(self.segment_filter, texts, self.problem)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The customers that match; none for an invalid value, or for a user without the permission."""
        texts: Any = {name: values for name, values in self.used_parameters.items() if values}
        if self.segment_filter is RECORDS and not texts:
            return queryset if request.GET.get("q") else queryset.filter(_current())
        if not texts:
            return queryset
        if not self.may:
            return queryset.none()
        try:
            values = self.segment_filter.read(texts)
            self.segment_filter.words(values)
            return queryset.filter(
                self.segment_filter.condition(values, FilterContext(request.user, clock.now()))
            )
        except BadValue as problem:
            self.problem = str(problem)
            return queryset.none()


def _current() -> Any:
    return RECORDS.condition({}, FilterContext(None, clock.now()))


def _filter(segment_filter: SegmentFilter) -> type[SegmentListFilter]:
    return type(
        f"{segment_filter.name.title()}Filter",
        (SegmentListFilter,),
        {
            "segment_filter": segment_filter,
            "parameters": segment_filter.names,
            "__doc__": segment_filter.label,
        },
    )


#: One for each segment filter, in the same order.
SEGMENT_FILTERS = tuple(map(_filter, FILTERS))


def _field(parameter: FilterParameter, given: list[str]) -> forms.Field:
    if parameter.choices is None:
        return forms.CharField(label=parameter.label, required=False, widget=UnfoldAdminTextInputWidget())
    choices = list(parameter.choices())
    known = {value for value, _ in choices}
    # Show a value that no longer exists, so that users can remove it.
    choices += [(value, value) for value in given if value not in known]
    if parameter.takes_several:
        several = UnfoldAdminSelect2MultipleWidget(choices=choices)
        return forms.MultipleChoiceField(
            label=parameter.label, required=False, choices=choices, widget=several
        )
    empty = "Current" if parameter.name == RECORDS.name else "Any"
    choices = [("", empty), *choices]
    return forms.ChoiceField(
        label=parameter.label, required=False, choices=choices, widget=UnfoldAdminSelect2Widget()
    )
