"""Write and read a backup: one file with the dump, a manifest of what it holds, and the list of erasures."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from crm.backup.engines import BackupFailed, engine
from crm.backup.erasures import list_of_erasures
from crm.backup.fingerprint import Fingerprint
from crm.backup.sealed_file import NotReadable, decrypt, encrypt, is_encrypted
from customers import clock
from customers.logs import log_event

SUFFIX = ".clientele-backup"
_DUMP, _MANIFEST, _ERASURES = "dump", "manifest.json", "erasures.json"
_FORMAT = 1
_BLOCK = 1 << 20
#: Seconds after which the folder of a backup or a restore is taken for one that was left behind.
_ABANDONED = 86_400


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `tables` has the rows and the hash of each, `dump_digest` is the SHA-256 of the dump."""

    format: int
    version: str
    made_at: str
    vendor: str
    server: str
    migrations: list[list[str]]
    tables: Fingerprint
    dump_digest: str

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(rows for rows, _ in self.tables.values())


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup that was read: its dump is a file until the context ends."""

    manifest: Manifest
    erasures: list[Any]
    dump: Path


def write_backup(directory: Path) -> tuple[Path, Manifest]:
    """Back the database up into a new file in `directory`, read it again, and return both.

    The file has its name only once it is whole and verified. Raises `BackupFailed` or `OSError`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"clientele-{clock.now():%Y%m%dT%H%M%S}Z{SUFFIX}"
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=directory) as name:
        work = Path(name)
        tables = engine().dump(work / _DUMP)
        manifest = Manifest(
            format=_FORMAT,
            version=settings.CLIENTELE_VERSION,
            made_at=clock.now().isoformat(),
            vendor=connection.vendor,
            server=engine().version(),
            migrations=sorted(map(list, MigrationRecorder(connection).applied_migrations())),
            tables=tables,
            dump_digest=_digest(work / _DUMP),
        )
        _pack(work, manifest, list_of_erasures())
        packed = work / "packed"
        if settings.BACKUP_KEY:
            encrypt(packed, work / "sealed", settings.BACKUP_KEY)
            packed = work / "sealed"
        _flush(packed)
        with open_backup(packed) as opened:
            if opened.manifest != manifest:
                raise BackupFailed("The backup can't be read again. Check the disk")
        packed.chmod(0o600)
        packed.replace(target)
    log_event("backup_written", rows=manifest.rows, bytes=target.stat().st_size)
    return target, manifest


@contextmanager
def open_backup(path: Path) -> Iterator[Opened]:
    """Read a backup and check its dump against the manifest. Raises `BackupFailed` or `OSError`."""
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=path.parent) as name:
        work = Path(name)
        with _unpacked(path, work) as archive:
            # JSON has lists for tuples.
            read = json.loads(archive.read(_MANIFEST))
            if read["format"] != _FORMAT:
                made_by = read.get("version", "a later version")
                raise BackupFailed(
                    f"The backup was made by version {made_by} in a form of its own. Restore it with that"
                )
            tables = {table: (rows, digest) for table, (rows, digest) in read.pop("tables").items()}
            manifest = Manifest(**read, tables=tables)
            erasures = json.loads(archive.read(_ERASURES))
            archive.extract(_DUMP, work)
        if _digest(work / _DUMP) != manifest.dump_digest:
            raise BackupFailed("Couldn't read the backup: it is damaged")
        yield Opened(manifest, erasures, work / _DUMP)


def erasures_in(path: Path) -> list[Any]:
    """The list of erasures of a backup. Raises `BackupFailed` or `OSError`."""
    with (
        tempfile.TemporaryDirectory(prefix=".restore-", dir=path.parent) as name,
        _unpacked(path, Path(name)) as archive,
    ):
        found: list[Any] = json.loads(archive.read(_ERASURES))
        return found


@contextmanager
def _unpacked(path: Path, work: Path) -> Iterator[zipfile.ZipFile]:
    if path.is_dir():
        raise BackupFailed(f"{path} is a directory. Name a backup file in it")
    try:
        with zipfile.ZipFile(_decrypted(path, work)) as archive:
            yield archive
    except (
        NotReadable,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
    ) as problem:
        reason = str(problem) if isinstance(problem, NotReadable) else "it is damaged or isn't a backup"
        raise BackupFailed(f"Couldn't read the backup: {reason}") from None


def _decrypted(path: Path, work: Path) -> Path:
    if not is_encrypted(path):
        return path
    if not settings.BACKUP_KEY:
        raise BackupFailed("Couldn't read the backup: it is encrypted. Set BACKUP_KEY to its key")
    plain = work / "plain"
    with plain.open("wb") as file:
        decrypt(path, file, settings.BACKUP_KEY)
    return plain


def _pack(work: Path, manifest: Manifest, erasures: list[Any]) -> None:
    # PostgreSQL's dump is compressed already.
    method = zipfile.ZIP_STORED if manifest.vendor == "postgresql" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(work / "packed", "w", compresslevel=1) as archive:
        archive.writestr(_MANIFEST, json.dumps(asdict(manifest)))
        archive.writestr(_ERASURES, json.dumps(erasures))
        archive.write(work / _DUMP, _DUMP, method)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def delete_older(directory: Path, keep: int) -> int:
    """Delete the oldest backups in `directory`, so that `keep` (at least one) remain, and return how many were deleted.

    What killed processes left behind is deleted too, but not what one may still be writing.
    """
    for left in (*directory.glob(".backup-*"), *directory.glob(".restore-*")):
        if left.stat().st_mtime < time.time() - _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    found = sorted(directory.glob(f"clientele-*{SUFFIX}"))
    old = found[: max(0, len(found) - max(1, keep))]
    for path in old:
        path.unlink()
    return len(old)
