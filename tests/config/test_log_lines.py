"""Log records as single lines."""

import logging
import sys

from config.log_lines import OneLineFormatter


def line(message: str, *arguments: object, exc_info: bool = False) -> str:
    error = sys.exc_info() if exc_info else None
    record = logging.LogRecord("crm", logging.ERROR, "file.py", 1, message, arguments, error)
    return OneLineFormatter("%(levelname)s %(name)s %(message)s").format(record)


def test_control_characters_are_escaped() -> None:
    assert line("Not found: %s", "/a\n2026 INFO b\x1b[31m\u2028é") == (
        "ERROR crm Not found: /a\\n2026 INFO b\\x1b[31m\\u2028é"
    )


def test_a_traceback_stays_on_the_line() -> None:
    try:
        raise ValueError("wrong\nthing")
    except ValueError:
        text = line("It failed", exc_info=True)
    assert "\n" not in text
    assert text.startswith("ERROR crm It failed\\nTraceback (most recent call last):\\n")
    assert text.endswith("\\nValueError")


def test_messages_of_exceptions_are_left_out_with_those_of_their_causes() -> None:
    try:
        try:
            raise KeyError("ada@example.com")
        except KeyError as cause:
            raise ValueError("Key (email)=(ada@example.com) exists") from cause
    except ValueError:
        text = line("It failed", exc_info=True)
    assert "KeyError" in text
    assert text.endswith("\\nValueError")
    assert "ada@example.com" not in text.replace('KeyError("ada@example.com")', "").replace(
        'ValueError("Key (email)=(ada@example.com) exists")', ""
    )
