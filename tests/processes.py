"""Work in other processes, on the database under test; they are forked, because starting Python anew takes seconds."""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable
from typing import Any

from django.db import connection

FORK = multiprocessing.get_context("fork")


def disconnect() -> None:
    """Leave no connection, nor a pool of them, for another process to inherit."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def in_a_process(work: Callable[[], Any]) -> Any:
    """The result of `work`, run in a process of its own: nothing that it patches or connects stays.

    It may fork processes itself; none of them has a pool of connections.
    """
    disconnect()
    results = FORK.SimpleQueue()

    def run() -> None:
        connection.settings_dict["OPTIONS"] = {**connection.settings_dict["OPTIONS"], "pool": False}
        results.put(work())

    process = FORK.Process(target=run)
    with warnings.catch_warnings():
        # Python 3.12 and later warn of threads that others hold: here pytest-xdist's, which no work needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        process.start()
    process.join()
    assert process.exitcode == 0
    return results.get()
