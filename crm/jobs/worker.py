"""A process that runs jobs: one thread for each lane, and one that keeps the schedule and says that the process is there."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections, connection

from crm.jobs.engine import Kinds, add_due, add_schedules, forget_gone, run_next, take_up
from crm.jobs.kind import Lane
from crm.models import Worker
from customers import clock
from customers.logs import log_failure, log_now

#: Seconds between two looks for work.
_PAUSE = 1.0
#: Looks between two signs of life.
_LOOKS_PER_SIGN = 5


class WorkerProcess:
    """Runs jobs of `kinds` until `stop` is called."""

    def __init__(self, kinds: Kinds, pause: float = _PAUSE) -> None:
        self._kinds = kinds
        self._pause = pause
        self._stopping = threading.Event()
        self._worker = Worker(host=socket.gethostname()[:255], process=os.getpid())

    def run(self) -> None:
        """Run jobs. Returns after `stop`, when the jobs that were running have stopped or ended."""
        self._worker.save(force_insert=True)
        log_now("worker_started", worker=str(self._worker.pk))
        loops = [threading.Thread(target=self._repeat, args=(self._keep_time(),), name="schedule")]
        loops += [
            threading.Thread(target=self._repeat, args=(self._lane(lane),), name=lane.value) for lane in Lane
        ]
        for loop in loops:
            loop.start()
        for loop in loops:
            loop.join()
        self._worker.delete()
        log_now("worker_stopped")

    def run_until_idle(self) -> None:
        """Run what is due now, and what that asks for, in this thread. Then return."""
        self._worker.save(force_insert=True)
        try:
            add_schedules(self._kinds, clock.now())
            is_busy = True
            while is_busy and not self._stopping.is_set():
                now = clock.now()
                take_up(self._kinds, now)
                forget_gone(now)
                add_due(self._kinds, now)
                is_busy = any(
                    run_next(self._worker, self._kinds, lane, self._stopping.is_set) for lane in Lane
                )
        finally:
            self._worker.delete()

    def stop(self) -> None:
        """Let the process end: jobs stop at their next step and are continued by the next worker."""
        self._stopping.set()

    def _repeat(self, look: Callable[[], bool]) -> None:
        """Look for work again and again; without a pause after a look that found some."""
        try:
            while not self._stopping.is_set():
                close_old_connections()
                try:
                    found = look()
                # A database that restarts, or is locked for long, must not end the process.
                except DatabaseError as problem:
                    log_failure("worker_waits_for_database", problem, thread=threading.current_thread().name)
                    connection.close()
                    found = False
                if not found:
                    self._stopping.wait(self._pause)
        finally:
            connection.close()

    def _lane(self, lane: Lane) -> Callable[[], bool]:
        return lambda: run_next(self._worker, self._kinds, lane, self._stopping.is_set)

    def _keep_time(self) -> Callable[[], bool]:
        looks = 0

        def look() -> bool:
            nonlocal looks
            now = clock.now()
            if looks == 0:
                add_schedules(self._kinds, now)
            if looks % _LOOKS_PER_SIGN == 0:
                self._say_alive()
                take_up(self._kinds, now)
                forget_gone(now)
            add_due(self._kinds, now)
            looks += 1
            return False

        return look

    def _say_alive(self) -> None:
        self._worker.seen_at = clock.now()
        # Saved whole: another worker may have taken this one for dead, while it was suspended.
        self._worker.save()
