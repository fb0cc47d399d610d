"""The image, the compose file and the units start what the product has, with settings that it knows."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from configparser import ConfigParser
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from tests.config.test_settings import NAMES

pytestmark = pytest.mark.once

_ROOT = Path(settings.BASE_DIR)
_DEPLOY = _ROOT / "deploy"
_SERVER = ["--workers", "3", "--threads", "4", "config.wsgi"]
_WAIT_SECONDS = 60


def _steps() -> list[str]:
    """The instructions of the Containerfile, each in one line."""
    text = (_DEPLOY / "Containerfile").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return [step for step in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines() if step]


def _copied() -> list[str]:
    return [shlex.split(step)[1] for step in _steps() if step.startswith("COPY ")]


def _server_of_image() -> list[str]:
    [command] = [step.removeprefix("CMD ") for step in _steps() if step.startswith("CMD ")]
    found: list[str] = json.loads(command)
    return found


def _unit(name: str) -> list[str]:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(_DEPLOY / f"clientele-{name}.service")
    return shlex.split(parser["Service"]["ExecStart"])


def test_each_starts_the_server_and_the_worker_alike() -> None:
    services = yaml.safe_load((_DEPLOY / "compose.yaml").read_text())["services"]
    for command in (_server_of_image(), _unit("web")):
        assert command[0].endswith(".venv/bin/gunicorn")
        assert command[-len(_SERVER) :] == _SERVER
    assert "command" not in services["web"]
    for command in (services["work"]["command"], _unit("work")):
        assert command[-2:] == ["manage.py", "work"]
    assert {services[name]["command"][2] for name in ("migrate", "work")} <= get_commands().keys()


def test_their_settings_exist() -> None:
    services = yaml.safe_load((_DEPLOY / "compose.yaml").read_text())["services"]
    given = {name for each in ("web", "work", "migrate") for name in services[each]["environment"]}
    assert given - NAMES == {"PROMETHEUS_MULTIPROC_DIR"}


def test_the_image_has_every_app_and_only_what_may_be_sent_to_its_build() -> None:
    sent = {
        line.removeprefix("!")
        for line in (_ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    assert set(_copied()) == sent
    apps = {
        app.partition(".")[0] for app in settings.INSTALLED_APPS if (_ROOT / app.partition(".")[0]).is_dir()
    }
    assert apps | {"config", "templates", "manage.py", "requirements.txt"} == sent


@pytest.mark.soak
def test_what_the_image_has_is_enough_to_serve(tmp_path: Path) -> None:
    for name in _copied():
        source = _ROOT / name
        shutil.copytree(source, tmp_path / name) if source.is_dir() else shutil.copy(source, tmp_path)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    own = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "for-the-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
        "ALLOWED_HOSTS": "crm.example.com",
        "DATABASE_URL": "sqlite:///served.sqlite3",
    }
    for command in ("collectstatic", "migrate"):
        subprocess.run(
            [".venv/bin/python", "manage.py", command, "--noinput", "--verbosity", "0"],
            cwd=tmp_path,
            env=own,
            check=True,
        )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    start = [each.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for each in _server_of_image()]
    server = subprocess.Popen(start, cwd=tmp_path, env=own)
    try:
        assert _answer(f"http://127.0.0.1:{port}/readyz") == "ok\n"
    finally:
        server.terminate()
        assert server.wait() == 0


def _answer(address: str) -> str:
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            with urlopen(Request(address, headers={"Host": "crm.example.com"})) as response:
                return str(response.read().decode())
        except URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
