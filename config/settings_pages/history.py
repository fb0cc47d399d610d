"""What was changed on the page of a group, by whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from config.settings_pages.words import in_words
from customers.configuration.kinds import Setting, WrongValue
from customers.configuration.table import BY_NAME
from customers.formats import user_name, when
from customers.models import StoredSetting

_SHOWN = 10
_RESET = "-"
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Change:
    """A change in words, and when it was."""

    words: str
    when: SafeString | str


def history_of(settings: Iterable[Setting[Any]]) -> list[Change]:
    """The last changes of these settings, latest first. One query."""
    rows = StoredSetting.history.filter(name__in=[setting.name for setting in settings])
    found = rows.select_related("history_user").order_by("-history_date", "-history_id")
    return [_change(row) for row in found[:_SHOWN]]


def _change(row: Any) -> Change:
    who = user_name(row.history_user) or "Clientele"
    setting = BY_NAME[row.name]
    if row.history_type == _RESET:
        return Change(f"{who} reset {setting.label}", when(row.history_date))
    try:
        value = in_words(setting, setting.read(row.value))
    except WrongValue:
        value = row.value
    return Change(f"{who} changed {setting.label} to {value[:_LONGEST]}", when(row.history_date))
