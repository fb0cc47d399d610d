"""The settings as a whole, as an installation meets them."""

import os
import re
import runpy
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from config.environment import ConfigurationError
from customers.configuration.table import BY_NAME, TABLE

ROOT = Path(settings.BASE_DIR)
#: Every name that the settings ask the environment for.
NAMES = {
    name
    for file in ("settings.py", "database.py")
    for name in re.findall(r'nvironment\.\w+\(\s*"([A-Z_]+)"', (ROOT / "config" / file).read_text())
} | {"ENV_FILE", *BY_NAME}
#: Former names, read for one more version.
ALIASES = {setting.former_name: setting.name for setting in TABLE if setting.former_name}
PRODUCTION = {
    "ENV_FILE": "",
    "SECRET_KEY": "for-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "crm.example.com",
}


def clean_environment(**values: str) -> dict[str, str]:
    of_the_tests = NAMES | {"DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in of_the_tests} | values


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> dict[str, Any]:
    """The settings that this environment makes."""
    for name in NAMES | ALIASES.keys():
        monkeypatch.delenv(name, raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "config" / "settings.py"))


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=clean_environment(**environment),
        check=False,
        capture_output=True,
        text=True,
    )


def test_production_is_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, **PRODUCTION)
    assert found["DEBUG"] is False
    assert found["ALLOWED_HOSTS"] == ["crm.example.com"]
    assert found["SECURE_PROXY_SSL_HEADER"] is None
    assert found["SECURE_SSL_REDIRECT"] is True
    assert found["SESSION_COOKIE_SECURE"] is True
    assert found["CSRF_COOKIE_SECURE"] is True
    assert found["STORAGES"]["staticfiles"]["BACKEND"].endswith("CompressedManifestStaticFilesStorage")


def test_development_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    found = load(monkeypatch, ENV_FILE="", CLIENTELE_DEVELOPMENT="1")
    assert found["DEBUG"] is False
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert found["SECURE_SSL_REDIRECT"] is False
    assert found["SESSION_COOKIE_SECURE"] is False


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS"])
def test_production_has_no_default_for(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"\n  {missing}: it isn't set\. Set it to "):
        load(monkeypatch, **{**PRODUCTION, missing: ""})


def test_a_short_secret_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"\n  SECRET_KEY: it is too short") as caught:
        load(monkeypatch, **{**PRODUCTION, "SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_secret_key_may_begin_with_a_dollar_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "$" + PRODUCTION["SECRET_KEY"]
    assert load(monkeypatch, **{**PRODUCTION, "SECRET_KEY": key})["SECRET_KEY"] == key


def test_the_command_line_stops_with_one_message() -> None:
    done = run("manage.py", "check", ENV_FILE="", DEBUG="maybe", CSRF_TRUSTED_ORIGINS="crm.example.com")
    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0] == "Clientele can't start. Correct these settings:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        "  DEBUG",
        "  SECRET_KEY",
        "  ALLOWED_HOSTS",
        "  CSRF_TRUSTED_ORIGINS",
    ]


def test_the_command_line_names_a_wrong_setting_of_the_product() -> None:
    done = run("manage.py", "check", **PRODUCTION, DEFAULT_CURRENCY="EURO", SOURCE_PRECEDENCE_NAME="crm")
    assert done.returncode == 1
    assert "DEFAULT_CURRENCY: 'EURO' does not fit. Set it to the ISO 4217 code" in done.stderr
    assert (
        "SOURCE_PRECEDENCE_NAME: 'crm' does not fit. Set it to payments, billing, crm, each once"
        in done.stderr
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "name"),
    [({}, "SECRET_KEY"), ({**PRODUCTION, "DEFAULT_CURRENCY": "EURO"}, "DEFAULT_CURRENCY")],
)
def test_the_server_stops_with_the_status_that_ends_gunicorn(environment: dict[str, str], name: str) -> None:
    done = run("-c", "import config.wsgi", **{"ENV_FILE": "", **environment})
    assert done.returncode == 4
    assert f"\n  {name}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_deployment_check_is_silent_in_production() -> None:
    done = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (1 silenced).\n"


@pytest.mark.parametrize(("former", "name"), ALIASES.items())
def test_a_former_name_is_read_unless_the_new_one_is_set(
    monkeypatch: pytest.MonkeyPatch, former: str, name: str
) -> None:
    assert load(monkeypatch, **PRODUCTION, **{former: "12"})[name] == 12
    assert load(monkeypatch, **PRODUCTION, **{former: "12", name: "13"})[name] == 13


def test_every_setting_is_documented() -> None:
    documented = (ROOT / "docs" / "settings.md").read_text()
    example = (ROOT / ".env.example").read_text()
    assert len(NAMES) > 15
    for name in NAMES:
        assert f"| `{name}` |" in documented, name
        assert name == "ENV_FILE" or f"{name}=" in example, name


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.django_db
def test_sqlite_runs_as_decided() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("this is the PostgreSQL half")
    with connection.cursor() as cursor:
        for pragma, value in {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1}.items():
            assert cursor.execute(f"PRAGMA {pragma}").fetchone() == (value,)


@pytest.mark.postgresql
@pytest.mark.django_db
def test_postgresql_prepares_statements_and_binds_on_the_server() -> None:
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute("SELECT %s::int + 1", [41])
            assert cursor.fetchone() == (42,)
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1::int + 1'")
        assert cursor.fetchone() == (1,)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_request_gives_up_what_takes_postgresql_too_long() -> None:
    code = (
        "import config.wsgi; from django.db import connection\n"
        "with connection.cursor() as cursor:\n"
        "    for name in ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'):\n"
        "        cursor.execute(f'SHOW {name}'); print(*cursor.fetchone())"
    )
    url = os.environ["DATABASE_URL"]
    limits = run("-c", code, CLIENTELE_DEVELOPMENT="1", ENV_FILE="", DATABASE_URL=url)
    assert limits.stdout.split() == ["1min", "20s", "1min"], limits.stderr
    free = run(
        "-c",
        code.replace("config.wsgi", "django; django.setup()"),
        CLIENTELE_DEVELOPMENT="1",
        ENV_FILE="",
        DATABASE_URL=url,
        DJANGO_SETTINGS_MODULE="config.settings",
    )
    assert free.stdout.split() == ["0", "0", "0"], free.stderr
