"""The command that imports, as a person runs it."""

import fcntl
import json
import os
import pty
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import execute_from_command_line

from customers.ingest.engine import BATCH
from tests.crm.import_documents import document, padded


@pytest.fixture
def database(django_db_setup: None, migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty database of one's own; its directory is the working directory."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copy(migrated, tmp_path / "db.sqlite3"))


def command_line(*arguments: str) -> list[str]:
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments]


def environment(database: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": f"sqlite:///{database}",
        "CLIENTELE_DEVELOPMENT": "1",
        "ENV_FILE": "",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }


def manage(
    *arguments: str, database: Path, stdin: bytes | None = None, **options: Any
) -> subprocess.CompletedProcess[bytes]:
    options = {"stdout": subprocess.PIPE, **options}
    done = subprocess.run(
        command_line(*arguments),
        env=environment(database),
        input=stdin,
        stderr=subprocess.PIPE,
        check=False,
        **options,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def customers_in(database: Path) -> int:
    connection = sqlite3.connect(database)
    [count] = connection.execute("SELECT COUNT(*) FROM customers_customer").fetchone()
    connection.close()
    return int(count)


def test_from_the_command_line(database: Path) -> None:
    content = json.dumps(document()) + "\n" + json.dumps({"id": "b"}) + "\n"

    done = manage("import_customers", "crm", "-", database=database, stdin=content.encode())

    assert done.returncode == 1
    assert done.stdout == b"standard input: 1 created, 0 updated, 0 unchanged, 1 refused\n"
    assert done.stderr.startswith(b"standard input: record 2: $: ")
    assert customers_in(database) == 1


@pytest.mark.parametrize("arguments", [["crm"], ["nobody", "x.json"]])
def test_wrong_usage_from_the_command_line(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "import_customers", *arguments])
    assert ended.value.code == 2


def test_standard_input_from_the_errors_file(database: Path) -> None:
    Path("crm.json").write_text(json.dumps(document()), encoding="utf-8")
    before = Path("crm.json").read_bytes()

    with Path("crm.json").open("rb") as stdin:
        done = subprocess.run(
            command_line("import_customers", "crm", "-", "--errors", "crm.json"),
            env=environment(database),
            stdin=stdin,
            capture_output=True,
            check=False,
        )

    assert done.returncode == 2
    assert Path("crm.json").read_bytes() == before


def test_a_database_that_was_not_migrated(database: Path) -> None:
    Path("crm.json").write_text(json.dumps(document()), encoding="utf-8")

    done = manage("import_customers", "crm", "crm.json", database=database.with_name("other.sqlite3"))

    assert done.returncode == 1
    assert b"run `manage.py migrate`" in done.stderr


def test_nobody_reads_standard_output(database: Path) -> None:
    for name in ("a", "b"):
        Path(f"{name}.json").write_text(json.dumps(document(id=name)), encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)

    done = manage("import_customers", "crm", "a.json", "b.json", database=database, stdout=writer)

    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
    assert customers_in(database) == 2


def test_a_progress_bar_on_a_terminal(database: Path) -> None:
    Path("crm.json").write_text(json.dumps(document()), encoding="utf-8")
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))

    done = subprocess.run(
        command_line("import_customers", "crm", "crm.json"),
        env=environment(database),
        stdout=subprocess.PIPE,
        stderr=terminal,
        check=False,
    )

    shown = os.read(screen, 10_000)
    os.close(terminal)
    os.close(screen)
    assert b"crm.json:   0%" in shown
    assert done.stdout == b"crm.json: 1 created, 0 updated, 0 unchanged, 0 refused\n"


def test_ctrl_c_from_the_command_line(database: Path) -> None:
    payloads = [json.dumps(each).encode() + b"\n" for each in padded(3 * BATCH)]
    process = subprocess.Popen(
        command_line("import_customers", "crm", "-"),
        env=environment(database),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    # When the pipe has taken all this, the command is in the middle of it.
    process.stdin.write(b"".join(payloads[: 2 * BATCH]))
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()

    assert process.returncode == 130, err
    assert b"Traceback" not in err
    assert b"Stopped. At least " in err
    assert customers_in(database) % BATCH == 0
    assert customers_in(database) < 2 * BATCH

    done = manage("import_customers", "crm", "-", database=database, stdin=b"".join(payloads))

    assert done.returncode == 0
    assert customers_in(database) == 3 * BATCH
