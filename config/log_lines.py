"""How a log record becomes one line."""

import logging
import re
import traceback
from types import TracebackType

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class OneLineFormatter(logging.Formatter):
    """Writes each record, its traceback too, on one line, with control characters escaped.

    So what a visitor sends can neither begin a line nor color a terminal. Of an exception the line has the type and
    the places, not the message: a database quotes in it what a row holds.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        # Another formatter may have left a traceback with messages.
        record.exc_text = None
        return _CONTROL.sub(lambda match: repr(match[0])[1:-1], super().format(record))

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - logging's own name
        """The traceback without messages, the first cause first."""
        return "\n".join(_parts(ei[1], set()))


def _parts(problem: BaseException | None, seen: set[int]) -> list[str]:
    if problem is None or id(problem) in seen:
        return []
    seen.add(id(problem))
    before = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    places = "".join(traceback.format_tb(problem.__traceback__)).rstrip()
    kind = type(problem)
    return [
        *_parts(before, seen),
        "Traceback (most recent call last):",
        places,
        f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
    ]
