"""How a log record becomes one line."""

import logging
import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class OneLineFormatter(logging.Formatter):
    """Writes each record, its traceback too, on one line; control characters are escaped.

    So what a visitor sends can neither begin a line nor colour a terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        return _CONTROL.sub(lambda match: repr(match[0])[1:-1], super().format(record))
