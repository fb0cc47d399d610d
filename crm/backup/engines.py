"""Dump a database into a file and load it again: SQLite by its backup API, PostgreSQL by its own programs."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from crm.backup.fingerprint import (
    POSTGRESQL_FORM,
    Fingerprint,
    fingerprint_of_postgresql,
    fingerprint_of_sqlite,
    postgresql_query,
)
from customers.cli import one_line

#: How long a restore waits for other processes that use the tables.
_LOCK_TIMEOUT = "30s"
#: What says which database it is, and how it is reached.
_PARAMETERS = {"host", "hostaddr", "port", "user", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey"}
#: Entries of a dump: the schema is made by the restore, whether or not the dump has it; the others belong to the server.
_LEFT_OUT = re.compile(r" (SCHEMA|COMMENT) - | EXTENSION - plpgsql")


class BackupFailed(Exception):
    """The backup or the restore can't be done. The message says why and what to do."""


class Engine(Protocol):
    """How one kind of database is dumped and loaded."""

    def version(self) -> str:
        """The version that a backup can be restored to."""

    def dump(self, target: Path) -> Fingerprint:
        """Write the database as it is at one moment to `target`, and return its fingerprint."""

    def load(self, source: Path, expected: Fingerprint) -> None:
        """Replace the database by what `source` holds, if that has the expected fingerprint: all or nothing."""


def engine() -> Engine:
    """The engine of this installation's database."""
    return _PostgreSQL() if connection.vendor == "postgresql" else _SQLite()


class _SQLite:
    def version(self) -> str:
        return "3"

    def dump(self, target: Path) -> Fingerprint:
        connection.ensure_connection()
        with _failures_told(), closing(sqlite3.connect(target)) as copy:
            connection.connection.backup(copy)
            # The copy is one file, without a journal beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            _check(copy)
            return fingerprint_of_sqlite(copy)

    def load(self, source: Path, expected: Fingerprint) -> None:
        with _failures_told(), closing(sqlite3.connect(source)) as copy:
            _check(copy)
            _compare(expected, fingerprint_of_sqlite(copy))
            connection.ensure_connection()
            # In one transaction of the database: whoever reads it sees the old one or the new one.
            copy.backup(connection.connection)
        connection.close()


@contextmanager
def _failures_told() -> Iterator[None]:
    # The copy is made without Django, which would translate its errors.
    try:
        yield
    except sqlite3.Error as problem:
        raise BackupFailed(f"SQLite failed: {one_line(str(problem))}") from None


def _check(database: Any) -> None:
    # They call functions of Django, which this connection doesn't have.
    database.execute("PRAGMA ignore_check_constraints = ON")
    (answer,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if answer != "ok":
        raise BackupFailed(f"The copy of the database is damaged: {one_line(answer)}.")


class _PostgreSQL:
    def version(self) -> str:
        return str(connection.pg_version // 10_000)  # type: ignore[attr-defined]

    def dump(self, target: Path) -> Fingerprint:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
            options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
            options += ["--schema=public", "--extension=*"]
            self._run("pg_dump", [*options, f"--file={target}"])
            return fingerprint_of_postgresql(cursor)

    def load(self, source: Path, expected: Fingerprint) -> None:
        listing = self._program("pg_restore", ["--list", str(source)])
        chosen = source.with_suffix(".list")
        chosen.write_text(
            "".join(line for line in listing.splitlines(keepends=True) if not _LEFT_OUT.search(line))
        )
        script = source.with_suffix(".sql")
        with script.open("w") as file:
            file.write(f"SET lock_timeout = '{_LOCK_TIMEOUT}';\n")
            file.write("DROP SCHEMA IF EXISTS public CASCADE;\nCREATE SCHEMA public;\n")
        options = ["--no-owner", "--no-privileges", f"--use-list={chosen}", "--file=-", str(source)]
        with script.open("ab") as file:
            self._program("pg_restore", options, file)
        with script.open("a") as file:
            file.write(_comparison(expected))
        connection.close()
        self._run(
            "psql",
            ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--file={script}"],
        )
        # Its statements are prepared for tables that are gone.
        connection.close()

    def _run(self, name: str, options: Sequence[str]) -> None:
        """Run a program that connects to the database."""
        connection.ensure_connection()
        info = connection.connection.info
        # The programs may know fewer parameters than the library of this process.
        known = {name: value for name, value in info.get_parameters().items() if name in _PARAMETERS}
        conninfo = make_conninfo(**known)
        _finish([self._path(name), *options, f"--dbname={conninfo}"], {"PGPASSWORD": info.password})

    def _program(self, name: str, options: Sequence[str], output: Any = None) -> str:
        return _finish([self._path(name), *options], None, output)

    def _path(self, name: str) -> str:
        """The program of the server's major version. Raises `BackupFailed`."""
        wanted = self.version()
        for path in (shutil.which(f"/usr/lib/postgresql/{wanted}/bin/{name}"), shutil.which(name)):
            if path is not None:
                found = re.search(r"(\d+)", _finish([path, "--version"], None).partition(") ")[2])
                if found is not None and found[1] == wanted:
                    return path
        raise BackupFailed(f"Install the client programs of PostgreSQL {wanted}: there is no {name} of it.")


def _finish(command: Sequence[str], variables: dict[str, str] | None, output: Any = None) -> str:
    environment = None if variables is None else {**os.environ, **variables}
    # The programs and options are ours, and no shell reads them.
    done = subprocess.run(  # noqa: S603
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output or subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        # PostgreSQL's DETAIL and CONTEXT can hold rows.
        lines = done.stderr.decode(errors="replace").splitlines() or [f"exit status {done.returncode}"]
        first = next((line for line in lines if "ERROR" in line or "error" in line), lines[-1])
        raise BackupFailed(f"{Path(command[0]).name} failed: {one_line(first)[:300]}")
    return "" if output is not None else done.stdout.decode()


def _comparison(expected: Fingerprint) -> str:
    """SQL that fails, and so undoes the load, unless each table has its rows and hash."""
    checks = [f"SET search_path = public;\n{POSTGRESQL_FORM};\n"]
    for table, (rows, digest) in sorted(expected.items()):
        query = postgresql_query(table)
        checks.append(
            f"DO $$ DECLARE rows bigint; digest text; BEGIN {query.replace(' FROM ', ' INTO rows, digest FROM ', 1)};"
            f" IF rows <> {int(rows)} OR digest <> '{digest}' THEN RAISE EXCEPTION 'table % differs', '{table}';"
            " END IF; END $$;\n"
        )
    return "".join(checks)


def _compare(expected: Fingerprint, found: Fingerprint) -> None:
    differing = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if differing:
        raise BackupFailed(f"The rows differ from the backup's manifest: {', '.join(differing[:5])}.")
