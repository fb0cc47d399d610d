"""The command that imports, as a person runs it."""

import fcntl
import json
import os
import pty
import sqlite3
import struct
import termios
from pathlib import Path
from typing import Any

import pytest
from django.core.management import execute_from_command_line

from customers.ingest.engine import BATCH
from tests.command_line import Done, interrupt_command, run_command
from tests.crm.import_documents import document, padded


def manage(*arguments: str, database: Path, **options: Any) -> Done:
    done = run_command(*arguments, database=database, **options)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def customers_in(database: Path) -> int:
    connection = sqlite3.connect(database)
    [count] = connection.execute("SELECT COUNT(*) FROM customers_customer").fetchone()
    connection.close()
    return int(count)


def test_from_the_command_line(own_database: Path) -> None:
    content = json.dumps(document()) + "\n" + json.dumps({"id": "b"}) + "\n"

    done = manage("import_customers", "crm", "-", database=own_database, stdin=content.encode())

    assert done.returncode == 1
    assert done.stdout == b"standard input: 1 created, 0 updated, 0 unchanged, 1 refused\n"
    assert done.stderr.startswith(b"standard input: record 2: $: ")
    assert customers_in(own_database) == 1


@pytest.mark.parametrize("arguments", [["crm"], ["nobody", "x.json"]])
def test_wrong_usage_from_the_command_line(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "import_customers", *arguments])
    assert ended.value.code == 2


def test_standard_input_from_the_errors_file(own_database: Path) -> None:
    Path("crm.json").write_text(json.dumps(document()), encoding="utf-8")
    before = Path("crm.json").read_bytes()

    with Path("crm.json").open("rb") as stdin:
        done = run_command(
            "import_customers", "crm", "-", "--errors", "crm.json", database=own_database, stdin=stdin
        )

    assert done.returncode == 2
    assert Path("crm.json").read_bytes() == before


def test_a_database_that_was_not_migrated(own_database: Path) -> None:
    Path("crm.json").write_text(json.dumps(document()), encoding="utf-8")

    done = manage("import_customers", "crm", "crm.json", database=own_database.with_name("other.sqlite3"))

    assert done.returncode == 1
    assert b"run `manage.py migrate`" in done.stderr


def test_nobody_reads_standard_output(own_database: Path) -> None:
    for name in ("a", "b"):
        Path(f"{name}.json").write_text(json.dumps(document(id=name)), encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)

    done = manage("import_customers", "crm", "a.json", "b.json", database=own_database, stdout=writer)

    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert customers_in(own_database) == 2


def test_a_progress_bar_on_a_terminal(own_database: Path) -> None:
    Path("crm.json").write_text(json.dumps(document()), encoding="utf-8")
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))

    done = run_command("import_customers", "crm", "crm.json", database=own_database, stderr=terminal)

    shown = os.read(screen, 10_000)
    os.close(terminal)
    os.close(screen)
    assert b"crm.json:   0%" in shown
    assert done.stdout == b"crm.json: 1 created, 0 updated, 0 unchanged, 0 refused\n"


def test_ctrl_c_from_the_command_line(own_database: Path) -> None:
    payloads = [json.dumps(each).encode() + b"\n" for each in padded(3 * BATCH)]
    stopped = interrupt_command(
        "import_customers", "crm", "-", database=own_database, stdin=b"".join(payloads[: 2 * BATCH])
    )

    assert stopped.returncode == 130, stopped.stderr
    assert b"Traceback" not in stopped.stderr
    assert b"Stopped. At least " in stopped.stderr
    assert customers_in(own_database) % BATCH == 0
    assert customers_in(own_database) < 2 * BATCH

    done = manage("import_customers", "crm", "-", database=own_database, stdin=b"".join(payloads))

    assert done.returncode == 0
    assert customers_in(own_database) == 3 * BATCH
