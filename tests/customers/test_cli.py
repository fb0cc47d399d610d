import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError

from customers.cli import errors_file, one_line, origin_of, say
from customers.ingest.reader import BadRecord

BAD = BadRecord(3, "$.name", "No.", '{"name":\n 1}')


def test_what_would_break_a_line_is_spelled_out() -> None:
    assert one_line("a\n\x1b[2Jé") == "a\\n\\x1b[2Jé"


def test_what_a_file_is_called() -> None:
    assert origin_of("-") == "standard input"
    assert origin_of("/exports/plans\n.json") == "plans\\n.json"


def test_whoever_reads_may_stop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Closed(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        say(Closed(), "line")
        out.write("lost")
    assert (tmp_path / "out").read_bytes() == b""


class TestErrorsFile:
    def test_each_refused_record_is_a_line(self, tmp_path: Path) -> None:
        name = tmp_path / "errors.ndjson"
        name.write_text("old\n", encoding="utf-8")
        with errors_file(str(name), ["other.json"]) as refuse:
            refuse(BAD)
            # What is written is there, whatever becomes of the command.
            [line] = name.read_text(encoding="utf-8").splitlines()
        assert json.loads(line) == {"record": 3, "path": "$.name", "reason": "No.", "document": {"name": 1}}

    def test_without_a_name_nothing_is_written(self) -> None:
        with errors_file(None, ["-"]) as refuse:
            refuse(BAD)

    def test_it_may_not_be_read_at_the_same_time(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        name = tmp_path / "data.json"
        name.write_text("{}", encoding="utf-8")
        (tmp_path / "link.json").symlink_to(name)
        with name.open("rb") as stdin:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(fileno=stdin.fileno))
            for given, read in (("link.json", str(name)), ("data.json", "-")):
                with (
                    pytest.raises(CommandError, match="Name another file") as caught,
                    errors_file(str(tmp_path / given), [read]),
                ):
                    pass
                assert caught.value.returncode == 2
        assert name.read_text(encoding="utf-8") == "{}"

    def test_it_must_be_writable(self, tmp_path: Path) -> None:
        with (
            pytest.raises(CommandError, match="can't be written") as caught,
            errors_file(str(tmp_path / "missing" / "errors"), []),
        ):
            pass
        assert caught.value.returncode == 2
