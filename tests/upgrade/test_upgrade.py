"""A database that version 0.1 made is migrated, and shows what that version showed of it.

Where it differs on purpose, the file has what is shown since:

- Version 0.1 left a survivor, after the undo of its merge, with the phone, time and custom data that the other's record
  brought in between. `shown_then` has what the records themselves say.
- The ID of one account shows the balances of that account, not those of the whole customer.
- The billing export has the ID of Clientele where the billing platform has none, and the CRM export has no document
  of customers that the CRM knows only by another's record.
- An export has each source's own words, neither those of a more trusted source nor what a user decided.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tests import schema
from tests.examples import sampled

Json = dict[str, Any]

HERE = Path(__file__).parent
TOLD: Json = json.loads((HERE / "version_0_1.json").read_text(encoding="utf-8"))

#: How many differences of a kind a failure tells.
MOST = 10


def dump() -> Path:
    """The file that holds the whole database of version 0.1, as SQL, for the kind of database under test."""
    return HERE / f"version_0_1.{connection.vendor}.sql.gz"


def sql() -> str:
    """The whole database of version 0.1."""
    return gzip.decompress(dump().read_bytes()).decode()


@pytest.fixture
def old(db: None, tmp_path: Path) -> Iterator[str]:
    """The address of a database as version 0.1 left it; if an earlier run kept it, with the migrations that there are now."""
    if connection.vendor == "sqlite":
        database = tmp_path / "old.sqlite3"
        copy = schema.kept("upgraded-sqlite3", dump())
        if copy.is_file():
            shutil.copyfile(copy, database)
        else:
            with closing(sqlite3.connect(database)) as empty:
                # The checks of its tables ask for a function that Django brings.
                empty.create_function("REGEXP", 2, lambda pattern, text: bool(re.search(pattern, str(text))))
                empty.executescript(sql())
        yield f"sqlite:///{database}"
        return
    server = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    name = f"upgrade_{uuid4().hex}"
    url = server._replace(path=f"/{name}").geturl()
    archive = schema.kept("upgraded-pgdump", dump())
    with psycopg.connect(server.geturl(), autocommit=True) as beside:
        beside.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            if not archive.is_file() or not schema.restore(url, archive):
                with psycopg.connect(url) as empty:
                    empty.execute(sql())
            yield url
        finally:
            beside.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def upgraded(old: str) -> str:
    """The address of the same database, migrated. It is kept: all its migrations take a minute. What follows every
    `migrate`, such as writing triggers anew, is done each time.
    """
    run(old, "manage.py", "migrate", "--verbosity", "0")
    if connection.vendor == "sqlite":
        keep, kind = partial(back_up, old.removeprefix("sqlite:///")), "upgraded-sqlite3"
    else:
        keep, kind = partial(schema.dump, old), "upgraded-pgdump"
    schema.keep_as(kind, keep, dump())
    return old


def back_up(database: str, copy: Path) -> bool:
    """Copies an SQLite database."""
    schema.back_up(database, copy)
    return True


def run(url: str, *arguments: str, stdin: str = "") -> str:
    """What Python says that is run on a database; it must end well."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "CLIENTELE_DEVELOPMENT": "1",
            "ENV_FILE": "",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(url: str, asked: list[Json]) -> list[Json]:
    """The answers to these questions, in order, at the moment at which version 0.1 was asked."""
    said = run(url, "-m", "tests.upgrade.read_state", stdin=json.dumps(asked))
    answered: list[Json] = json.loads(said)
    return answered


def views(told: Json, known: Json | None = None) -> list[str]:
    """The requests to make anew: one in eight, and half of these on PostgreSQL, because most of the time goes into
    them. The exports look at all rows; what reads them has tests of its own. Of what is told otherwise in `known`, one
    in three is asked for.
    """
    requests = list(told["views"])
    same = [each for each in requests if known is None or known["views"].get(each) == told["views"][each]]
    otherwise = [each for each in requests if each not in same]
    one_in = 16 if connection.vendor == "postgresql" else 8
    again = {*sampled(same, one_in=one_in), *sampled(otherwise, one_in=3)}
    return [each for each in requests if each in again]


def questions(asked: list[str], first: list[list[str]]) -> Json:
    """What to ask of everything that is told, after these commands."""
    return {**TOLD["questions"], "first": first, "views": asked}


def differences(told: Json, shown: Json, asked: list[str]) -> Json:
    """Where what is shown is not what was told, kind by kind: (what, then, now). A new kind of row is none."""
    expected = {
        **told,
        "views": {request: TOLD["documents"][told["views"][request]] for request in asked},
    }
    found = {
        kind: [
            (what, then, shown[kind].get(what))
            for what, then in those.items()
            if shown[kind].get(what) != then
        ]
        for kind, those in expected.items()
    }
    return {kind: those[:MOST] for kind, those in found.items() if those}


@pytest.mark.sampled
def test_everything_is_shown_as_it_was_and_merges_are_undone(upgraded: str) -> None:
    before, after = views(TOLD["shown"]), views(TOLD["shown_then"], known=TOLD["shown"])
    shown, then = ask(upgraded, [questions(before, first=[]), questions(after, first=TOLD["undoing"])])
    assert differences(TOLD["shown"], shown, before) == {}
    assert then["first"] == TOLD["undone"]["commands"]
    assert all(said["status"] == 0 for said in then["first"].values())
    assert differences(TOLD["shown_then"], then, after) == {}
