"""Print who may do what."""

from __future__ import annotations

import textwrap
from typing import Any

from django.core.management.base import BaseCommand

from crm.roles import ROLES, role_table

_TASK_WIDTH = 48


class Command(BaseCommand):
    help = "Print the built-in roles and what each of them may do."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each task and a column for each role."""
        self.stdout.write(_row("", list(ROLES)))
        self.stdout.write(_row("-" * _TASK_WIDTH, ["-" * len(role) for role in ROLES]))
        for task, may in role_table():
            first, *others = textwrap.wrap(task, _TASK_WIDTH)
            self.stdout.write(_row(first, ["yes" if may[role] else "-" for role in ROLES]))
            for part in others:
                self.stdout.write(part)
        self.stdout.write(
            "\nClientele keeps these roles up to date. Groups that you make yourself are left alone."
        )


def _row(task: str, cells: list[str]) -> str:
    columns = (cell.ljust(len(role)) for cell, role in zip(cells, ROLES, strict=True))
    return "  ".join((task.ljust(_TASK_WIDTH), *columns)).rstrip()
