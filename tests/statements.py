"""Notes which SQL statements of the product each test executes, for `bin/narrow.py`.

A plugin of pytest that `bin/run_tests.py` turns on, by setting STATEMENTS, for the half that runs every test.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, connection

_PRODUCT = tuple(f"{settings.BASE_DIR}/{name}/" for name in ("billing", "config", "crm", "customers"))
#: What differs between two executions of the same statement: savepoints, lists of values, literals.
_IGNORED = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")
_VALUES = re.compile(r"%s(?:, ?%s)+")
_ROWS = re.compile(r"(\(%s[^()]*\))(?:, ?\(%s[^()]*\))+")
_LITERALS = re.compile(r"'[^']*'|\b\d+\b")


class Recorder:
    """Writes a line for each test: its ID, how long it took, and its statements."""

    def __init__(self, file: Path) -> None:
        self._lines = file.open("w", encoding="utf-8")
        self._keys: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what one test executes in its thread."""
        self._keys = set()
        if self._execute not in connection.execute_wrappers:
            connection.execute_wrappers.append(self._execute)
        started = time.process_time()
        result = yield
        line = {
            "test": item.nodeid,
            "seconds": round(time.process_time() - started, 4),
            "statements": sorted(self._keys),
        }
        self._lines.write(f"{json.dumps(line)}\n")
        return result

    def pytest_unconfigure(self) -> None:
        """Close the file."""
        self._lines.close()

    def _execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if not isinstance(sql, str) or sql.startswith(_IGNORED):
            return execute(sql, params, many, context)
        key = _key(_shape(sql), _place())
        self._keys.add(key)
        try:
            return execute(sql, params, many, context)
        except DatabaseError:
            self._keys.add(f"{key} refused")
            raise


@cache
def _shape(sql: str) -> str:
    return _LITERALS.sub("?", _ROWS.sub(r"\1", _VALUES.sub("%s", sql)))


@cache
def _key(shape: str, place: str) -> str:
    return blake2b(f"{place} {shape}".encode(), digest_size=8).hexdigest()


def _place() -> str:
    """The function of the product that is executing the statement; empty if a test does so itself.

    Beside the statement, because the same one may be written differently for another database, such as with a lock.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_PRODUCT):
            return f"{code.co_filename}:{code.co_qualname}"
        frame = frame.f_back
    return ""


def pytest_configure(config: pytest.Config) -> None:
    """Record in this process, unless it only distributes tests to others."""
    directory = os.environ.get("STATEMENTS")
    if directory and (hasattr(config, "workerinput") or not config.getoption("numprocesses", None)):
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        config.pluginmanager.register(Recorder(Path(directory) / f"{worker}.jsonl"))
