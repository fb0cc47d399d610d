"""Print the settings and where each value comes from."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from customers.cli import say
from customers.configuration.kinds import Setting
from customers.configuration.table import BY_NAME, TABLE
from customers.configuration.values import is_given, is_locked, value_of
from customers.models import StoredSetting


class Command(BaseCommand):
    help = (
        "Print every setting with its value and where that comes from: a page, the environment, the environment that"
        " locks it, or the default. Passwords and keys are never printed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("text", "json"), default="text", help="default: text")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line for each setting, or a list of objects."""
        rows = [*_of_the_product(), *_of_the_environment()]
        if options["format"] == "json":
            say(self.stdout, json.dumps(rows, ensure_ascii=False, indent=2))
            return
        width = max(len(row["name"]) for row in rows)
        for row in rows:
            value = row["value"].replace("\n", "; ")
            say(self.stdout, f"{row['name']:{width}}  {row['source']:11}  {value}".rstrip())


def _of_the_product() -> Iterator[dict[str, str]]:
    stored = set(StoredSetting.objects.values_list("name", flat=True))
    for setting in TABLE:
        value = setting.write(value_of(setting))
        yield {"name": setting.name, "value": value, "source": _source(setting, stored)}


def _of_the_environment() -> Iterator[dict[str, str]]:
    """Those that only the environment can set."""
    former = {setting.former_name for setting in TABLE}
    for name, value in settings.GIVEN_TEXTS.items():
        if name not in BY_NAME and name not in former:
            yield {"name": name, "value": value, "source": "environment" if value else "default"}


def _source(setting: Setting[Any], stored: set[str]) -> str:
    if is_locked(setting):
        return "locked"
    if setting.name in stored:
        return "page"
    return "environment" if is_given(setting) else "default"
