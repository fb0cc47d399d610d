"""An import whose process is killed again and again makes the same rows as one that is left alone. Memory is bounded."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests import schema

_START = """
import sys, django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from crm.imports.run import begin_run
from crm.imports.uploads import take_file
from crm.models import FileImport
with open(sys.argv[1], "rb") as stream:
    found = take_file("rows.csv", stream, None)
FileImport.objects.filter(pk=found.pk).update(state=FileImport.State.READY)
begin_run(found, None)
"""
_RUN = """
import django
django.setup()
from crm.imports.run import run
from crm.models import FileImport
run(FileImport.objects.get(), lambda done, total: None)
"""
#: What is compared. IDs and moments differ, of course.
_COMPARED = {
    "customers_customer": "name, email, phone, status",
    "customers_address": "city, country, is_default",
    "customers_sourcerecord": "source, source_id, digest",
    "customers_receivedpayload": "digest, text",
    "crm_company": "name",
    "crm_person": "name, email, phone",
    "crm_contact": "position",
    "crm_importedrecord": "number, outcome, title",
}
_MOST_MEMORY = 400_000


def _table(path: Path, rows: int) -> None:
    with path.open("w") as file:
        file.write("Company;Contact name;Email;Phone;City;Country\n")
        for at in range(rows):
            file.write(
                f"Invented Works {at:06d};Person {at:06d};person{at}@firm{at}.example;+49 30 {5550000 + at % 10000};"
                f"Town {at % 977};DE\n"
            )


def _process(database: Path, code: str, *arguments: str) -> subprocess.Popen[bytes]:
    own = {
        "CLIENTELE_DEVELOPMENT": "1",
        "ENV_FILE": "",
        "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"sqlite:///{database}",
    }
    return subprocess.Popen([sys.executable, "-c", code, *arguments], env={**os.environ, **own})


def _begun(database: Path, table: Path) -> None:
    schema.take(database)
    assert _process(database, _START, str(table)).wait() == 0


def _count(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        # Nothing is deleted here, and counting would cost more than importing.
        return int(connection.execute("SELECT MAX(rowid) FROM customers_customer").fetchone()[0] or 0)


def _memory(process: subprocess.Popen[bytes]) -> int:
    """The most kilobytes that the process has had."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    return 0


def _rows(database: Path) -> dict[str, list[object]]:
    with closing(sqlite3.connect(database)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall())
            for table, columns in _COMPARED.items()
        }


@pytest.mark.soak
@pytest.mark.parametrize(("rows", "kills"), [(2_000, 5), (20_000, 50)])
def test_an_import_that_is_killed_makes_the_same_rows(tmp_path: Path, rows: int, kills: int) -> None:
    table, killed, alone = (tmp_path / name for name in ("rows.csv", "killed.sqlite3", "alone.sqlite3"))
    _table(table, rows)
    for database in (killed, alone):
        _begun(database, table)
    chance = random.Random(rows)
    for point in sorted(chance.sample(range(rows), kills)):
        process = _process(killed, _RUN)
        while _count(killed) < point and process.poll() is None:
            time.sleep(0.05)
        time.sleep(chance.random() / 5)
        process.kill()
        process.wait()
    assert _process(killed, _RUN).wait() == 0
    assert _process(alone, _RUN).wait() == 0
    assert _rows(killed) == _rows(alone)
    assert _count(killed) == rows


@pytest.mark.soak
def test_two_hundred_thousand_rows_are_imported_in_bounded_memory(tmp_path: Path) -> None:
    table, database = tmp_path / "rows.csv", tmp_path / "large.sqlite3"
    _table(table, 200_000)
    _begun(database, table)
    process, most = _process(database, _RUN), 0
    while process.poll() is None:
        most = max(most, _memory(process))
        time.sleep(0.5)
    assert process.returncode == 0
    assert _count(database) == 200_000
    assert most < _MOST_MEMORY
