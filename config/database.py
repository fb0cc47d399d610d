"""Django's database settings from DATABASE_URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

from config.environment import EnvironmentSettings

_WANTED = "Set it to postgresql://USER:PASSWORD@HOST:PORT/NAME or sqlite:///PATH"
_DJANGO_KEYS = {"ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS", "CONN_MAX_AGE"}

#: Writers take their lock when the transaction begins, so that they can wait for it. Readers never wait (WAL).
_SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


#: How long a request waits for PostgreSQL: for a statement, for a lock, and with nothing to do in a transaction.
_LIMITS = {
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
}


class _WrongUrl(Exception):
    """The URL can't be used. The message says why, without repeating it."""


def database(environment: EnvironmentSettings, base_dir: Path) -> dict[str, Any]:
    """Django's settings for the database in `DATABASE_URL`, by default the SQLite file `db.sqlite3`.

    Relative paths start at `base_dir`. A problem with the URL is recorded in the environment.
    """
    pool_size = environment.number("DATABASE_POOL_SIZE", 10)
    url = environment.text("DATABASE_URL", "sqlite:///db.sqlite3")
    try:
        parts = _split(url)
        if parts.scheme == "sqlite":
            return _sqlite(url, parts, base_dir)
        return _postgresql(url, pool_size)
    except _WrongUrl as problem:
        environment.refuse("DATABASE_URL", f"{problem}. {_WANTED}")
        return {"ENGINE": "django.db.backends.dummy"}


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_complete = "://" in url and parts.port != 0
    except ValueError:
        raise _WrongUrl(
            "it is not a URL (the port must be a number, and special characters in the password percent-encoded)"
        ) from None
    if not is_complete or parts.scheme not in {"sqlite", "postgres", "postgresql"}:
        raise _WrongUrl("it is not a URL of PostgreSQL or SQLite")
    return parts


def _sqlite(url: str, parts: SplitResult, base_dir: Path) -> dict[str, Any]:
    if parts.netloc or parts.query or parts.fragment:
        raise _WrongUrl("SQLite takes three slashes and a relative path, or four and an absolute one")
    config: dict[str, Any] = environ.Env.db_url_config(url)
    if config["NAME"] == ":memory:":
        raise _WrongUrl("it names no file")
    file = base_dir / config["NAME"]
    if file.is_dir() or not file.parent.is_dir():
        raise _WrongUrl(f"{file} is a directory, or its directory doesn't exist")
    return {**config, "NAME": file, "OPTIONS": _SQLITE_OPTIONS}


def _postgresql(url: str, pool_size: int) -> dict[str, Any]:
    config: dict[str, Any] = environ.Env.db_url_config(url)
    options = config.get("OPTIONS", {})
    if not config["NAME"] and "service" not in options:
        raise _WrongUrl("it names no database")
    if unknown := sorted(config.keys() - _DJANGO_KEYS):
        raise _WrongUrl(f"it can't set {', '.join(unknown)}")
    max_age = config.setdefault("CONN_MAX_AGE", 0)
    if not (max_age is None or isinstance(max_age, int)):
        raise _WrongUrl("its CONN_MAX_AGE is not a number of seconds")
    try:
        make_conninfo(**options)
    except ProgrammingError as error:
        raise _WrongUrl(f"it has an option that PostgreSQL doesn't know ({str(error).strip()})") from None
    config["OPTIONS"] = {
        # Django's default binds on the client and never prepares, but planning takes longer than most queries.
        "server_side_binding": True,
        # Prepare a query the second time it runs: migrations send several statements in one, which can't be prepared.
        "prepare_threshold": 1,
        **options,
    }
    # Django refuses a pool together with persistent connections.
    if pool_size and max_age == 0:
        config["OPTIONS"]["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 10}
    config["CONN_HEALTH_CHECKS"] = True
    return config


def bound_requests(config: dict[str, Any]) -> None:
    """Let PostgreSQL give up what a request would wait for too long.

    For processes that answer requests, before they connect. Jobs and commands may take hours. What the URL sets wins.
    """
    if config["ENGINE"] == "django.db.backends.postgresql":
        limits = " ".join(f"-c {name}={value}" for name, value in _LIMITS.items())
        options = config["OPTIONS"]
        options["options"] = f"{limits} {options.get('options', '')}".strip()
