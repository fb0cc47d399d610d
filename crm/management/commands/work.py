"""Run the jobs behind the pages."""

from __future__ import annotations

import signal
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from crm.jobs.kinds import KINDS
from crm.jobs.worker import WorkerProcess
from customers.cli import INTERRUPTED, one_line, say


class Command(BaseCommand):
    help = (
        "Run the jobs behind the pages: renewals, refreshes, exports, mail, and all others of the page Jobs, on"
        " schedule and on request, until the process is stopped (SIGTERM or Ctrl-C). A job that runs then stops at its"
        " next step, and the next worker continues it. Any number of workers can run at a time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="run the jobs that are due now, then exit, for cron"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run jobs until a signal arrives."""
        try:
            _check_migrated()
            self._run(is_once=options["once"])
        except DatabaseProblem as problem:
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(f"The database failed: {reason}.") from None

    def _run(self, *, is_once: bool) -> None:
        process = WorkerProcess(KINDS)
        self._signals = 0

        def stop(number: int, frame: Any) -> None:
            self._signals += 1
            if self._signals > 1:
                raise SystemExit(INTERRUPTED)
            process.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        if is_once:
            process.run_until_idle()
        else:
            say(self.stdout, "Running jobs. Press Ctrl-C to stop.")
            process.run()


def _check_migrated() -> None:
    """Refuse a database whose tables are not those of this version: every job would fail."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database isn't up to date. Run `manage.py migrate`, then start this again.")
