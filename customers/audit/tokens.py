"""Record the use of API tokens: one entry per token and hour, so that reading writes next to nothing."""

from __future__ import annotations

from django.db import DatabaseError

from customers import clock
from customers.audit.record import audit
from customers.logs import log_failure
from customers.models import AuditAction

#: The hour in which this process last recorded a token. Other processes are kept apart by the key.
_recorded: dict[str, str] = {}


def token_used(token_id: str) -> None:
    """Record that a token was used in this hour. A database that can't be written to doesn't stop the reader."""
    hour = clock.now().strftime("%Y-%m-%dT%H")
    if _recorded.get(token_id) == hour:
        return
    try:
        audit(
            AuditAction.TOKEN_USED,
            subject=token_id,
            done_by=f"token {token_id}",
            key=f"{token_id} {hour}",
        )
    except DatabaseError as problem:
        log_failure("token_use_not_recorded", problem)
    else:
        _recorded[token_id] = hour
