"""Keep the figures of reports that aren't computed with the monthly revenue: what is due, usage, work done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from crm.desk.batches import everyone
from crm.models import ChangePosition, DeskRefresh
from crm.reports.receivables import refresh_receivables
from crm.reports.usage import refresh_usage
from crm.reports.work import refresh_work
from customers import clock
from customers.changes import Expired, Position, changes_after, present
from customers.models import Customer

_READER = _REFRESH = "reports"
_BATCH = 500


@dataclass(frozen=True, slots=True)
class RefreshedFigures:
    """How many rows of amounts due and of work there are, and of how many customers usage was computed."""

    due: int
    work: int
    usage: int


def refresh_figures(step: Callable[[int], None] = lambda done: None) -> RefreshedFigures:
    """Keep what is due, work done, and usage of the customers that changed; the first time, of all customers.

    `step` is called between two transactions, with how many customers are done.
    """
    begun = clock.now()
    due, work = refresh_receivables(), refresh_work()
    step(0)
    usage = _follow_usage(step)
    DeskRefresh.objects.update_or_create(
        # The beginning, because the next run reads what was recorded since.
        name=_REFRESH,
        defaults={"finished_at": begun, "customers": Customer.objects.current().count()},
    )
    return RefreshedFigures(due, work, usage)


def last_refresh() -> datetime | None:
    """When the figures were last computed."""
    return DeskRefresh.objects.filter(name=_REFRESH).values_list("finished_at", flat=True).first()


def _follow_usage(step: Callable[[int], None]) -> int:
    position, since, done = ChangePosition.objects.of(_READER), last_refresh(), 0
    if position is None or since is None:
        return _start_over(present(), step)
    while True:
        try:
            found = changes_after(position, _BATCH)
        except Expired as expired:
            return _start_over(expired.now, step)
        done += refresh_usage(sorted({change.customer_id for change in found.changes}), since)
        position = found.next
        ChangePosition.objects.keep(_READER, position)
        step(done)
        if not found.has_more:
            return done


def _start_over(position: Position, step: Callable[[int], None]) -> int:
    done = 0
    for piece in everyone(_BATCH):
        done += refresh_usage(piece, None)
        step(done)
    ChangePosition.objects.keep(_READER, position)
    return done
