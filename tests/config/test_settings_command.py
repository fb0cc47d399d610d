"""`manage.py settings`: each value with where it comes from, and no secret."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command

from config.environment import EnvironmentSettings
from customers.configuration.table import INVOICE_DUE_DAYS, TABLE, TRIAL_SOON_DAYS
from customers.configuration.values import STORED, store

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def printed(**options: Any) -> str:
    out = StringIO()
    call_command("settings", stdout=out, **options)
    return out.getvalue()


def test_each_setting_is_printed_with_its_source(settings: Any) -> None:
    settings.INVOICE_PREFIX = "R"
    settings.RENEWAL_SOON_DAYS = 20
    settings.GIVEN_SETTINGS = frozenset({"INVOICE_PREFIX", "RENEWAL_SOON_DAYS"})
    settings.LOCKED_SETTINGS = frozenset({"INVOICE_PREFIX"})
    store(INVOICE_DUE_DAYS, 14, None)
    STORED.forget()
    found = {row["name"]: (row["value"], row["source"]) for row in json.loads(printed(format="json"))}
    assert found["INVOICE_DUE_DAYS"] == ("14", "page")
    assert found["INVOICE_PREFIX"] == ("R", "locked")
    assert found["RENEWAL_SOON_DAYS"] == ("20", "environment")
    assert found["TRIAL_SOON_DAYS"] == (str(TRIAL_SOON_DAYS.default), "default")
    assert found.keys() >= {setting.name for setting in TABLE} | {"SECRET_KEY", "TIME_ZONE"}
    assert len(printed().splitlines()) == len(found)


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENV_FILE", "")
    environment = EnvironmentSettings(Path("there-is-none"))
    for name in ("SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "CACHE_URL"):
        monkeypatch.setenv(name, "hunter2")
        environment.text(name)
    assert set(environment.given_texts.values()) == {"(hidden)"}
    assert django_settings.SECRET_KEY not in printed()
