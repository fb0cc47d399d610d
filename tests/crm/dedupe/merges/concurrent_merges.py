"""Processes that merge and use at the same moment, for the tests of that.

A work is `merge:SURVIVOR:OTHER`, `use:CUSTOMER:FEATURE:TIMES`, or `health:CUSTOMER:OTHER` and
`worklist:CUSTOMER:OTHER`, a refresh that waits between reading and writing until one of them is merged; each runs in a
process of its own, and all of a round begin at once.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from django.db import DatabaseError, connection

from billing.models import Feature
from billing.usage import record as using
from billing.usage.deduct import UsageRefused, UsageRequest
from billing.usage.record import record_usage
from crm.dedupe.merges import merge as merge_module
from crm.dedupe.merges.merge import CannotMerge, merge
from crm.desk.health import refresh as health_refresh
from crm.desk.worklist import refresh as worklist_refresh
from customers.models import Customer


def _unlocked(customer_ids: list[str]) -> dict[str, Customer]:
    return {str(customer.pk): customer for customer in Customer.objects.filter(pk__in=customer_ids)}


#: How long a refresh waits for a merge that its locks hold up, in seconds.
_PATIENCE = 1.5


def _not_locked(customer_ids: list[str]) -> list[str]:
    current = Customer.objects.current().filter(pk__in=customer_ids).order_by("pk")
    return [str(key) for key in current.values_list("pk", flat=True)]


def _until_merged(read: Callable[..., Any], customer_ids: list[str]) -> Callable[..., Any]:
    def wait(*args: Any) -> Any:
        result = read(*args)
        result = result if isinstance(result, dict) else list(result)
        end = time.monotonic() + _PATIENCE
        merged = Customer.objects.filter(pk__in=customer_ids).exclude(merged_into=None)
        while time.monotonic() < end and not merged.exists():
            time.sleep(0.02)
        return result

    return wait


def _refresh(kind: str, customer_ids: list[str]) -> str:
    module: Any = health_refresh if kind == "health" else worklist_refresh
    reads = "health_of" if kind == "health" else "reasons_of"
    with patch.object(module, reads, _until_merged(getattr(module, reads), customer_ids)):
        if kind == "health":
            health_refresh.score_customers(customer_ids)
        else:
            worklist_refresh.refresh_customers(customer_ids)
    return "refreshed"


def _without(guard: str) -> None:
    if guard == "lock":
        patch.object(merge_module, "lock", _unlocked).start()
    if guard == "look":
        patch.object(using, "survivor_of", lambda key: key).start()
    if guard == "refresh":
        patch.object(health_refresh, "lock_current", _not_locked).start()
        patch.object(worklist_refresh, "lock_current", _not_locked).start()


def _work(work: str) -> str:
    kind, *details = work.split(":")
    try:
        if kind == "merge":
            survivor, other = details
            merge(survivor, [other])
            return "merged"
        if kind in {"health", "worklist"}:
            return _refresh(kind, details)
        customer, feature_id, times = details
        feature = Feature.objects.get(feature_id=feature_id)
        done = 0
        for _ in range(int(times)):
            with suppress(UsageRefused):
                record_usage(
                    UsageRequest(customer_id=customer, feature=feature, amount=Decimal(1), done_by="test")
                )
                done += 1
        return str(done)
    except CannotMerge as problem:
        return "refused" if problem.__cause__ is None else type(problem.__cause__).__name__
    except DatabaseError as problem:
        return type(problem).__name__


def raced(guard: str, rounds: list[list[str]]) -> list[list[str]]:
    """What came of each work of each round, in order. Patches this process: it must be one of its own.

    `guard` names what is left out: nothing (`all`), the locks of merging (`lock`), the look whether a customer was
    merged while a use waited (`look`), or the locks of refreshing (`refresh`).
    """
    _without(guard)
    # What the processes share stays shared: collecting garbage would write to all of it.
    gc.freeze()
    return [_race(works) for works in rounds]


def _race(works: list[str]) -> list[str]:
    """Fork, let all begin at once, and answer what came of each."""
    hold_read, hold_write = os.pipe()
    pipes = []
    for work in works:
        told_read, told_write = os.pipe()
        if os.fork() == 0:
            os.close(hold_write)
            connection.ensure_connection()
            os.write(told_write, b"\n")
            os.read(hold_read, 1)
            outcome = _work(work)
            connection.close()
            os.write(told_write, outcome.encode())
            os._exit(0)
        os.close(told_write)
        pipes.append(os.fdopen(told_read))
    for told in pipes:
        told.readline()
    os.close(hold_write)
    came = []
    for told in pipes:
        with told:
            came.append(told.read())
    for _ in works:
        os.wait()
    os.close(hold_read)
    return came
