"""Work out anew what the pages of the desk show and cannot work out while somebody waits."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from crm.desk.health.refresh import refresh_health
from crm.desk.home.movement import refresh_movements
from crm.desk.worklist.refresh import Refreshed, refresh_worklist
from customers.cli import INTERRUPTED, one_line, say


class Command(BaseCommand):
    """Thin: call, report."""

    help = (
        "Works out anew what the desk shows: how customers fare, who is on the worklist and why, and how revenue moved, month by month."
        " Have it run after `renew`, every hour or as often as the figures should be new. Only what changed is written."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Work it out, and say how much there is."""
        try:
            say(self.stdout, _health())
            say(self.stdout, _worklist())
            say(self.stdout, f"Revenue: {refresh_movements()} monthly figures.")
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. What was worked out before is kept. If a table is missing,"
                " `manage.py migrate` makes it."
            ) from None
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What was worked out before is kept.", returncode=INTERRUPTED
            ) from None


def _health() -> str:
    total = changed = 0
    with tqdm(desc="health", unit="customer", file=sys.stderr, leave=False, disable=None) as bar:
        for number, written in refresh_health():
            total, changed = total + number, changed + written
            bar.update(number)
    return f"Health: {changed} of {total} customers fare otherwise than before."


def _worklist() -> str:
    total = Refreshed()
    with tqdm(desc="worklist", unit="customer", file=sys.stderr, leave=False, disable=None) as bar:
        for step in refresh_worklist():
            total.add(step)
            bar.update(step.customers)
    accounts = f"{total.waiting} of {total.customers} customers need attention"
    return f"Worklist: {accounts}, {total.reasons} reasons were written."
