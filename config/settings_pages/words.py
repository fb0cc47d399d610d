"""How the value of a setting looks to a person."""

from __future__ import annotations

from typing import Any

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
)
from customers.formats import counted, listed, number
from customers.models import Source

#: What stands for a value that is empty.
NONE = "None"


def in_words(setting: Setting[Any], value: Any) -> str:
    """`45 days`, `80%`, `On`, `Payments, billing and CRM`, `7, 14 and 30 days past due`."""
    match setting:
        case Number(unit="%"):
            return f"{number(value)}%"
        case Number(unit=unit) if unit:
            return counted(value, unit.removesuffix("s"))
        case Flag():
            return "On" if value else "Off"
        case Choice(options=options):
            return options[value]
        case Several(options=options):
            return listed([options[name] for name in value]) or NONE
        case Names(is_order=True):
            return ", then ".join(map(source_name, value))
        case Names():
            return listed([source_name(name) for name in value]) or NONE
        case Currency(blank_means=blank) if not value:
            return blank
        case AscendingDays():
            return f"{listed(list(map(str, value)))} days past due" if value else NONE
        case Lines():
            return ", ".join(value) or NONE
        case _:
            return setting.write(value) or NONE


def source_name(name: str) -> str:
    """The name of a source, for people."""
    return dict(Source.choices).get(name, name)
