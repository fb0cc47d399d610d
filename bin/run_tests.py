"""Run the tests twice, on SQLite and on a throwaway PostgreSQL cluster, and sum up both at the end.

    python bin/run_tests.py [ARGUMENT OF PYTEST ...]

Without arguments PostgreSQL runs only as many as execute each SQL statement of the product; `make soak` runs them all.
Without PostgreSQL's server programs the second half is skipped, loudly; that is a failure if CLIENTELE_REQUIRE
lists `postgresql`, as it does in CI.
"""

import json
import os
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from narrow import left_out, read
from postgresql_cluster import ClusterError, cluster, programs, run_on, stop_on_signals

_REPORTS = Path(__file__).resolve().parent.parent / ".cache"
_PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "--numprocesses",
    "auto",
    "--maxprocesses",
    "4",
    "--dist",
    "loadgroup",
]
#: Where the SQLite half records the statements of each test, and the file that names the tests to leave out after it.
_STATEMENTS = _REPORTS / "statements"
_LEFT_OUT = _REPORTS / "left-out.json"
_NO_TESTS = 5
_SKIPPED = """
**************************************************************************************************
* NOT TESTED ON POSTGRESQL: its server programs (initdb, postgres) are neither on PATH nor in    *
* /usr/lib/postgresql/*/bin. On Debian and Ubuntu: apt-get install postgresql                    *
**************************************************************************************************
"""


def run_half(name: str, url: str | None, arguments: list[str]) -> tuple[bool, str]:
    """Run pytest on one database. Return whether it passed, and the line that sums it up."""
    report = _REPORTS / f"tests-{name.lower()}.xml"
    report.unlink(missing_ok=True)
    print(f"\n== {name} ==", flush=True)
    status = run_on([*_PYTEST, f"--junitxml={report}", *arguments], url)
    if not report.is_file():
        return False, f"{name}: did not finish (exit status {status})"
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in ET.parse(report).iter("testsuite"):
        for key in counts:
            counts[key] += int(suite.get(key, "0"))
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    # The tests asked for may need no database: then PostgreSQL has none to run.
    is_well = status == 0 or (status == _NO_TESTS and url is not None and bool(arguments))
    return is_well, f"{name}: {passed} passed, {failed} failed{skipped}"


def run_postgresql_half(arguments: list[str]) -> tuple[bool, str]:
    """The same on PostgreSQL, if it is installed."""
    server_programs = programs()
    if server_programs is None:
        print(_SKIPPED, flush=True)
        is_required = "postgresql" in os.environ.get("CLIENTELE_REQUIRE", "").split(",")
        return not is_required, "PostgreSQL: skipped, because it is not installed"
    try:
        with cluster(server_programs) as url:
            return run_half("PostgreSQL", url, arguments)
    except ClusterError as error:
        print(error, flush=True)
        return False, "PostgreSQL: did not start"


def run_sqlite_half(arguments: list[str]) -> tuple[bool, str]:
    """Run the tests on SQLite, and choose those that PostgreSQL need not repeat: none of tests that were asked for."""
    if arguments:
        return run_half("SQLite", None, arguments)
    shutil.rmtree(_STATEMENTS, ignore_errors=True)
    _STATEMENTS.mkdir()
    os.environ["STATEMENTS"] = str(_STATEMENTS)
    result = run_half("SQLite", None, arguments)
    del os.environ["STATEMENTS"]
    _LEFT_OUT.write_text(json.dumps(left_out(read(_STATEMENTS))), encoding="utf-8")
    os.environ["LEFT_OUT"] = str(_LEFT_OUT)
    return result


def main(arguments: list[str]) -> int:
    """The exit status: 0 if both halves passed, 1 if one didn't, 130 after Ctrl-C."""
    stop_on_signals()
    _REPORTS.mkdir(exist_ok=True)
    # Keep compiled modules, or every worker and every process that a test starts would compile them again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        halves = [run_sqlite_half(arguments), run_postgresql_half(arguments)]
    except KeyboardInterrupt:
        return 130
    print()
    for _, line in halves:
        print(line)
    return 0 if all(is_well for is_well, _ in halves) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
