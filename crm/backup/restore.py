"""Restore a backup: all or nothing, verified, with the erasures that were made since."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from crm.backup.archive import SUFFIX, Manifest, erasures_in, open_backup
from crm.backup.engines import BackupFailed, engine
from crm.backup.erasures import erase_again, list_of_erasures
from crm.exchange.atomic_file import whole_file
from customers.changes import delete_changes
from customers.logs import log_event
from customers.models import AuditEntry, Customer

#: Digits of the number that begins the name of a migration.
_NUMBER = 4


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `problems` are sentences about erasures that were not made again."""

    manifest: Manifest
    erased_again: int
    problems: list[str] = field(default_factory=list)


def restore(path: Path, *, replace: bool) -> Restored:
    """Replace the database by the backup at `path`. Raises `BackupFailed` or `OSError`; then nothing was changed.

    Without `replace` the database must have no customers, users and audit log. Erasures made after the backup are taken from the
    database that is replaced and from the other backups beside `path`, and made again. They are kept in a file until the
    restore ends, so that a repeated one finds them.
    """
    _check_room(replace=replace)
    with open_backup(path) as opened:
        _check_fit(opened.manifest)
        pending = path.with_name(f"{path.name}.erasures")
        others, unread = _others(path)
        with whole_file(pending, mode=0o600) as file:
            file.write(json.dumps([*_now(), *_pending(pending), *others]).encode())
        engine().load(opened.dump, opened.manifest.tables)
    # A backup of an earlier version of the schema is brought to this one.
    call_command("migrate", verbosity=0)
    again, problems = erase_again([_pending(pending)])
    Session.objects.all().delete()
    # Readers of the changes feed start over: they know changes that the database has no more.
    delete_changes(None)
    pending.unlink()
    log_event("backup_restored", rows=opened.manifest.rows, erased_again=again)
    return Restored(opened.manifest, again, [*unread, *problems])


def _has_tables() -> bool:
    return "django_migrations" in connection.introspection.table_names()


def _check_room(*, replace: bool) -> None:
    if replace or not _has_tables():
        return
    names = connection.introspection.table_names()
    for model in (Customer, User, AuditEntry):
        if model._meta.db_table in names and model._default_manager.exists():
            raise BackupFailed("The database isn't empty. Use --replace to replace everything in it")


def _check_fit(manifest: Manifest) -> None:
    if (manifest.vendor, manifest.server) != (connection.vendor, engine().version()):
        made, here = f"{manifest.vendor} {manifest.server}", f"{connection.vendor} {engine().version()}"
        raise BackupFailed(f"The backup is of {made}, this database is {here}. Restore it to the same")
    newest: dict[str, str] = {}
    for app, name in MigrationLoader(None).disk_migrations:
        newest[app] = max(name[:_NUMBER], newest.get(app, ""))
    # Names that are unknown and older belong to migrations that were squashed.
    if any(app in newest and name[:_NUMBER] > newest[app] for app, name in manifest.migrations):
        raise BackupFailed(f"The backup was made by version {manifest.version}. Install that version first")


def _now() -> list[Any]:
    """The erasures of the database that is replaced."""
    return list_of_erasures() if "customers_erasedrecord" in connection.introspection.table_names() else []


def _others(path: Path) -> tuple[list[Any], list[str]]:
    """The erasures of the other backups beside this one, and a sentence for each backup that can't be read."""
    found, problems = [], []
    for each in sorted(path.parent.glob(f"clientele-*{SUFFIX}")):
        if each == path:
            continue
        try:
            found += erasures_in(each)
        except (BackupFailed, OSError):
            problems.append(
                f"Couldn't read {each.name}. Erasures that only this backup lists weren't made again."
            )
    return found, problems


def _pending(path: Path) -> list[Any]:
    try:
        found: list[Any] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return []
    return found
