"""A backup brings back every row, or changes nothing; nobody who was erased comes back with it."""

from __future__ import annotations

import io
import os
import random
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection

from crm.backup import archive
from crm.backup.engines import engine
from crm.jobs.backups import back_up
from crm.privacy.erase import erase_customer
from customers.ingest.erased import digest_of
from customers.models import Customer, Erasure, SourceRecord
from tests.factories import make_customer, make_invoice, make_note, make_source_record, make_user
from tests.processes import FORK, disconnect

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "a key of thirty-two characters at least"


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


def backed_up(folder: Path) -> Path:
    run("backup", str(folder))
    return max(folder.glob("clientele-*"))


def rows() -> dict[str, list[Any]]:
    """Every row of a few tables, read with SQL."""
    names = ("customers_customer", "crm_note", "billing_invoice", "auth_user", "customers_auditentry")
    found = {}
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"SELECT * FROM {name} ORDER BY 1")
            found[name] = cursor.fetchall()
    return found


def test_every_row_comes_back_and_nobody_who_was_erased(tmp_path, settings):
    settings.BACKUP_KEY = KEY
    make_user(username="ada")
    customer, gone = make_customer(name="Kept Ltd"), make_customer(name="Canary Person")
    make_invoice(customer=customer)
    make_note(customer=customer, body="A note about Kept Ltd")
    make_source_record(customer=gone, source="crm", source_id="crm-7")
    Session.objects.create(session_key="old", session_data="", expire_date="2030-01-01T00:00:00Z")
    before = rows()
    path = backed_up(tmp_path)
    assert b"Kept Ltd" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]

    erase_customer(gone, "asked on March 1", "test")
    erasure = Erasure.objects.get()
    Customer.objects.filter(pk=customer.pk).update(name="Changed")
    stranger = make_customer(name="Made later")

    with pytest.raises(CommandError, match="--replace"):
        run("restore", str(path))
    settings.BACKUP_KEY = KEY + "!"
    with pytest.raises(CommandError, match="another key, or is damaged"):
        run("restore", str(path), "--replace")
    assert Customer.objects.filter(pk=stranger.pk).exists()

    settings.BACKUP_KEY = KEY
    said = run("restore", str(path), "--replace")
    assert "Made 1 later erasure again." in said
    after = rows()
    mine = [row for row in before["customers_customer"] if "Kept Ltd" in row]
    assert [row for row in after["customers_customer"] if "Kept Ltd" in row] == mine
    for name in ("crm_note", "billing_invoice", "auth_user"):
        assert after[name] == before[name], name
    assert "Canary Person" not in str(after)
    assert not Customer.objects.filter(pk=stranger.pk).exists()
    assert not Session.objects.exists()
    assert list(tmp_path.iterdir()) == [path]
    # Both the erasure as it was and the one of what came back keep imports from bringing the record back.
    assert erasure in Erasure.objects.filter(customer_id=str(gone.pk))
    for each in Erasure.objects.filter(customer_id=str(gone.pk)):
        assert each.records.filter(digest=digest_of(each.salt, "crm", "live", "crm-7")).exists()
    assert not SourceRecord.objects.filter(source_id="crm-7").exists()


def test_a_damaged_backup_changes_nothing(tmp_path):
    make_customer(name="Before")
    path = backed_up(tmp_path)
    Customer.objects.update(name="After")
    with archive.open_backup(path) as opened:
        dump, manifest, erasures = opened.dump.read_bytes(), opened.manifest, opened.erasures
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("restore", str(path), "--replace")

    # A dump that is whole and holds other rows than the manifest says.
    work = tmp_path / "work"
    work.mkdir()
    (work / "dump").write_bytes(dump)
    count, digest = manifest.tables["customers_customer"]
    manifest.tables["customers_customer"] = (count, str(int(digest) + 1))
    archive._pack(work, manifest, erasures)
    with pytest.raises(CommandError, match="customers_customer"):
        run("restore", str(work / "packed"), "--replace")
    assert Customer.objects.get().name == "After"

    manifest.migrations.append(["crm", "0001_before_a_squash"])
    archive._pack(work, manifest, erasures)
    with pytest.raises(CommandError, match="customers_customer"):
        run("restore", str(work / "packed"), "--replace")
    manifest.migrations.append(["crm", "9999_from_the_future"])
    archive._pack(work, manifest, erasures)
    with pytest.raises(CommandError, match=r"made by version .*Install that version first"):
        run("restore", str(work / "packed"), "--replace")


def test_later_backups_know_who_was_erased_since(tmp_path, monkeypatch):
    gone = make_customer(name="Canary Person")
    first = backed_up(tmp_path).rename(tmp_path / "clientele-20260101T000000Z.clientele-backup")
    erase_customer(gone, "asked on March 1", "test")
    backed_up(tmp_path)
    damaged = tmp_path / "clientele-99991231T000000Z.clientele-backup"
    damaged.write_bytes(b"PK\x03\x04")
    monkeypatch.setattr("crm.backup.restore.list_of_erasures", list)
    with pytest.raises(CommandError, match=f"Couldn't read {damaged.name}. Erasures that only"):
        run("restore", str(first), "--replace")
    assert "Canary Person" not in str(rows())
    with pytest.raises(CommandError, match="is a directory"):
        run("restore", str(tmp_path), "--replace")
    damaged.unlink()
    # The first restore made it again, which is in the database that this one replaces.
    assert "Made 1 later erasure again." in run("restore", str(first), "--replace")
    assert "Canary Person" not in str(rows())
    monkeypatch.undo()
    # Again: the list names the customer twice now.
    assert "Made 1 later erasure again." in run("restore", str(first), "--replace")
    assert "Canary Person" not in str(rows())


class _Job:
    def __init__(self) -> None:
        self.id = "job"
        self.arguments: Mapping[str, Any] = {}
        self.requested_by_id: int | None = None

    def progress(self, done: int, total: int = 0) -> None:
        """Nothing to show."""

    def say(self, text: str) -> None:
        """Nothing to log."""


def test_the_nightly_job_keeps_as_many_as_it_is_told(tmp_path, settings):
    assert "no folder" in back_up(_Job()).text
    settings.BACKUP_DIR, settings.BACKUPS_KEPT = str(tmp_path), 2
    for day in (1, 2):
        (tmp_path / f"clientele-2026010{day}T000000Z.clientele-backup").write_bytes(b"")
    (tmp_path / "a file of the operator").write_bytes(b"")
    for name, hours in ((".backup-killed", 25), (".restore-killed", 25), (".backup-runs", 23)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, times=(time.time() - hours * 3600,) * 2)
    assert "verified" in back_up(_Job()).text
    left = sorted(path.name[:18] for path in tmp_path.iterdir())
    assert left[:3] == [".backup-runs", "a file of the oper", "clientele-20260102"]
    assert len(left) == 4


def test_a_backup_in_a_form_that_is_not_known_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_FORMAT", 2)
    later = backed_up(tmp_path)
    monkeypatch.undo()
    with pytest.raises(CommandError, match="in a form of its own"):
        run("restore", str(later), "--replace")


def test_erasures_that_wait_are_kept_whole_for_the_operator_alone(tmp_path, monkeypatch):
    path = backed_up(tmp_path)
    customer = make_customer(name="Someone")
    erase_customer(customer, "Asked for it", "test")
    kept = path.with_name(f"{path.name}.erasures")

    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "dump")

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(CommandError):
        run("restore", str(path), "--replace")
    assert not kept.exists()
    monkeypatch.undo()
    monkeypatch.setattr(type(engine()), "load", fails)
    with pytest.raises(CommandError):
        run("restore", str(path), "--replace")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert str(customer.pk) in kept.read_text()


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_a_restore_that_is_killed_leaves_the_old_database_or_the_new_one(tmp_path, seed):
    chance = random.Random(seed)
    for number in range(50):
        make_customer(name=f"In the backup {number}")
    path = backed_up(tmp_path)
    Customer.objects.filter(name="In the backup 1").update(name="Since")
    # Processes can't share a database in memory.
    with archive.open_backup(backed_up(tmp_path / "since")) as opened:
        (tmp_path / "live.sqlite3").write_bytes(opened.dump.read_bytes())

    def work(*, kill_after: float | None) -> list[str]:
        """Restore in a process that is killed after a while, and read the names."""
        disconnect()
        process = FORK.Process(target=_restore_alone, args=(path, tmp_path))
        process.start()
        if kill_after is not None:
            time.sleep(kill_after)
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
        names = FORK.SimpleQueue()
        reader = FORK.Process(target=_names, args=(tmp_path, names))
        reader.start()
        found: list[str] = names.get()
        reader.join()
        return found

    new = sorted(f"In the backup {number}" for number in range(50))
    old = sorted(set(new) - {"In the backup 1"} | {"Since"})
    for _ in range(3):
        assert work(kill_after=chance.uniform(0.05, 3)) in (old, new)
    assert work(kill_after=None) == new


def _restore_alone(path: Path, folder: Path) -> None:
    os.setsid()
    _use(folder)
    with archive.open_backup(path) as opened:
        engine().load(opened.dump, opened.manifest.tables)


def _names(folder: Path, names: Any) -> None:
    _use(folder)
    names.put(sorted(Customer.objects.values_list("name", flat=True)))


def _use(folder: Path) -> None:
    connection.settings_dict["OPTIONS"] = {**connection.settings_dict["OPTIONS"], "pool": False}
    if connection.vendor == "sqlite":
        del connection.settings_dict["OPTIONS"]["pool"]
        connection.settings_dict["NAME"] = str(folder / "live.sqlite3")
        connection.connection = None
