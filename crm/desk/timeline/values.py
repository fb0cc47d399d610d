"""Values of columns, in words."""

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
from django.utils.timezone import is_naive

from billing.models import Entity, Feature, Plan
from crm.desk.timeline.entry import short
from crm.models import Person
from customers.formats import EMPTY, day, free_form_text, moment, number, user_name
from customers.models import Customer

_NAMED: tuple[type[models.Model], ...] = (Customer, Entity, Feature, Person, Plan)


class RowNames:
    """The names of the rows that foreign keys refer to: one query per model."""

    def __init__(self, references: Iterable[tuple[type[models.Model], Any]]) -> None:
        """`references` are (model, key) pairs."""
        keys: dict[Any, set[Any]] = defaultdict(set)
        for model, key in references:
            if key is not None:
                keys[model].add(key_of(model, key))
        self._names: dict[tuple[Any, Any], str] = {}
        for model in (*_NAMED, get_user_model()):
            rows = model._default_manager.filter(pk__in=keys[model]) if keys[model] else ()
            for row in rows:
                is_user = isinstance(row, get_user_model())
                self._names[model, row.pk] = user_name(row) if is_user else short(str(row))

    def name(self, model: type[models.Model], key: Any) -> str:
        """The name of the row; its key if the row is gone, empty for None."""
        if key is None:
            return ""
        known = key_of(model, key)
        return self._names.get((model, known), str(known))


def shown(field: Any, value: Any, names: RowNames) -> str:
    """A column's value, as the database's JSON has it, in words."""
    if value is None or value == "" or value == [] or value == {}:
        return EMPTY
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
        on = parse_date(str(value))
        return str(value) if on is None else day(on)
    if field.choices:
        return short(str(dict(field.flatchoices).get(value, value)))
    return short(value if isinstance(value, str) else free_form_text(value))


def key_of(model: type[models.Model], key: Any) -> Any:
    """The key as a row has it; in the JSON a UUID is text."""
    try:
        return model._meta.pk.to_python(UUID(key) if isinstance(key, str) else key)
    except ValueError:
        return key
