"""Compute what the desk's pages show and cannot compute while a user waits."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseProblem
from tqdm import tqdm

from crm.desk.batches import failure_report
from crm.desk.home.movement import refresh_movements
from crm.desk.refresh import DeskRefreshed, refresh_all
from crm.jobs.refresh import REFRESH
from crm.queue import record_run
from crm.reports.refresh import refresh_figures
from customers import clock
from customers.cli import INTERRUPTED, one_line, say
from customers.formats import counted, number
from customers.logs import add_counts, log_failure


class Command(BaseCommand):
    help = (
        "Fire usage alerts, take the next steps of dunning, and refresh the health scores, the worklist, the facts of"
        " customers, the monthly revenue and the figures of reports. Run it after `renew`,"
        " every hour or as often as the figures must be current. Only changes are written. A customer that fails is"
        " logged and skipped, and the exit status is 1."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Refresh everything and report the counts."""
        begun = clock.now()
        try:
            desk = _desk()
            say(
                self.stdout,
                f"Alerts: {number(desk.alerts)} fired. Dunning: {counted(desk.reminders, 'reminder')} due.",
            )
            say(
                self.stdout,
                f"Health: {counted(desk.scores, 'score')} changed of {counted(desk.customers, 'customer')}.",
            )
            say(
                self.stdout,
                f"Worklist: {number(desk.waiting)} of {counted(desk.customers, 'customer')} need attention,"
                f" {counted(desk.reasons, 'reason')} changed.",
            )
            say(self.stdout, f"Facts: {counted(desk.facts, 'customer')} changed.")
            revenue = refresh_movements()
            say(self.stdout, f"Revenue: {counted(revenue, 'monthly figure')}.")
            reports = refresh_figures()
            say(
                self.stdout,
                f"Reports: {counted(reports.due, 'amount')} due, usage of {counted(reports.usage, 'customer')}.",
            )
        except DatabaseProblem as problem:
            log_failure("refresh_stopped", problem)
            reason = one_line(str(problem).strip().partition("\n")[0])
            raise CommandError(
                f"The database failed: {reason}. What was refreshed before stays. If a table is missing, run"
                " `manage.py migrate`."
            ) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped. What was refreshed before stays.", returncode=INTERRUPTED) from None
        failed = sorted(desk.failed)
        record_run(
            REFRESH,
            "refresh_desk",
            stderr=self.stderr,
            started_at=begun,
            result=f"{counted(desk.customers, 'customer')} refreshed",
            problems=len(failed),
        )
        add_counts(
            alerts=desk.alerts,
            dunning_steps=desk.reminders,
            customers=desk.customers,
            scores=desk.scores,
            reasons=desk.reasons,
            facts=desk.facts,
            revenue_figures=revenue,
            failed=len(failed),
        )
        if failed:
            raise CommandError(failure_report("refresh", failed))


def _desk() -> DeskRefreshed:
    total = DeskRefreshed()
    with tqdm(desc="customers", unit="customer", file=sys.stderr, leave=False, disable=None) as bar:
        for step in refresh_all():
            total.add(step)
            bar.update(step.customers)
    return total
