"""Imports that are stopped and continued, refused in the wrong state, and run by the command."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from crm.imports import run as running
from crm.imports.run import WrongState, preview, run, start_preview, start_run
from crm.imports.uploads import take_file
from crm.models import FileImport
from customers.ingest import engine
from customers.models import Customer, SourceRecord
from tests.crm.imports import files

pytestmark = pytest.mark.django_db

_ROWS = b"Company;Contact email\n" + b"".join(b"Company %d;a@c%d.example\n" % (at, at) for at in range(9))


class _Stopped(Exception):
    pass


def _nothing(done: int, total: int) -> None:
    pass


def _started(data: bytes) -> FileImport:
    file_import = take_file("list.csv", io.BytesIO(data), None)
    start_preview(file_import, None)
    preview(file_import, _nothing)
    start_run(file_import, None)
    file_import.refresh_from_db()
    return file_import


def test_an_import_that_was_stopped_continues_and_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BATCH", 2)
    monkeypatch.setattr(running, "_TOGETHER", 2)
    file_import = _started(_ROWS)

    for at in (2, 4, 6):

        def stop(done: int, total: int, at: int = at) -> None:
            if done >= at:
                raise _Stopped

        with pytest.raises(_Stopped):
            run(file_import, stop)
        assert 0 < Customer.objects.count() < 9
        file_import.refresh_from_db()
    run(file_import, _nothing)
    file_import.refresh_from_db()
    assert (file_import.counts["created"], Customer.objects.count()) == (9, 9)
    assert file_import.records.filter(is_preview=False, outcome="created").count() == 9
    with pytest.raises(WrongState):
        start_run(file_import, None)


def test_the_command_imports_and_reverts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "fair.csv"
    path.write_bytes(files.TRADE_FAIR)
    with pytest.raises(CommandError, match="Refused 1 record"):
        call_command("import_file", str(path), "--dry-run")
    assert "2 would be created" in capsys.readouterr().out
    assert not Customer.objects.exists()
    assert not FileImport.objects.exists()
    with pytest.raises(CommandError, match="Refused 1 record"):
        call_command("import_file", str(path), "--source", "Fair 2026")
    key = str(FileImport.objects.get().pk)
    assert f"Import {key}" in capsys.readouterr().out
    assert set(SourceRecord.objects.values_list("source", flat=True)) == {"csv:fair-2026"}
    call_command("import_file", "--revert", key)
    assert "2 customers removed" in capsys.readouterr().out
    assert not Customer.objects.exists()
