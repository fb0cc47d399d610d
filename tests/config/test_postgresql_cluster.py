"""The throwaway PostgreSQL cluster, and the summary of the two halves of the tests."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import run_tests
from django.conf import settings
from postgresql_cluster import programs

from tests.conftest import is_missing

SCRIPT = str(Path(settings.BASE_DIR) / "bin" / "postgresql_cluster.py")
SHOW = """
import os, sys, psycopg, urllib.parse
url = os.environ["DATABASE_URL"]
with psycopg.connect(url) as connection:
    print(url.split("host=")[1], connection.execute("SELECT pg_backend_pid()").fetchone()[0], flush=True)
    status, = connection.execute("SELECT setting FROM pg_settings WHERE name = 'listen_addresses'").fetchone()
    assert status == "", status
sys.stdin.read()
sys.exit(7)
"""


@pytest.fixture
def started() -> subprocess.Popen[str]:
    """A command on a cluster; it has connected, and goes on until its input ends."""
    if programs() is None:
        is_missing("postgresql", "PostgreSQL's server programs are not installed")
    return subprocess.Popen(
        [sys.executable, SCRIPT, sys.executable, "-c", SHOW],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def directory_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    directory = Path(process.stdout.readline().split()[0])
    assert (directory / ".s.PGSQL.5432").is_socket()
    return directory


def test_the_command_has_its_own_cluster_and_status(started: subprocess.Popen[str]) -> None:
    directory = directory_of(started)
    server = int((directory / "data" / "postmaster.pid").read_text().split()[0])
    _, errors = started.communicate()
    assert (started.returncode, errors) == (7, "")
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_being_stopped_leaves_nothing_running(started: subprocess.Popen[str], number: signal.Signals) -> None:
    directory = directory_of(started)
    server = int((directory / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(started.pid, number)
    assert started.wait(60) == 128 + number
    started.communicate()
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)


def test_a_missing_half_is_told_and_fails_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_tests, "programs", lambda: None)
    monkeypatch.setenv("CLIENTELE_REQUIRE", "")
    assert run_tests.run_postgresql_half([]) == (True, "PostgreSQL: skipped, because it is not installed")
    assert "NOT TESTED ON POSTGRESQL" in capsys.readouterr().out
    monkeypatch.setenv("CLIENTELE_REQUIRE", "chromium,postgresql")
    assert run_tests.run_postgresql_half([])[0] is False


def test_a_half_is_summed_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "def test_right(): pass\n"
        "def test_also_right(): pass\n"
        "def test_wrong(): assert False\n"
        "def test_left_out(): pytest.skip('no')\n"
        "def test_broken(no_such_fixture): pass\n"
    )
    plain = ["-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path)]
    monkeypatch.setattr(run_tests, "_PYTEST", [sys.executable, "-m", "pytest", *plain, str(tmp_path)])
    monkeypatch.setattr(run_tests, "_REPORTS", tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert run_tests.run_half("SQLite", None, []) == (False, "SQLite: 2 passed, 2 failed, 1 skipped")
    assert run_tests.run_half("SQLite", None, ["-k", "right"]) == (
        True,
        "SQLite: 2 passed, 0 failed",
    )
    assert run_tests.run_half("SQLite", None, ["--no-such-option"]) == (
        False,
        "SQLite: did not finish (exit status 4)",
    )
