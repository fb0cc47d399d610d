"""The empty SQLite database as the migrations make it, kept from one run to the next: making it takes ten seconds."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from django.apps import apps
from django.conf import settings

_KEPT = Path(settings.BASE_DIR) / ".cache"


def kept() -> Path:
    """Where the database of the migrations that there are now is kept, if it is.

    Its name tells the migrations of every app apart, file by file, by what is in them.
    """
    digest = sha256()
    for app in apps.get_app_configs():
        for file in sorted((Path(app.path) / "migrations").glob("*.py")):
            digest.update(f"{app.label}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return _KEPT / f"schema-{digest.hexdigest()[:32]}.sqlite3"


def take(database: Path) -> None:
    """Puts a copy of what is kept in the place of a database; if there is nothing, leaves it to the migrations."""
    try:
        shutil.copyfile(kept(), database)
    except FileNotFoundError:
        return


def keep(migrated: Path) -> None:
    """Keeps a copy of this database, and no earlier one."""
    ours = kept()
    if ours.is_file():
        return
    _KEPT.mkdir(exist_ok=True)
    for earlier in _KEPT.glob("schema-*"):
        earlier.unlink(missing_ok=True)
    # Beside it, and then into its place at once: another process may be about to take or to keep it.
    copy = ours.with_name(f".{ours.name}.{os.getpid()}")
    shutil.copyfile(migrated, copy)
    copy.replace(ours)


def back_up(source: str, target: Path) -> None:
    """Copies a database that may be in use, into a file that is whole by itself."""
    with closing(sqlite3.connect(source)) as ours, closing(sqlite3.connect(target)) as copy:
        ours.backup(copy)
        copy.execute("PRAGMA journal_mode=WAL")
