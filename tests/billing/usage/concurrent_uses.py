"""Many processes that use one balance at the same moment, for the tests of that."""

from __future__ import annotations

import gc
import json
import os
from collections import Counter
from types import SimpleNamespace
from unittest.mock import patch

from django.db import DatabaseError, connection

from billing.models import Balance, Posting
from billing.usage import record as using
from billing.usage.deduct import UsageRefused, UsageRequest
from billing.usage.record import record_usage


def _unlocked(customer_ids: list[str], feature_ids: dict[str, object]) -> list[Balance]:
    return list(Balance.objects.filter(customer__pk__in=customer_ids, feature__pk__in=list(feature_ids)))


def _ask(use: UsageRequest, times: int) -> Counter[str]:
    came = Counter[str]()
    for _ in range(times):
        try:
            came["replayed" if record_usage(use).is_replay else "used"] += 1
        except UsageRefused:
            came["refused"] += 1
        except DatabaseError:
            came["caught"] += 1
    return came


def _without(guard: str) -> None:
    if guard in ("plain", "lock", "key"):
        patch.object(using, "_record_plainly", lambda *args: None).start()
    if guard == "lock":
        patch.object(using, "locked_balances", _unlocked).start()
    if guard == "key":
        nothing = SimpleNamespace(first=lambda: None)
        blind = SimpleNamespace(objects=SimpleNamespace(filter=lambda **_: nothing), Kind=Posting.Kind)
        patch.object(using, "Posting", blind).start()


def used_at_once(processes: int, times: int, use: UsageRequest, guard: str) -> dict[str, int]:
    """How often each thing came of it when so many processes recorded the usage at once, `times` each.

    `guard` names what is left out: nothing (`all`; the lock of the function in the database is the caller's to remove),
    that function (`plain`), the lock of the general way too (`lock`), or the look at earlier keys (`key`). Patches this
    process: it must be one of its own.
    """
    _without(guard)
    # What the processes share stays shared: collecting garbage would write to all of it.
    gc.freeze()
    hold_read, hold_write = os.pipe()
    told_read, told_write = os.pipe()
    for _ in range(processes):
        if os.fork() == 0:
            os.close(hold_write)
            try:
                connection.ensure_connection()
            finally:
                # Even one that cannot take part: nobody shall wait for it.
                os.write(told_write, b"\n")
            os.read(hold_read, 1)
            came = _ask(use, times)
            connection.close()
            os.write(told_write, json.dumps(came).encode() + b"\n")
            os._exit(0)
    os.close(told_write)
    with os.fdopen(told_read) as told:
        for _ in range(processes):
            told.readline()
        os.close(hold_write)
        total = Counter[str]()
        for line in told:
            total.update(json.loads(line))
    for _ in range(processes):
        os.wait()
    return dict(total)
