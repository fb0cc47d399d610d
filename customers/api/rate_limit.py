"""How many requests a token may make in a minute, counted across all server processes.

The count is on the token's row. So that a read writes next to nothing, a process takes a twentieth of the limit at a
time from the row and spends it without another write. Together the processes never let more requests through than
the limit; a process that leaves its part unspent makes it a little less. The same write keeps when the token was used last.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db import DatabaseError, transaction

from customers import clock
from customers.logs import log_failure
from customers.models import ApiToken

WINDOW = timedelta(minutes=1)
_PARTS = 20
#: Stands for "no limit" in a share.
_PLENTY = 10**9


@dataclass(slots=True)
class _Share:
    """The requests that this process may still let through until `ends_at`. `is_last`: the row has no more to give."""

    left: int
    ends_at: datetime
    is_last: bool = False


_shares: dict[str, _Share] = {}
_lock = threading.Lock()


def seconds_to_wait(token_id: str) -> int:
    """Count a request with the token: 0 if it may go on, else the seconds until the next one may."""
    now = clock.now()
    while True:
        with _lock:
            share = _shares.get(token_id)
            if share is not None and share.ends_at > now:
                if share.left > 0:
                    share.left -= 1
                    return 0
                if share.is_last:
                    return max(1, ceil((share.ends_at - now).total_seconds()))
        taken = _take(token_id, now)
        with _lock:
            _shares[token_id] = taken


def _take(token_id: str, now: datetime) -> _Share:
    limit: int = settings.API_REQUESTS_PER_MINUTE
    part = max(1, limit // _PARTS)
    try:
        with transaction.atomic():
            row = ApiToken.objects.select_for_update().only("window_began_at", "window_requests")
            token = row.get(pk=token_id)
            began = token.window_began_at
            if began is None or not began <= now < began + WINDOW:
                began, taken = now, 0
            else:
                taken = token.window_requests
            left = min(part, max(0, limit - taken)) if limit else _PLENTY
            ApiToken.objects.filter(pk=token_id).update(
                window_began_at=began,
                window_requests=taken + left if limit else 0,
                last_used_at=now,
            )
    except DatabaseError as problem:
        # A database that can't be written to must not stop readers.
        log_failure("token_use_not_recorded", problem)
        return _Share(part, now + WINDOW)
    return _Share(left, began + WINDOW, is_last=bool(limit) and taken + left >= limit)
