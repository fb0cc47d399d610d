"""The documents are true: they name every setting and command, and only files that exist."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from customers.configuration.table import BY_NAME

pytestmark = pytest.mark.once

_ROOT = Path(settings.BASE_DIR)
_DOCUMENTS = [*_ROOT.glob("*.md"), *(_ROOT / "docs").glob("*.md")]

_APPS = ("billing", "config", "crm", "customers")


def _text(name: str) -> str:
    return (_ROOT / name).read_text(encoding="utf-8")


def test_every_setting_is_described() -> None:
    read = set(re.findall(r'_environment\.\w+\(\s*"([A-Z_]+)"', _text("config/settings.py"))) | BY_NAME.keys()
    described = set(re.findall(r"`([A-Z_]+)`", _text("docs/settings.md")))
    assert len(read) > 20
    assert read - described == set()


def test_every_command_is_described() -> None:
    commands = {
        path.stem
        for app in _APPS
        for path in (_ROOT / app / "management" / "commands").glob("*.py")
        if path.stem != "__init__"
    }
    described = set(re.findall(r"[a-z_]+", _text("docs/operations.md") + _text("README.md")))
    assert commands - described - {"load_demo", "hand_over"} == set()


@pytest.mark.parametrize("path", _DOCUMENTS, ids=lambda path: path.name)
def test_files_and_links_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [place for place in linked if not (path.parent / place).exists()] == []
    named = re.findall(r"`((?:billing|config|crm|customers|tests|docs|bin)/[\w./-]*)`", text)
    assert [place for place in named if not (_ROOT / place).exists()] == []


#: Old names of settings that still work for one version.
