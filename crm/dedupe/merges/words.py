"""Values of merged customers in words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model

from crm.dedupe.merges.fields import FIELDS, Field, is_empty
from crm.dedupe.merges.plan import MergePlan
from crm.dedupe.merges.unmerge import Conflict
from customers.formats import free_form_text, number
from customers.models import Customer
from customers.row_snapshots import from_json


def in_words(field: Field, value: Any) -> str:
    """The value in words. Empty if there is none."""
    if is_empty(value):
        return ""
    column = next(each for each in field.model._meta.concrete_fields if each.attname == field.column)
    if column.related_model is get_user_model():
        return str(get_user_model()._default_manager.filter(pk=value).first() or value)
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal | int):
        return number(Decimal(value))
    return free_form_text(value) if isinstance(value, dict | list) else str(value)


def called(customer: Customer) -> str:
    """The customer's name and key."""
    return f"{customer} ({customer.pk})"


def lines_of(plan: MergePlan) -> list[str]:
    """The plan as indented lines: values, lists, money."""
    lists = [
        f"  {each.label}: {' + '.join(map(str, each.counts.values()))} → {each.after}" for each in plan.lists
    ]
    return [*values_in_lines(plan), *lists, *(f"  {note}" for note in plan.money)]


def values_in_lines(plan: MergePlan) -> list[str]:
    """The values that the customers differ in, as indented lines; without those that only the survivor has."""
    names = {str(customer.pk): str(customer) for customer in plan.customers}
    lines = []
    for each in plan.differing:
        is_kept = each.winner == str(plan.survivor.pk)
        if is_kept and all(is_empty(value) for key, value in each.values.items() if key != each.winner):
            continue
        lost = " / ".join(
            in_words(each.field, value) or "-" for key, value in each.values.items() if key != each.winner
        )
        winner = names[each.winner]
        lines.append(f"  {each.label}: {in_words(each.field, each.value) or '-'} (of {winner}), not {lost}")
    return lines


def conflict_in_words(conflict: Conflict) -> str:
    """The present value, the merge's, and the one before."""

    def shown(value: Any) -> str:
        field = FIELDS.get(conflict.name)
        if field is not None:
            value = from_json(field.model, field.column, value)
            return in_words(field, value) or "-"
        return "-" if is_empty(value) else str(value)

    return (
        f"  {conflict.name}: now {shown(conflict.now)}, {shown(conflict.after)} after the merge,"
        f" {shown(conflict.before)} before it"
    )
