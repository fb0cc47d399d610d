"""Log events, one line each: `event=import_batch source=crm created=12 refused=1`.

A line holds IDs, counts and words of the code, never a name, an address or a text that a person wrote. So a string is
written only if it looks like an ID or such a word; anything else becomes `?`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import partial

from django.db import transaction

_logger = logging.getLogger("clientele")

_WORD = re.compile(r"[A-Za-z0-9_.:/+-]{1,100}")

#: The counts of the running command.
_counts: dict[str, int] = {}

Fact = str | int | float | bool | None


def log_event(event: str, **facts: Fact) -> None:
    """Log an event when the transaction is committed. Facts that are None are left out."""
    transaction.on_commit(partial(log_now, event, **facts))


def log_now(event: str, **facts: Fact) -> None:
    """Log an event immediately, even if the transaction is rolled back later or there is no database."""
    _logger.info(_line(event, facts))


def log_failure(event: str, problem: BaseException, **facts: Fact) -> None:
    """Log a caught exception with its traceback, immediately.

    Its message may quote what rows hold, so the formatter of `config.log_lines` leaves it out.
    """
    facts["error"] = type(problem).__name__
    _logger.error(_line(event, facts), exc_info=problem)


def log_batch(event: str, counts: Mapping[str, int], **facts: Fact) -> None:
    """Log the counts of a batch when it is committed, and add them to the running command's line."""
    log_event(event, **facts, **counts)
    transaction.on_commit(partial(add_counts, **counts))


def add_counts(**counts: int) -> None:
    """Add to the counts in the running command's line."""
    for name, number in counts.items():
        _counts[name] = _counts.get(name, 0) + number


def take_counts() -> dict[str, int]:
    """The counts since the last call."""
    taken = dict(_counts)
    _counts.clear()
    return taken


def _line(event: str, facts: Mapping[str, Fact]) -> str:
    pairs = (f"{name}={_value(fact)}" for name, fact in facts.items() if fact is not None)
    return " ".join((f"event={_value(event)}", *pairs))


def _value(fact: Fact) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    if isinstance(fact, int | float):
        return f"{fact:g}" if isinstance(fact, float) else str(fact)
    return fact if fact and _WORD.fullmatch(fact) else "?"
