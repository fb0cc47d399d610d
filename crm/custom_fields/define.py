"""Define, change and remove custom fields. The facts of all customers follow in the background."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from crm.models import FieldDefinition, FieldValue
from customers.bulk import delete_rows, pieces
from customers.readings.folding import folded
from customers.signals import renamed

_LABEL_LENGTH, _KEY_LENGTH, _NAME_LENGTH = 60, 255, 40
_MOST_OPTIONS, _OPTION_LENGTH = 100, 100
#: Filters of ranges and states end so, after the name of their field.
_ENDINGS = ("_from", "_to", "_is")
#: More fields would be more columns and filters than a page can offer.
_MOST = 100


class BadDefinition(ValueError):
    """A custom field can't be defined so; `column` says where, the message what to enter."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


@transaction.atomic
def define_field(
    *, label: str, kind: str, origin: str, key: str, options: Sequence[str], by: Any
) -> FieldDefinition:
    """Define a custom field; its name is made of its label. Raises `BadDefinition`."""
    if FieldDefinition.objects.count() >= _MOST:
        raise BadDefinition("label", f"Remove a custom field first. There can be {_MOST}.")
    label = _label(label, None)
    if origin not in FieldDefinition.Origin.values:
        raise BadDefinition("origin", "Choose where the values come from.")
    is_ours = origin == FieldDefinition.Origin.OURS
    key = "" if is_ours else _without_nul("key", key).strip()
    if not is_ours and not 0 < len(key) <= _KEY_LENGTH:
        raise BadDefinition("key", f"Enter the key of the values, at most {_KEY_LENGTH} characters.")
    taken = FieldDefinition.objects.filter(origin=origin, key=key).first()
    if taken is not None and not is_ours:
        raise BadDefinition("key", f"Choose another key. The field {taken} has this one.")
    field: Any = FieldDefinition(
        name=_name(label), label=label, type=_kind(kind), origin=origin, key=key, options=[]
    )
    field.options = _options(field.type, options)
    _save(field, by)
    renamed.send(FieldDefinition)
    return field  # type: ignore[no-any-return]


@transaction.atomic
def change_field(field_id: Any, *, label: str, kind: str, options: Sequence[str], by: Any) -> FieldDefinition:
    """Change the label, type and options of a field. Values that no longer fit stay, as received. Raises `BadDefinition`."""
    field: Any = FieldDefinition.objects.select_for_update().get(pk=field_id)
    field.label = _label(label, field)
    field.type = _kind(kind)
    field.options = _options(field.type, options)
    _save(field, by)
    renamed.send(FieldDefinition)
    return field  # type: ignore[no-any-return]


@transaction.atomic
def remove_field(field_id: Any, *, by: Any) -> str:
    """Remove a field with the values that users entered, and return its label. What sources sent stays."""
    field: Any = FieldDefinition.objects.select_for_update().get(pk=field_id)
    label = str(field)
    for piece in pieces(list(field.values.values_list("pk", flat=True))):
        delete_rows(list(FieldValue.objects.filter(pk__in=piece)), "Removed the field", by=by)
    field._history_user = by
    field.delete()
    return label


def _save(field: Any, by: Any) -> None:
    field._history_user = by
    try:
        with transaction.atomic():
            field.save()
    except IntegrityError:
        raise BadDefinition(
            "label", "Someone added a field with this name or key. Look at the list."
        ) from None


def _label(label: str, field: FieldDefinition | None) -> str:
    label = " ".join(_without_nul("label", label).split())
    if not 0 < len(label) <= _LABEL_LENGTH:
        raise BadDefinition("label", f"Enter a name of at most {_LABEL_LENGTH} characters.")
    others = FieldDefinition.objects.filter(label__iexact=label)
    if (others if field is None else others.exclude(pk=field.pk)).exists():
        raise BadDefinition("label", "Choose another name. Another custom field has this one.")
    return label


def _without_nul(column: str, text: str) -> str:
    """The text, without the character that PostgreSQL can't store."""
    if "\0" in text:
        raise BadDefinition(column, "Remove the control character.")
    return text


def _kind(kind: str) -> str:
    if kind not in FieldDefinition.Type.values:
        raise BadDefinition("type", "Choose a type.")
    return kind


def _options(kind: str, options: Sequence[str]) -> list[str]:
    """The options, each once, in any letter case."""
    if kind != FieldDefinition.Type.CHOICE:
        return []
    given = [" ".join(_without_nul("options", each).split()) for each in options]
    found = list({each.lower(): each for each in reversed(given) if each}.values())[::-1]
    if not found or len(found) > _MOST_OPTIONS or any(len(each) > _OPTION_LENGTH for each in found):
        raise BadDefinition(
            "options",
            f"Enter 1 to {_MOST_OPTIONS} options, one on each line, of at most {_OPTION_LENGTH} characters.",
        )
    return found


def _name(label: str) -> str:
    """A name for URLs and JSON that no other field has."""
    plain = re.sub(r"[^a-z0-9]+", "_", folded(label)).strip("_")
    plain = plain if plain[:1].isalpha() else f"field_{plain}".strip("_")
    plain = plain[: _NAME_LENGTH - 10].strip("_")
    if plain.endswith(_ENDINGS):
        plain = f"{plain}_field"
    taken = set(FieldDefinition.objects.filter(name__startswith=plain).values_list("name", flat=True))
    return next(
        name
        for name in (plain, *(f"{plain}_{number}" for number in range(2, _MOST + 2)))
        if name not in taken
    )
