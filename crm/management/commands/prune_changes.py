"""Delete old changes of customers."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from crm.queue import PRUNE_CHANGES, record_run
from customers import clock
from customers.changes import delete_changes
from customers.configuration.table import CHANGES_KEPT_DAYS
from customers.configuration.values import value_of
from customers.formats import counted
from customers.logs import log_event


class Command(BaseCommand):
    """Deletes changes older than `CHANGES_KEPT_DAYS`, or all."""

    help = (
        "Delete changes older than CHANGES_KEPT_DAYS, which /api/v1/changes then no longer returns. Run it every"
        " night. A reader that is further behind gets status 410 and reads every document again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all",
            action="store_true",
            help="delete every change, so that every reader starts over: needed after a backup was restored",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        before = None if options["all"] else now - timedelta(days=value_of(CHANGES_KEPT_DAYS))
        deleted = delete_changes(before)
        log_event("changes_pruned", changes=deleted)
        result = f"Deleted {counted(deleted, 'change')}"
        self.stdout.write(f"{result}.")
        record_run(PRUNE_CHANGES, "prune_changes", stderr=self.stderr, started_at=now, result=result)
