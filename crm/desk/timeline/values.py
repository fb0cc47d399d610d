"""What a column held, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import is_naive

from billing.models import Entity, Feature, Plan
from crm.desk.timeline.entry import name_of, short
from crm.models import Person
from customers.formats import free_form_text, moment, number
from customers.models import Customer

_NOTHING = "nothing"
_NAMED: tuple[type[models.Model], ...] = (Customer, Entity, Feature, Person, Plan)


class RowNames:
    """What the rows are called that columns refer to: one query for each kind of row that is referred to."""

    def __init__(self, references: Iterable[tuple[type[models.Model], Any]]) -> None:
        """`references` are models, each with the key of a row."""
        keys: dict[Any, set[Any]] = defaultdict(set)
        for model, key in references:
            if key is not None:
                keys[model].add(key_of(model, key))
        self._names: dict[tuple[Any, Any], str] = {}
        for model in (*_NAMED, get_user_model()):
            rows = model._default_manager.filter(pk__in=keys[model]) if keys[model] else ()
            for row in rows:
                told = name_of(row) if isinstance(row, get_user_model()) else short(str(row))
                self._names[model, row.pk] = told

    def name(self, model: type[models.Model], key: Any) -> str:
        """What the row is called; its key where nothing more is known of it, nothing for None."""
        if key is None:
            return ""
        known = key_of(model, key)
        return self._names.get((model, known), str(known))


def shown(field: Any, value: Any, names: RowNames) -> str:
    """A value of a column as the database's JSON has it, for a person."""
    if value is None or value == "" or value == [] or value == {}:
        return _NOTHING
    if isinstance(field, models.ForeignKey):
        return names.name(field.related_model, value)
    if isinstance(field, models.BooleanField):
        return "yes" if value in (True, 1, "1") else "no"
    if isinstance(field, models.DecimalField):
        return number(Decimal(str(value)))
    if isinstance(field, models.DateTimeField):
        at = parse_datetime(str(value))
        return str(value) if at is None else moment(at.replace(tzinfo=UTC) if is_naive(at) else at)
    if isinstance(field, models.DateField):
        day = parse_date(str(value))
        return str(value) if day is None else date_format(day, "DATE_FORMAT")
    if field.choices:
        return short(str(dict(field.flatchoices).get(value, value)))
    return short(value if isinstance(value, str) else free_form_text(value))


def key_of(model: type[models.Model], key: Any) -> Any:
    """The key as a row has it: the JSON has a UUID as text."""
    try:
        return model._meta.pk.to_python(UUID(key) if isinstance(key, str) else key)
    except ValueError:
        return key
