"""Format each log record as one line."""

import logging
import re
import traceback
from types import TracebackType

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class OneLineFormatter(logging.Formatter):
    """Writes each record on one line, traceback included, with control characters escaped.

    So text from a visitor can't start a new line or send control codes to a terminal. A traceback has the type of the
    exception and the places in the code, but not its message, because databases quote values of rows in messages.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        # Another formatter may have cached a traceback with messages on the record.
        record.exc_text = None
        return _CONTROL.sub(lambda match: repr(match[0])[1:-1], super().format(record))

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - logging's own name
        """The traceback without messages, starting with the first cause."""
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
