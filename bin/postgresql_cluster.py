"""Run a command on a throwaway PostgreSQL cluster, whose URL is in its DATABASE_URL.

    python bin/postgresql_cluster.py COMMAND [ARGUMENT ...]

The cluster lives in a temporary directory, listens only on a socket there, and is removed when the command ends,
however it ends. It trades safety for speed: nothing is flushed to disk.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

_USER = "clientele"
_UNPRIVILEGED = ("postgres", "nobody")
_START_SECONDS = 60
_STOP_SECONDS = 30
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
# Tests that start many processes run beside other tests.
_ROOM = ("max_connections=400",)


class ClusterError(Exception):
    """The cluster couldn't be created or started. The message holds PostgreSQL's output."""


def programs() -> Path | None:
    """The directory of PostgreSQL's server programs: the one on PATH, else Debian's newest; None if there is none."""
    on_path = shutil.which("initdb")
    directories = [Path(on_path).resolve().parent] if on_path else []
    installed = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    directories += sorted(installed, key=lambda directory: int(directory.parent.name), reverse=True)
    return next((directory for directory in directories if (directory / "postgres").is_file()), None)


@contextlib.contextmanager
def cluster(server_programs: Path) -> Iterator[str]:
    """A running cluster; yields the URL of an empty database. Raises `ClusterError`."""
    owner = _owner()
    with tempfile.TemporaryDirectory(prefix="clientele-") as directory:
        if owner:
            os.chown(directory, owner["user"], owner["group"])
        data = Path(directory) / "data"
        settings = ["--username", _USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"]
        initdb = [str(server_programs / "initdb"), "--pgdata", str(data), "--no-sync", *settings]
        _run(initdb, cwd=directory, **owner)
        with _server(server_programs, data, directory, owner):
            _run([str(server_programs / "createdb"), "--host", directory, "--username", _USER, _USER])
            yield f"postgresql://{_USER}@/{_USER}?host={directory}"


@contextlib.contextmanager
def _server(server_programs: Path, data: Path, directory: str, owner: dict[str, Any]) -> Iterator[None]:
    log = Path(directory) / "log"
    settings = [part for setting in (*_FAST, *_ROOM) for part in ("-c", setting)]
    with log.open("wb") as output:
        # In a session of its own, so that Ctrl-C doesn't stop it before the command that uses it.
        server = subprocess.Popen(
            [server_programs / "postgres", "-D", data, "-k", directory, "-h", "", *settings],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
            start_new_session=True,
            **owner,
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        ready = [str(server_programs / "pg_isready"), "--quiet", "--host", directory]
        while subprocess.run(ready, check=False).returncode != 0:
            if server.poll() is not None or time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)
            server.wait(_STOP_SECONDS)


def _owner() -> dict[str, Any]:
    """Arguments of `subprocess` for the server's user. Empty unless this runs as root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    for name in _UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise ClusterError(f"PostgreSQL does not run as root, and there is no user {' or '.join(_UNPRIVILEGED)}")


def _run(command: list[str], **options: Any) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise ClusterError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def run_on(command: list[str], url: str | None) -> int:
    """Run the command with this DATABASE_URL (None: without one), and return its exit status. The command ends with it."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    if url is not None:
        environment["DATABASE_URL"] = url
    with subprocess.Popen(command, env=environment) as process:
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


def stop_on_signals() -> None:
    """Make SIGTERM and SIGHUP end this process as Ctrl-C does, with everything cleaned up."""

    def stop(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)


def main(command: list[str]) -> int:
    """The exit status of the command, 130 after Ctrl-C. Exits with a message if PostgreSQL is missing or doesn't start."""
    server_programs = programs()
    if not command:
        sys.exit("Say which command to run: python bin/postgresql_cluster.py COMMAND [ARGUMENT ...]")
    if server_programs is None:
        sys.exit("PostgreSQL's server programs are not installed. On Debian: apt-get install postgresql")
    stop_on_signals()
    try:
        with cluster(server_programs) as url:
            return run_on(command, url)
    except ClusterError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
