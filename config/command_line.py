"""Run the commands of Django and of the product, as `manage.py` does, and log a line for each run."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.core.management import execute_from_command_line, get_commands

from config.version import VERSION
from customers.audit.actor import Actor, acting
from customers.logs import log_now, take_counts

_APPS = {"customers", "billing", "crm", "config"}
#: Commands of other packages that an operator runs to change something.
_OTHERS = {"migrate", "createsuperuser", "changepassword", "axes_reset"}
_FAILED = 1
_INTERRUPTED = 130


def run_command_line(arguments: list[str]) -> None:
    """Run the command in `arguments`, which begin with the program's name."""
    if arguments[1:] == ["version"]:
        # Django would print its own version before it looks for a command of that name.
        sys.stdout.write(f"{VERSION}\n")
        return
    with _logged(arguments[1:]), acting(Actor(done_by=f"command {arguments[1]}" if arguments[1:] else "")):
        execute_from_command_line(arguments)


@contextmanager
def _logged(arguments: list[str]) -> Iterator[None]:
    started, status = time.monotonic(), 0
    take_counts()
    try:
        yield
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        raise
    except KeyboardInterrupt:
        status = _INTERRUPTED
        raise
    except BaseException:
        status = _FAILED
        raise
    finally:
        if _is_logged(arguments):
            seconds = round(time.monotonic() - started, 2)
            log_now("command", name=arguments[0], exit=status, seconds=seconds, **take_counts())


def _is_logged(arguments: list[str]) -> bool:
    """Whether to log this run: a command of ours or one in `_OTHERS`, not just its help, and the settings are valid."""
    if not apps.ready or not arguments or not {"-h", "--help"}.isdisjoint(arguments):
        return False
    return arguments[0] in _OTHERS or get_commands().get(arguments[0]) in _APPS
