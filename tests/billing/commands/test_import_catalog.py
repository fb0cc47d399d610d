"""The command that imports a catalog, as a person runs it."""

import gzip
import io
import json
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from django.db import OperationalError

from billing.document.importer import catalog_importer
from billing.models import Feature, Plan
from tests.billing.import_documents import row_counts
from tests.billing.payloads import FEATURE, PLAN
from tests.command_line import Done, interrupt_command, run_command
from tests.strategies_catalog import Json

PRO: Json = {
    **PLAN,
    "version": 1,
    "items": [{"feature_id": "api_calls", "included": 10, "unlimited": False}],
}
CATALOG: Json = {"features": [FEATURE], "plans": [PRO]}
DEARER: Json = {**CATALOG, "plans": [{**PRO, "price": {"amount": 25, "interval": "month"}}]}

TAKEN = (
    "{0}: features: 1 created, 0 updated, 0 unchanged, 0 refused\n"
    "{0}: plans: 1 created, 0 updated, 0 given a new version, 0 unchanged, 0 refused\n"
)


def run(*arguments: str, status: int = 0) -> tuple[str, str]:
    """What the command wrote to standard output and to standard error, having ended with `status`."""
    out, err = io.StringIO(), io.StringIO()
    if status == 0:
        call_command("import_catalog", *arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()
    with pytest.raises(CommandError) as caught:
        call_command("import_catalog", *arguments, stdout=out, stderr=err)
    assert caught.value.returncode == status
    return out.getvalue(), f"{err.getvalue()}{caught.value}\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a file into the working directory, and answers its name."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: Any = CATALOG) -> str:
        Path(name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return name

    return write


@pytest.mark.django_db
class TestCounts:
    def test_a_file(self, write: Callable[..., str]) -> None:
        assert run(write("c.json")) == (TAKEN.format("c.json"), "")

    def test_the_same_file_again(self, write: Callable[..., str]) -> None:
        run(write("c.json"))
        before = row_counts()
        out, err = run("c.json")
        assert out.splitlines() == [
            "c.json: features: 0 created, 0 updated, 1 unchanged, 0 refused",
            "c.json: plans: 0 created, 0 updated, 0 given a new version, 1 unchanged, 0 refused",
        ]
        assert err == ""
        assert row_counts() == before

    def test_a_new_version(self, write: Callable[..., str]) -> None:
        run(write("c.json"))
        out, err = run(write("new.json", DEARER))
        assert out.splitlines()[1] == (
            "new.json: plans: 0 created, 0 updated, 1 given a new version, 0 unchanged, 0 refused"
        )
        assert err == (
            "new.json: $.plans[0].version, imported: Created version 2 of pro, because its price or allowances differ from version 1."
            " Customers keep the version they have.\n"
        )

    def test_compressed(self, write: Callable[..., str]) -> None:
        run(write("c.json.gz", gzip.compress(json.dumps(CATALOG).encode())))
        assert Plan.objects.count() == 1

    def test_the_currency_of_new_plans(self, write: Callable[..., str]) -> None:
        run(write("c.json"), "--currency", "kwd")
        assert Plan.objects.get().currency == "KWD"

    def test_what_is_passed_over_is_told(self, write: Callable[..., str]) -> None:
        _, err = run(write("c.json", {**CATALOG, "plan": []}))
        assert err == "c.json: $.plan: Ignored. A catalog has features and plans.\n"


@pytest.mark.django_db
class TestRefusals:
    def test_each_problem_is_a_line_with_its_place(self, write: Callable[..., str]) -> None:
        items = [{**PRO["items"][0], "feature_id": "nope", "included": -1}, PRO["items"][0]]
        team = {**PRO, "id": "team", "items": [{**PRO["items"][0], "feature_id": "nope"}]}
        content = {"features": [FEATURE, {"id": "x"}], "plans": [{**PRO, "items": items}, team, PRO]}

        out, err = run(write("c.json", content), status=1)

        assert out.splitlines() == [
            "c.json: features: 1 created, 0 updated, 0 unchanged, 1 refused",
            "c.json: plans: 1 created, 0 updated, 0 given a new version, 0 unchanged, 2 refused",
        ]
        first, second, third, summary = err.splitlines()
        assert first.startswith("c.json: $.features[1]: ")
        assert second.startswith("c.json: $.plans[0].items[0].included: ")
        assert third == (
            "c.json: $.plans[1].items[0].feature_id: Add the feature 'nope' to the features,"
            " or correct the ID. It doesn't exist."
        )
        assert summary == "3 features and plans refused."

    def test_only_the_first_are_shown(self, write: Callable[..., str]) -> None:
        _, err = run(write("c.json", {"plans": [{}] * 25}), status=1)
        lines = err.splitlines()
        assert len(lines) == 22
        assert lines[20] == "c.json: … and 5 more problems; use --errors FILE to get them all"

    def test_what_a_file_holds_cannot_break_the_line_or_command_the_terminal(
        self, write: Callable[..., str]
    ) -> None:
        _, err = run(write("c.json", {"features": [{**FEATURE, "type": "\x1b[2J\n"}]}), status=1)
        assert "\x1b" not in err
        assert len(err.splitlines()) == 2

    def test_the_errors_file_can_be_mended_and_imported(self, write: Callable[..., str]) -> None:
        bad = {**PRO, "items": [{**PRO["items"][0], "feature_id": "apicalls"}], "name": "Søn"}
        write("c.json", {**CATALOG, "plans": [{**PRO, "id": "team"}, bad]})

        _, err = run("c.json", "--errors", "errors.ndjson", status=1)

        assert "Correct them in errors.ndjson and import that file." in err
        [line] = Path("errors.ndjson").read_text(encoding="utf-8").splitlines()
        refused = json.loads(line)
        assert (refused["record"], refused["path"]) == (3, "$.plans[1].items[0].feature_id")
        assert refused["document"] == bad
        out, _ = run("errors.ndjson", status=1)
        assert out.endswith("1 refused\n")
        refused["document"]["items"][0]["feature_id"] = "api_calls"
        assert run(write("mended.ndjson", refused))[0].splitlines()[1] == (
            "mended.ndjson: plans: 1 created, 0 updated, 0 given a new version, 0 unchanged, 0 refused"
        )
        assert Plan.objects.get(plan_id="pro").name == "Søn"

    @pytest.mark.parametrize(
        ("name", "content", "told"),
        [
            ("missing.json", None, "missing.json: There is no such file. Check"),
            ("empty.json", b"", "The file is empty"),
            ("wide.json", "{}".encode("utf-16"), "UTF-16"),
            ("cut.json", b'{"features": [', "The text ends in the middle"),
            ("cut.json.gz", gzip.compress(os.urandom(3000))[:-9], "The compressed data ends too early"),
            ("other.json", b'[{"id": "a"}]', "Expected one object"),
            (".", None, "This is a directory"),
        ],
    )
    def test_what_is_no_catalog_changes_nothing(
        self, write: Callable[..., str], name: str, content: bytes | None, told: str
    ) -> None:
        write("unused.json")
        if content is not None:
            write(name, content)
        out, err = run(name, status=1)
        assert out == ""
        assert err.startswith(f"{name}: ")
        assert told in err
        assert err.endswith(" Nothing was changed.\n")
        assert len(err.splitlines()) == 1


@pytest.mark.django_db
class TestUsage:
    def test_the_errors_file_may_not_be_the_input(self, write: Callable[..., str]) -> None:
        _, err = run(write("c.json"), "--errors", "./c.json", status=2)
        assert "Name another file for --errors" in err
        assert json.loads(Path("c.json").read_bytes()) == CATALOG
        assert not Plan.objects.exists()

    def test_the_errors_file_must_be_writable(self, write: Callable[..., str]) -> None:
        _, err = run(write("c.json"), "--errors", "missing/e.ndjson", status=2)
        assert err.startswith("missing/e.ndjson can't be written (No such file or directory)")
        assert not Plan.objects.exists()

    def test_a_currency_is_known(self, write: Callable[..., str]) -> None:
        with pytest.raises(CommandError, match="'XXX' is not a currency"):
            call_command("import_catalog", write("c.json"), "--currency", "XXX")


@pytest.mark.django_db
class TestNothingHalfDone:
    def test_a_dry_run(self, write: Callable[..., str]) -> None:
        run(write("c.json"))
        before = row_counts()
        content = {"features": [FEATURE, {**FEATURE, "id": "sso"}], "plans": [*DEARER["plans"], {}]}

        out, _ = run(write("new.json", content), "--dry-run", "--errors", "errors.ndjson", status=1)

        assert out.splitlines() == [
            "new.json: features: 1 would be created, 0 would be updated, 1 unchanged, 0 refused",
            "new.json: plans: 0 would be created, 0 would be updated, 1 would be given a new version, 0 unchanged, 1 refused",
            "This was a dry run. Nothing was changed.",
        ]
        assert row_counts() == before
        assert json.loads(Path("errors.ndjson").read_bytes())["path"] == "$.plans[1]"

    def test_ctrl_c_while_it_writes(self, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(*args: Any, **options: Any) -> None:
            assert Feature.objects.exists()
            raise KeyboardInterrupt

        monkeypatch.setattr(catalog_importer, "upsert_plans", stop)
        assert run(write("c.json"), status=130)[1] == "Stopped. Nothing was changed.\n"
        assert not Feature.objects.exists()

    def test_ctrl_c_while_it_reads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Stopping(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                raise KeyboardInterrupt

        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Stopping()))
        assert run("-", status=130)[1] == "Stopped. Nothing was changed.\n"

    def test_a_database_that_fails(self, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any, **options: Any) -> None:
            raise OperationalError("disk full\nDETAIL: …")

        monkeypatch.setattr(catalog_importer, "upsert_plans", fail)
        _, err = run(write("c.json"), status=1)
        assert err.startswith("The database failed: disk full.")
        assert err.endswith("Nothing was changed.\n")
        assert not Feature.objects.exists()


def manage(*arguments: str, database: Path, **options: Any) -> Done:
    done = run_command(*arguments, database=database, **options)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def plans_in(database: Path) -> int:
    connection = sqlite3.connect(database)
    [count] = connection.execute("SELECT COUNT(*) FROM billing_plan").fetchone()
    connection.close()
    return int(count)


@pytest.mark.once
class TestFromTheCommandLine:
    def test_through_a_pipe(self, own_database: Path) -> None:
        done = manage("import_catalog", "-", database=own_database, stdin=json.dumps(CATALOG).encode())
        assert (done.returncode, done.stdout.decode()) == (0, TAKEN.format("standard input"))
        assert plans_in(own_database) == 1

    @pytest.mark.parametrize("arguments", [[], ["x.json", "--currency", "nil"]])
    def test_wrong_usage(self, arguments: list[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            execute_from_command_line(["manage.py", "import_catalog", *arguments])
        assert ended.value.code == 2

    def test_a_file_that_is_missing(self, own_database: Path) -> None:
        assert manage("import_catalog", "missing.json", database=own_database).returncode == 1

    def test_a_database_that_was_not_migrated(self, own_database: Path) -> None:
        Path("c.json").write_text(json.dumps(CATALOG), encoding="utf-8")
        done = manage("import_catalog", "c.json", database=own_database.with_name("other.sqlite3"))
        assert done.returncode == 1
        assert b"run `manage.py migrate`" in done.stderr

    def test_nobody_reads_standard_output(self, own_database: Path) -> None:
        Path("c.json").write_text(json.dumps(CATALOG), encoding="utf-8")
        reader, writer = os.pipe()
        os.close(reader)
        done = manage("import_catalog", "c.json", database=own_database, stdout=writer)
        os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")
        assert plans_in(own_database) == 1

    def test_ctrl_c(self, own_database: Path) -> None:
        stopped = interrupt_command(
            "import_catalog", "-", database=own_database, stdin=b'{"features": [' + b" " * 500_000
        )
        assert stopped.returncode == 130
        assert stopped.stderr == b"CommandError: Stopped. Nothing was changed.\n"
        assert plans_in(own_database) == 0
