"""The empty database as the migrations make it, kept from one run to the next: making it takes ten seconds."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.apps import apps
from django.conf import settings
from postgresql_cluster import programs

_KEPT = Path(settings.BASE_DIR) / ".cache"


def kept(kind: str, *made_from: Path) -> Path:
    """Where the database of the migrations that there are now is kept, if it is. `kind` ends the file's name.

    The name tells the migrations of every app apart, file by file, by what is in them, and the files that it is made from.
    """
    digest = sha256()
    for file in made_from:
        digest.update(file.read_bytes())
    for app in apps.get_app_configs():
        for file in sorted((Path(app.path) / "migrations").glob("*.py")):
            digest.update(f"{app.label}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return _KEPT / f"schema-{digest.hexdigest()[:32]}.{kind}"


def take(database: Path) -> None:
    """Puts a copy of what is kept in the place of a database; if there is nothing, leaves it to the migrations."""
    try:
        shutil.copyfile(kept("sqlite3"), database)
    except FileNotFoundError:
        return


def keep(migrated: Path) -> None:
    """Keeps a copy of this database, and no earlier one."""
    keep_as("sqlite3", lambda copy: bool(shutil.copyfile(migrated, copy)))


def keep_as(kind: str, write: Callable[[Path], bool], *made_from: Path) -> None:
    """Keeps what `write` puts into a file, and nothing earlier of its kind; nothing if it returns False."""
    ours = kept(kind, *made_from)
    if ours.is_file():
        return
    _KEPT.mkdir(exist_ok=True)
    for earlier in _KEPT.glob(f"schema-*.{kind}"):
        earlier.unlink(missing_ok=True)
    # Beside it, and then into its place at once: another process may be about to take or to keep it.
    copy = ours.with_name(f".{ours.name}.{os.getpid()}")
    if write(copy):
        copy.replace(ours)


def template(url: str) -> str | None:
    """The name of a PostgreSQL database to copy, on the server at `url`; made from what is kept by whoever comes first."""
    archive = kept("pgdump")
    if not archive.is_file():
        return None
    name = archive.stem
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(1)")
        if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return name
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        place = urlsplit(url)._replace(path=f"/{name}").geturl()
        if restore(place, archive):
            return name
        server.execute(f'DROP DATABASE "{name}"')
        return None


def keep_postgresql(url: str) -> None:
    """Keeps the database at `url` as an archive, and no earlier one, if PostgreSQL's programs are here."""
    keep_as("pgdump", lambda copy: dump(url, copy))


def dump(url: str, archive: Path) -> bool:
    """Writes the PostgreSQL database at `url` into a file. Returns whether it is whole."""
    return _succeeds("pg_dump", "--format=custom", f"--file={archive}", f"--dbname={url}")


def restore(url: str, archive: Path) -> bool:
    """Fills the empty PostgreSQL database at `url` from what `dump` wrote. Returns whether it is whole."""
    return _succeeds("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={url}", str(archive))


def _succeeds(name: str, *arguments: str) -> bool:
    """Whether the program is there and ended well; one of another version than the server's does not."""
    directory = programs()
    program = directory / name if directory else None
    if program is None or not program.is_file():
        return False
    return subprocess.run([program, *arguments], capture_output=True, check=False).returncode == 0


def back_up(source: str, target: Path) -> None:
    """Copies a database that may be in use, into a file that is whole by itself."""
    with closing(sqlite3.connect(source)) as ours, closing(sqlite3.connect(target)) as copy:
        ours.backup(copy)
        copy.execute("PRAGMA journal_mode=WAL")
