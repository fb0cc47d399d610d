"""The vocabulary of segments as filters of the list of customers: what the address says is what is saved."""

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

from crm.desk.segments.crm_filters import STANDING
from crm.desk.segments.filter import Asker, BadValue, Criterion, Parameter
from crm.desk.segments.query import CRITERIA
from customers import clock


class CriterionForm(forms.Form):
    """The fields of one criterion, with what the address says of it."""

    def __init__(self, criterion: Criterion, texts: dict[str, list[str]], problem: str) -> None:
        initial = {
            each.name: texts.get(each.name, []) if each.takes_several else (texts.get(each.name) or [""])[-1]
            for each in criterion.parameters
        }
        super().__init__(initial=initial, auto_id="filter_%s")
        for each in criterion.parameters:
            self.fields[each.name] = _field(each, texts.get(each.name, []))
        if problem:
            next(iter(self.fields.values())).help_text = problem

    class Media:
        js = (*UnfoldAdminSelect2Widget.Media.js, "crm/filters.js")
        css = UnfoldAdminSelect2Widget.Media.css


class CriterionFilter(ListFilter):
    """A criterion as a filter of the list."""

    template = "unfold/filters/filters_field.html"
    form_class = CriterionForm
    criterion: ClassVar[Criterion]
    #: The parameters of an address that are its own.
    parameters: ClassVar[tuple[str, ...]]

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.title = self.criterion.label
        super().__init__(request, params, model, model_admin)
        self.may = request.user.has_perm(self.criterion.permission)
        self.problem = ""
        for name in self.parameters:
            if name in params:
                values = params.pop(name)
                texts = [text.strip() for text in (values if isinstance(values, list) else [values])]
                self.used_parameters[name] = [text for text in texts if text]

    def has_output(self) -> bool:
        """Only for those who may see what it is about."""
        return self.may

    def expected_parameters(self) -> list[str | None]:
        """Its own."""
        return list(self.parameters)

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        """The fields."""
        texts: Any = self.used_parameters
        yield {"form": CriterionForm(self.criterion, texts, self.problem)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The customers that it is about; none for a value that cannot be, and nothing is told that one may not see."""
        texts: Any = {name: values for name, values in self.used_parameters.items() if values}
        if self.criterion is STANDING and not texts:
            return queryset if request.GET.get("q") else queryset.filter(_current())
        if not texts:
            return queryset
        if not self.may:
            return queryset.none()
        try:
            values = self.criterion.read(texts)
            self.criterion.words(values)
            return queryset.filter(self.criterion.condition(values, Asker(request.user, clock.now())))
        except BadValue as problem:
            self.problem = str(problem)
            return queryset.none()


def _current() -> Any:
    return STANDING.condition({}, Asker(None, clock.now()))


def _filter(criterion: Criterion) -> type[CriterionFilter]:
    return type(
        f"{criterion.name.title()}Filter",
        (CriterionFilter,),
        {"criterion": criterion, "parameters": criterion.names, "__doc__": criterion.label},
    )


#: One for each criterion, in the order of the vocabulary.
CRITERION_FILTERS = tuple(map(_filter, CRITERIA))


def _field(parameter: Parameter, given: list[str]) -> forms.Field:
    if parameter.choices is None:
        return forms.CharField(label=parameter.label, required=False, widget=UnfoldAdminTextInputWidget())
    choices = list(parameter.choices())
    known = {value for value, _ in choices}
    # What is not there any more is shown, so that one can take it out.
    choices += [(value, value) for value in given if value not in known]
    if parameter.takes_several:
        several = UnfoldAdminSelect2MultipleWidget(choices=choices)
        return forms.MultipleChoiceField(
            label=parameter.label, required=False, choices=choices, widget=several
        )
    empty = "Current" if parameter.name == STANDING.name else "Any"
    choices = [("", empty), *choices]
    return forms.ChoiceField(
        label=parameter.label, required=False, choices=choices, widget=UnfoldAdminSelect2Widget()
    )
