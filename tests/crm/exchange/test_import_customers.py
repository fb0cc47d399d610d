import gzip
import io
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from billing.models import BillingAccount
from crm.document.importer import CrmImporter
from crm.models import DuplicatePair
from customers.ingest.engine import BATCH
from customers.ingest.reader import read_records
from customers.models import Customer, ReceivedPayload
from tests.crm.import_documents import document, padded
from tests.customers.import_documents import row_counts
from tests.strategies_crm import Json


def run(*arguments: str, status: int = 0) -> tuple[str, str]:
    """What the command wrote to standard output and to standard error, having ended with `status`."""
    out, err = io.StringIO(), io.StringIO()
    if status == 0:
        call_command("import_customers", *arguments, stdout=out, stderr=err)
        return out.getvalue(), err.getvalue()
    with pytest.raises(CommandError) as caught:
        call_command("import_customers", *arguments, stdout=out, stderr=err)
    assert caught.value.returncode == status
    return out.getvalue(), f"{err.getvalue()}{caught.value}\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a file into the working directory, and answers its name."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, *payloads: Any) -> str:
        Path(name).write_text(json.dumps(payloads), encoding="utf-8")
        return name

    return write


@pytest.mark.django_db
class TestCounts:
    def test_a_file(self, write: Callable[..., str]) -> None:
        name = write("crm.json", document(id="a"), document(id="b"))

        assert run("crm", name) == ("crm.json: 2 created, 0 updated, 0 unchanged, 0 refused\n", "")

    def test_the_same_file_again(self, write: Callable[..., str]) -> None:
        name = write("crm.json", document(id="a"), document(id="b"))
        run("crm", name)
        before = row_counts()

        out, _ = run("crm", name)

        assert out == "crm.json: 0 created, 0 updated, 2 unchanged, 0 refused\n"
        # Only the run itself is recorded, and in the audit log that it was.
        recorded = ("crm_job", "customers_event", "customers_auditentry", "customers_auditdetails")
        assert row_counts() == {**before, **dict.fromkeys(recorded, 2)}

    def test_several_files_and_their_total(self, write: Callable[..., str]) -> None:
        first = write("first.json", document(id="a"), document(id="b"))
        second = write("second.json", document(id="b", notes="New."), document(id="c"))

        out, _ = run("crm", first, second)

        assert out.splitlines() == [
            "first.json: 2 created, 0 updated, 0 unchanged, 0 refused",
            "second.json: 1 created, 1 updated, 0 unchanged, 0 refused",
            "Total: 3 created, 1 updated, 0 unchanged, 0 refused",
        ]

    def test_the_file_is_remembered_with_what_came_in_it(self, write: Callable[..., str]) -> None:
        Path("exports").mkdir(exist_ok=True)
        name = write("exports/crm.json", document())

        run("crm", name)

        payload = ReceivedPayload.objects.get()
        assert payload.origin == "crm.json"
        assert json.loads(payload.text) == document()
        assert Customer.objects.get().history.get().history_change_reason == "Imported from crm: crm.json"

    def test_a_long_file_name_is_no_problem(self, write: Callable[..., str]) -> None:
        name = write("x" * 200 + ".json", document())

        run("crm", name)

        assert ReceivedPayload.objects.get().origin == name
        reason = Customer.objects.get().history.get().history_change_reason
        assert reason == f"Imported from crm: {name}"[:100]

    @pytest.mark.parametrize(
        ("source", "payload"),
        [
            ("payments", {"id": "cus_01h3vjs3b16yc3f9q8q9pfrb78", "email": "jane.doe@example.com"}),
            ("billing", {"id": "acme", "env": "live"}),
            ("crm", document()),
        ],
    )
    def test_each_source(self, write: Callable[..., str], source: str, payload: Json) -> None:
        run(source, write("file.json", payload))

        assert Customer.objects.get().source_records.get().source == source
        assert BillingAccount.objects.exists() == (source == "billing")

    def test_shapes_are_told_by_content(self, write: Callable[..., str]) -> None:
        write("unused.json")
        Path("one.json").write_text(json.dumps(document(id="one")), encoding="utf-8")
        Path("envelope.txt").write_text(
            json.dumps({"has_more": False, "data": [document(id="two")]}), encoding="utf-8"
        )
        Path("lines").write_text(
            json.dumps(document(id="three")) + "\n" + json.dumps(document(id="four")) + "\n", encoding="utf-8"
        )
        Path("packed.json").write_bytes(gzip.compress(json.dumps([document(id="five")]).encode()))

        run("crm", "one.json", "envelope.txt", "lines", "packed.json")

        names = Customer.objects.values_list("source_records__source_id", flat=True)
        assert set(names) == {"one", "two", "three", "four", "five"}


@pytest.mark.django_db
class TestRefusals:
    def test_each_is_one_line_with_its_place(self, write: Callable[..., str]) -> None:
        name = write(
            "crm.json",
            document(id="a"),
            document(id=""),
            document(id="c", notes="x" * 100_001),
            document(id="d"),
        )

        out, err = run("crm", name, status=1)

        assert out == "crm.json: 2 created, 0 updated, 0 unchanged, 2 refused\n"
        first, second, summary = err.splitlines()
        assert first.startswith("crm.json: record 2: $.id: ")
        assert second.startswith("crm.json: record 3: $.notes: ")
        assert summary == "Refused 2 records."

    def test_only_the_first_are_shown(self, write: Callable[..., str]) -> None:
        name = write("crm.json", *[document(id=[number]) for number in range(25)])

        _, err = run("crm", name, status=1)

        lines = err.splitlines()
        assert len(lines) == 22
        assert lines[19].startswith("crm.json: record 20: ")
        assert lines[20] == "crm.json: 5 more records refused. Use --errors FILE to write them to a file."

    def test_remarks_are_shown_too(self, write: Callable[..., str]) -> None:
        name = write(
            "crm.json", *[document(id=str(number), domains=["a.example.com", ""]) for number in range(22)]
        )

        out, err = run("crm", name)

        lines = err.splitlines()
        assert out.splitlines() == [
            "crm.json: 22 created, 0 updated, 0 unchanged, 0 refused",
            "crm.json: 22 remarks: 22 noted",
        ]
        assert len(lines) == 21
        assert lines[2].startswith("crm.json: record 3 (imported): $.domains[1]: ")
        assert lines[20].startswith("crm.json: 2 more remarks")

    def test_what_a_record_holds_cannot_break_the_line_or_command_the_terminal(
        self, write: Callable[..., str]
    ) -> None:
        name = write(
            "crm.json",
            document(
                id="1",
                poc=[{"name": "x", "obfuscated_id": "1", "metadata": {"type": "\x1b[2J\n"}}],
                **{"\x1b[2J\n": 1},
            ),
        )

        out, err = run("crm", name)

        assert "\x1b" not in out + err
        assert len(err.splitlines()) == 1
        assert len(out.splitlines()) == 3

    def test_the_errors_file_can_be_mended_and_imported(self, write: Callable[..., str]) -> None:
        name = write("crm.json", document(id="a"), document(notes="Søn", id=""), document(id="c"))

        _, err = run("crm", name, "--errors", "errors.ndjson", status=1)

        [line] = Path("errors.ndjson").read_text(encoding="utf-8").splitlines()
        refused = json.loads(line)
        assert (refused["record"], refused["path"]) == (2, "$.id")
        assert refused["document"] == document(notes="Søn", id="")
        assert "Correct the records in errors.ndjson" in err
        refused["document"]["id"] = "b"
        Path("mended.ndjson").write_text(json.dumps(refused) + "\n", encoding="utf-8")
        assert (
            run("crm", "mended.ndjson")[0] == "mended.ndjson: 1 created, 0 updated, 0 unchanged, 0 refused\n"
        )
        assert Customer.objects.count() == 3

    def test_the_errors_file_holds_what_is_no_json(self, write: Callable[..., str]) -> None:
        write("unused.json")
        Path("bad.ndjson").write_bytes(b'{"id": "a", "company": {"name": NaN}}\n{"id": "b", "x": "\xff"}\n')

        run("crm", "bad.ndjson", "--errors", "errors.ndjson", status=1)

        with Path("errors.ndjson").open("rb") as file:
            again = list(read_records(file))
        lines = [json.loads(line) for line in Path("errors.ndjson").read_text(encoding="utf-8").splitlines()]
        assert [line["record"] for line in lines] == [1, 2]
        assert lines[0]["text"] == '{"id": "a", "company": {"name": NaN}}'
        assert len(again) == 2

    def test_an_old_errors_file_is_emptied(self, write: Callable[..., str]) -> None:
        name = write("crm.json", document())
        Path("errors.ndjson").write_text("old\n", encoding="utf-8")

        run("crm", name, "--errors", "errors.ndjson")

        assert Path("errors.ndjson").read_bytes() == b""

    def test_a_card_number_is_neither_shown_nor_written(self, write: Callable[..., str]) -> None:
        name = write("payments.json", {"id": "p1", "custom_data": {"card_number": "4242424242424242"}})

        out, err = run("payments", name, "--errors", "errors.ndjson", status=1)

        assert "4242424242424242" not in out + err + Path("errors.ndjson").read_text(encoding="utf-8")
        assert not Customer.objects.exists()


@pytest.mark.django_db
class TestUsage:
    @pytest.mark.parametrize("name", ["crm.json", "./crm.json", "link.json"])
    def test_the_errors_file_may_not_be_an_input(self, write: Callable[..., str], name: str) -> None:
        write("crm.json", document())
        Path("link.json").symlink_to("crm.json")
        before = Path("crm.json").read_bytes()

        _, err = run("crm", "crm.json", "--errors", name, status=2)

        assert "Name another file for --errors" in err
        assert Path("crm.json").read_bytes() == before
        assert not Customer.objects.exists()

    def test_the_errors_file_must_be_writable(self, write: Callable[..., str]) -> None:
        name = write("crm.json", document())

        _, err = run("crm", name, "--errors", "missing/errors.ndjson", status=2)

        assert err.startswith("missing/errors.ndjson can't be written (No such file or directory)")
        assert not Customer.objects.exists()

    def test_standard_input_is_read_once(self) -> None:
        _, err = run("crm", "-", "-", status=2)

        assert err == "Name standard input (-) only once.\n"


@pytest.mark.django_db
class TestUnreadable:
    @pytest.mark.parametrize(
        ("name", "content", "told"),
        [
            ("missing.json", None, "missing.json: There is no such file. Check"),
            ("empty.json", b"", "The file is empty"),
            ("directory", None, "is a directory"),
            ("wide.json", '[{"id": "a"}]'.encode("utf-16"), "UTF-16"),
        ],
    )
    def test_one_line_each_and_the_others_are_done(
        self, write: Callable[..., str], name: str, content: bytes | None, told: str
    ) -> None:
        good = write("good.json", document())
        Path("directory").mkdir()
        if content is not None:
            Path(name).write_bytes(content)

        out, err = run("crm", name, good, status=1)

        assert out.splitlines()[0] == "good.json: 1 created, 0 updated, 0 unchanged, 0 refused"
        problem, summary = err.splitlines()
        assert problem.startswith(f"{name}: ")
        assert told in problem
        assert summary == "Couldn't read 1 file completely."

    def test_what_came_before_the_end_of_a_cut_file_is_in(self, write: Callable[..., str]) -> None:
        write("unused.json")
        packed = gzip.compress("".join(json.dumps(each) + "\n" for each in padded(300)).encode(), mtime=0)
        Path("cut.gz").write_bytes(packed[:-12])

        out, err = run("crm", "cut.gz", status=1)

        assert err.splitlines()[-2].startswith("cut.gz: The compressed data ends too early")
        created = int(out.split()[1])
        assert created == Customer.objects.count()
        # Not only whole batches: also what was read of the last one.
        assert created > BATCH

    def test_bytes_that_are_not_utf8_cost_their_own_record(self, write: Callable[..., str]) -> None:
        write("unused.json")
        good = [json.dumps(document(id=name)).encode() for name in "ab"]
        Path("bad.ndjson").write_bytes(good[0] + b'\n{"id": "\xff"}\n' + good[1] + b"\n")

        out, _ = run("crm", "bad.ndjson", status=1)

        assert out == "bad.ndjson: 2 created, 0 updated, 0 unchanged, 1 refused\n"


@pytest.mark.django_db
class TestDryRun:
    def test_nothing_is_changed(self, write: Callable[..., str]) -> None:
        run("crm", write("old.json", document(id="a", merged_customers=[document(id="x")])))
        name = write("crm.json", document(id="a", notes="New."), document(id="b"), {"id": "c"})
        before = row_counts()

        out, _ = run("crm", name, "--dry-run", "--errors", "errors.ndjson", status=1)

        assert out.splitlines() == [
            "crm.json: 1 would be created, 1 would be updated, 0 unchanged, 1 refused",
            "Dry run. Nothing was changed.",
        ]
        assert row_counts() == before
        assert Customer.objects.get(merged_into=None).relationship.reported_notes == ""
        assert json.loads(Path("errors.ndjson").read_bytes())["record"] == 3

    def test_a_file_builds_on_those_before_it(self, write: Callable[..., str]) -> None:
        first, second = write("first.json", document()), write("second.json", document(notes="New."))

        out, _ = run("crm", first, second, "--dry-run")

        assert (
            out.splitlines()[1]
            == "second.json: 0 would be created, 1 would be updated, 0 unchanged, 0 refused"
        )
        assert not Customer.objects.exists()


class _Stopping(io.RawIOBase):
    """Standard input that ends in Ctrl-C."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._content.read(len(buffer))
        if not data:
            raise KeyboardInterrupt
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.django_db
class TestStopping:
    def test_ctrl_c_undoes_the_batch_under_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        content = "".join(json.dumps(each) + "\n" for each in padded(BATCH + 100)).encode()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=_Stopping(content)))

        _, err = run("crm", "-", status=130)

        assert err.startswith(f"Stopped. At least {BATCH} records imported before")
        assert "Run the same command again" in err
        assert Customer.objects.count() == BATCH

    def test_a_dry_run_that_is_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        content = "".join(json.dumps(each) + "\n" for each in padded(BATCH + 100)).encode()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=_Stopping(content)))

        _, err = run("crm", "-", "--dry-run", status=130)

        assert err == "Stopped. Dry run. Nothing was changed.\n"
        assert not Customer.objects.exists()

    def test_a_database_that_fails_is_no_records_fault(
        self, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = write("crm.json", *[document(id=f"c{number}") for number in range(BATCH + 1)])
        apply = CrmImporter.apply

        def fail_on_the_last(self: CrmImporter, batch: list[Any], reason: str) -> None:
            if batch[-1].document.id == f"c{BATCH}":
                raise OperationalError("disk full\nDETAIL: …")
            apply(self, batch, reason)

        monkeypatch.setattr(CrmImporter, "apply", fail_on_the_last)

        _, err = run("crm", name, status=1)

        assert err.startswith("The database failed: disk full.")
        assert f"At least {BATCH} records imported" in err
        assert Customer.objects.count() == BATCH


@pytest.mark.django_db
class TestPossibleDuplicates:
    TWINS = (
        document(id="a", company={"name": "Harbor Foods GmbH"}, domains=["harbor.example"]),
        document(id="b", company={"name": "Harbor Foods"}, domains=["harbor.example"]),
    )

    def test_the_queue_has_those_of_the_imported_customers(self, write: Callable[..., str]) -> None:
        for name, twin in zip(("a.json", "b.json"), self.TWINS, strict=True):
            out, _ = run("crm", write(name, twin))
        assert out.splitlines()[1:] == ["Possible duplicates: 1 new pair."]
        assert DuplicatePair.objects.waiting().count() == 1

    def test_a_dry_run_leaves_it_alone(self, write: Callable[..., str]) -> None:
        run("crm", "--dry-run", write("twins.json", *self.TWINS))
        assert not DuplicatePair.objects.exists()

    def test_the_import_stands_if_the_search_fails(
        self, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(since: datetime) -> int:
            raise OperationalError("deadlock detected")

        monkeypatch.setattr("crm.management.commands.import_customers.add_received", fail)
        out, err = run("crm", write("twins.json", *self.TWINS))
        assert out == "twins.json: 2 created, 0 updated, 0 unchanged, 0 refused\n"
        assert "Possible duplicates weren't looked for" in err
        assert Customer.objects.count() == 2
