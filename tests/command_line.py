"""manage.py in a forked process, on an SQLite database of its own.

What is forked is Python with the product loaded, because starting both takes seconds. All else is real: the process,
its signals and exit status, standard input and output.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryFile
from typing import IO

import pytest
from django.conf import settings
from django.db import connection
from django.utils.log import configure_logging
from pytest_django.plugin import DjangoDbBlocker

import manage

Done = CompletedProcess[bytes]

_FAILED = 1
#: What Python ends with when standard output can't take the rest.
_UNWRITTEN = 120


@pytest.fixture
def own_database(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    migrated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Path]:
    """An empty SQLite database for `run_command`; its directory is the working directory."""
    monkeypatch.chdir(tmp_path)
    with django_db_blocker.unblock():
        yield Path(shutil.copy(migrated, tmp_path / "db.sqlite3"))


def run_command(
    *arguments: str,
    database: Path,
    stdin: bytes | IO[bytes] = b"",
    stdout: int | None = None,
    stderr: int | None = None,
) -> Done:
    """Run `manage.py ARGUMENTS`. What it writes is in the result, unless it goes to another file descriptor."""
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        if isinstance(stdin, bytes):
            given.write(stdin)
            given.seek(0)
            stdin = given
        streams = (stdin.fileno(), stdout or out.fileno(), stderr or err.fileno())
        status = _status(_start(arguments, database, streams))
        return CompletedProcess(arguments, status, _content(out), _content(err))


def interrupt_command(*arguments: str, database: Path, stdin: bytes) -> Done:
    """Run `manage.py ARGUMENTS`, and press Ctrl-C when it has read almost all of `stdin` and waits for more of it."""
    reader, writer = os.pipe()
    with TemporaryFile() as out, TemporaryFile() as err:
        process = _start(arguments, database, (reader, out.fileno(), err.fileno()), unused=writer)
        os.close(reader)
        with os.fdopen(writer, "wb") as pipe:
            # Returns when the pipe has taken all this: the command is in the middle of it.
            pipe.write(stdin)
            pipe.flush()
            os.kill(process, signal.SIGINT)
            status = _status(process)
        return CompletedProcess(arguments, status, _content(out), _content(err))


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _status(process: int) -> int:
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def _start(
    arguments: tuple[str, ...], database: Path, streams: tuple[int, int, int], unused: int | None = None
) -> int:
    """The number of a new process that runs the command. It does not keep the descriptor `unused` open."""
    connection.close()
    with warnings.catch_warnings():
        # Python 3.12 and later warn of threads that others hold: here pytest-xdist's, which no command needs.
        warnings.simplefilter("ignore", DeprecationWarning)
        process = os.fork()
    if process:
        return process
    status = _FAILED
    try:
        if unused is not None:
            os.close(unused)
        _become(database, streams)
        status = _status_when_flushed(_main(arguments))
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        os._exit(status)


def _become(database: Path, streams: tuple[int, int, int]) -> None:
    """Make this process one that was started with these standard streams."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    connection.settings_dict["NAME"] = str(database)


def _main(arguments: tuple[str, ...]) -> int:
    """Run the command, and return the exit status as Python would work it out."""
    sys.argv = ["manage.py", *arguments]
    try:
        manage.main()
    except SystemExit as stop:
        if isinstance(stop.code, str):
            sys.stderr.write(f"{stop.code}\n")
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def _status_when_flushed(status: int) -> int:
    """Python writes what is left when it ends, and says so if that fails."""
    try:
        sys.stdout.flush()
    except OSError:
        traceback.print_exc()
        return _UNWRITTEN
    return status
