"""The settings of one page: what each shows, and what a user entered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.settings_pages.words import in_words, source_name
from customers.configuration.kinds import (
    AscendingDays,
    Choice,
    Currency,
    Flag,
    Lines,
    Names,
    Number,
    Setting,
    Several,
    WrongValue,
)
from customers.configuration.values import given_value, is_given, is_locked
from customers.formats import user_name, when
from customers.models import StoredSetting
from customers.readings.currencies import CURRENCIES


@dataclass(slots=True, kw_only=True)
class Row:
    """A setting on its page. `text` is in the field, `current` what counts now; both as the kind writes them."""

    setting: Setting[Any]
    current: str
    text: str
    stored: StoredSetting | None
    error: str = ""

    @property
    def key(self) -> str:
        """The name of its field."""
        return self.setting.name.lower().replace("_", "-")

    @property
    def widget(self) -> str:
        """Which kind of field it has."""
        match self.setting:
            case Flag():
                return "flag"
            case Names(is_order=False) | Several():
                return "checks"
            case Lines():
                return "lines"
            case Choice() | Currency() | Names():
                return "choice"
            case _:
                return "text"

    @property
    def options(self) -> list[tuple[str, str, bool]]:
        """For each option its value, its label, and whether it is chosen."""
        chosen = self.text.split(",") if self.widget == "checks" else [self.text]
        return [(value, label, value in chosen) for value, label in _options(self.setting)]

    @property
    def unit(self) -> str:
        return getattr(self.setting, "unit", "")

    @property
    def is_numeric(self) -> bool:
        return isinstance(self.setting, Number)

    @property
    def is_locked(self) -> bool:
        return is_locked(self.setting)

    @property
    def is_on(self) -> bool:
        """Whether a flag's box is ticked."""
        return self.widget == "flag" and self.setting.read(self.text) is True

    @property
    def default(self) -> str:
        """What counts without a change here, in words."""
        value = in_words(self.setting, given_value(self.setting))
        return f"Set for this installation: {value}" if is_given(self.setting) else f"Default: {value}"

    @property
    def changed(self) -> SafeString | str:
        """`Changed by Max Mwangi 2 h ago`."""
        if self.stored is None:
            return ""
        by = _name_of(self.stored)
        who = format_html(' by <span dir="auto">{}</span>', by) if by else ""
        return format_html("Changed{} {}", who, when(self.stored.changed_at))

    @property
    def is_changed(self) -> bool:
        """Whether the user entered something else than what counts now."""
        return self.text != self.current

    @property
    def value(self) -> Any:
        """The value entered. Raises `WrongValue`."""
        return self.setting.read(self.text)


def read_rows(
    settings: Iterable[Setting[Any]], stored: Mapping[str, StoredSetting], data: QueryDict | None = None
) -> list[Row]:
    """The rows of a page; with `data`, as a user has filled them in, with errors.

    A value that someone else changed after the page was opened is an error at a field that the user changed too. At a
    field that the user left alone the new value is taken over. So no change is overwritten unseen.
    """
    return [_row(setting, stored.get(setting.name), data) for setting in settings]


def _row(setting: Setting[Any], stored: StoredSetting | None, data: QueryDict | None) -> Row:
    current = _current(setting, stored)
    row = Row(setting=setting, current=current, text=current, stored=stored)
    if data is None or row.is_locked:
        return row
    seen, entered = data.get(f"seen-{row.key}"), _entered(row, data)
    seen = seen if seen is None else _plain(seen)
    if seen is None or entered == seen:
        return row
    try:
        row.text = setting.write(setting.read(entered))
    except WrongValue:
        row.text, row.error = entered, f"Enter {setting.wanted}."
        return row
    if seen != current and row.is_changed:
        who = _name_of(stored) if stored else ""
        now = in_words(setting, setting.read(current))
        row.error = f"{who or 'Someone'} changed this after you opened the page. It is now “{now}”. Save again to overwrite it."
    return row


def _current(setting: Setting[Any], stored: StoredSetting | None) -> str:
    if stored is not None and not is_locked(setting):
        try:
            return setting.write(setting.read(stored.value))
        except WrongValue:
            pass
    return setting.write(given_value(setting))


def _entered(row: Row, data: QueryDict) -> str:
    if row.widget == "flag":
        return "1" if row.key in data else "0"
    if row.widget == "checks":
        return ",".join(data.getlist(row.key))
    text = _plain(data.get(row.key, ""))
    return text.replace(" ", "") if isinstance(row.setting, AscendingDays) else text


def _plain(text: str) -> str:
    """A text as it was before the browser sent it, which ends lines with both characters."""
    return text.strip().replace("\r\n", "\n")


def _name_of(stored: StoredSetting) -> str:
    return user_name(stored.changed_by)


def _options(setting: Setting[Any]) -> Sequence[tuple[str, str]]:
    match setting:
        case Choice(options=options) | Several(options=options):
            return list(options.items())
        case Currency(blank_means=blank):
            codes = [(code, code) for code in sorted(CURRENCIES)]
            return [("", blank), *codes] if blank else codes
        case Names(is_order=True, known=known):
            return [(",".join(order), in_words(setting, order)) for order in permutations(known)]
        case Names(known=known):
            return [(name, source_name(name)) for name in known]
        case _:
            return []
