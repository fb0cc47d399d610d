"""Filters of lists that Django and Unfold do not have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timezone import make_aware
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.utils import parse_date_str

from customers.models.customer import CustomerQuerySet

_YEARS = range(1900, 9999)


class DaysFilter(RangeDateFilter):
    """From one day to another, both included, in the current time zone."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of these days; invalid days are ignored."""
        for side, lookup, moment in (("from", "gte", time.min), ("to", "lte", time.max)):
            day = parse_date_str(self.used_parameters.get(f"{self.field_path}_{side}", ""))
            if day is not None and day.year in _YEARS:
                queryset = queryset.filter(**{f"{self.field_path}__{lookup}": self._bound(day, moment)})
        return queryset

    def _bound(self, day: date, moment: time) -> date | datetime:
        if isinstance(self.field, models.DateTimeField):
            return make_aware(datetime.combine(day, moment))
        return day


class OneOfFilter(DropdownFilter):
    """One of several choices: `options` maps a value to its label and a function that filters the rows."""

    options: dict[str, tuple[str, Callable[[Any], QuerySet[Any]]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, words) for value, (words, _) in self.options.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice; none for an unknown value."""
        value = self.value()
        if not value:
            return queryset
        return self.options[value][1](queryset) if value in self.options else queryset.none()


class MineFilter(DropdownFilter):
    """The rows of the current user, or without a user; `parameter_name` is the foreign key to users."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", "Me"), ("nobody", "No one")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the choice; none for an unknown value."""
        owners: dict[str | None, dict[str, Any]] = {
            None: {},
            "": {},
            "me": {self.parameter_name: request.user},
            "nobody": {self.parameter_name: None},
        }
        value = self.value()
        return queryset.filter(**owners[value]) if value in owners else queryset.none()


class CustomerStatusFilter(DropdownFilter):
    """Filter customers by status. Without a choice, a list shows current customers, and a search finds all."""

    title = "status"
    parameter_name = "standing"
    all_option = ["", "Current"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("archived", "Archived"), ("merged", "Merged"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: CustomerQuerySet) -> CustomerQuerySet:
        """The customers with the chosen status."""
        match self.value():
            case "archived":
                return queryset.unmerged().exclude(archived_at=None)
            case "merged":
                return queryset.exclude(merged_into=None)
            case None | "" if not request.GET.get("q"):
                return queryset.current()
        return queryset
