"""A fresh installation, a worker beside the pages, and an import: what follows is there within a minute, without a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import schema

_USER = "import django; django.setup(); from tests.crm.jobs.first_import import import_and_wait; import_and_wait()"


@pytest.mark.soak
def test_what_follows_from_an_import_is_there_within_a_minute(tmp_path: Path) -> None:
    database = tmp_path / "fresh.sqlite3"
    schema.take(database)
    own = {
        "CLIENTELE_DEVELOPMENT": "1",
        "ENV_FILE": "",
        "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": f"sqlite:///{database}",
    }
    environment = {**os.environ, **own}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], env=environment, check=True)
    worker = subprocess.Popen([sys.executable, "manage.py", "work"], env=environment)
    try:
        subprocess.run([sys.executable, "-c", _USER], env=environment, check=True)
        assert worker.poll() is None
    finally:
        worker.terminate()
        worker.wait()
